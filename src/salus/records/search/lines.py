"""What a line of a patient's timeline says of a condition, so that it need not be asked of the index."""

import re
from functools import lru_cache

from salus import fhir
from salus.records import compartments
from salus.records.search.setting import numbers
from salus.records.search.shelf import Arguments, Match
from salus.records.search.terms import Term

ELSEWHERE = re.compile(r"\br\.(?!(?:row|type|date|subject|bunch|withheld)\b)")  # what a resource has and a line has not


@lru_cache(2048)
def elsewhere(sql: str) -> bool:
    """Whether a condition on `r` asks for what a line has not; remembered, for there are few shapes of conditions."""
    return ELSEWHERE.search(sql) is not None


def told(type: str, term: Term, table: str, where: str, match: Match) -> Match:
    """The match of a term, with what a timeline knows of it."""
    if table == "token" and set(term.parameter.paths) <= fhir.coded(type) and match.probe:
        negated = "NOT " if match.negated else ""
        of_bunch = f"r.bunch {negated}IN (SELECT bunch FROM bunched WHERE {where})"
        match.line = (f"CASE r.bunch WHEN 0 THEN {match.probe} ELSE {of_bunch} END", match.arguments * 2)
    return match


def pinned(type: str, term: Term, patients: list[int], match: Match) -> Match:
    """The match of a reference that leads to one patient only: all that it finds stands on that timeline."""
    own = compartments.subject_paths(type)
    if len(patients) != 1 or not set(term.parameter.paths) <= own:
        return match
    there = f"EXISTS(SELECT 1 FROM ref WHERE path IN ({numbers(term.parameter.paths)}) AND target=? AND row=r.row)"
    line = ("TRUE", Arguments()) if own <= set(term.parameter.paths) else (there, Arguments(patients))
    match.subject, match.line = patients[0], line
    return match


def asked(match: Match, is_pin: bool) -> tuple[str, Arguments]:
    """A condition as it is asked of a line."""
    if match.line and (is_pin or match.subject is None):
        return match.line
    return match.probe or match.condition, match.arguments
