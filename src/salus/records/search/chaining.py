"""Chains and `_has` as matches: what stands at the other end of a reference is found first.

https://hl7.org/fhir/R4/search.html#chaining https://hl7.org/fhir/R4/search.html#has
"""

from itertools import islice

from salus.records.search import lines, links, subjects
from salus.records.search.setting import Setting, numbers, open_to
from salus.records.search.shelf import Arguments, Candidate, Match, Piece, shelf
from salus.records.search.terms import Term

FEW = 500  # rows at the other end that are looked up beforehand
READ = 3000  # resources that refer here, which are read for what they refer to


def standing(setting: Setting, type: str, match: Match) -> Piece:
    """The rows of a type that are such, alive and to be seen by whoever asks; too many where a check remains."""
    start, arguments = starting(setting, type, match)
    return f"SELECT r.row {start}", arguments


def starting(setting: Setting, type: str, match: Match) -> Piece:
    """As `standing`, from where it does not matter what is selected."""
    kind = setting.kinds.numbers[type]
    driven = f"{setting.dialect.unindexed.format('r.type')}={kind} AND r.row IN ({match.rows})"
    start = f"r.type={kind} AND {match.condition}" if match.negated else driven
    return f"FROM resource r WHERE {start} AND r.alive AND {open_to(setting.patient)}", match.arguments


def checked(setting: Setting, type: str, match: Match, most: int) -> list[int]:
    """The first `most` of those rows that pass the check too."""
    sql, arguments = standing(setting, type, match)
    if not match.check:
        return setting.rows(f"{sql} LIMIT {most}", arguments)
    return [row for (row,) in islice(setting.passing(setting.stream(sql, arguments), [match.check]), most)]


def forward(setting: Setting, type: str, term: Term, inner: list[tuple[str, Match]]) -> Match:
    """Rows of a type whose reference leads to such a resource."""
    pieces = [known(setting, other, match) for other, match in inner]
    if [other for other, _ in inner] == ["Patient"] and pieces[0][0] == ONE:
        return _of_one(setting, type, term, pieces[0][1])
    targets = " OR ".join(f"target IN ({sql})" for sql, _ in pieces)
    arguments = [argument for _, some in pieces for argument in some]
    where = f"path IN ({numbers(term.parameter.paths)}) AND ({targets})"
    found = shelf(setting.dialect, "ref", where, arguments, negated=False)
    found.probe = None  # it would try each target in turn
    return found


def _of_one(setting: Setting, type: str, term: Term, patient: Arguments) -> Match:
    where = f"path IN ({numbers(term.parameter.paths)}) AND target=?"
    found = shelf(setting.dialect, "ref", where, patient, negated=False)
    return lines.pinned(type, term, [int(str(row)) for row in patient], found)


def known(setting: Setting, type: str, match: Match) -> Piece:
    """The rows themselves in the place of their query, where they are few, or not all that it finds."""
    if match.check:
        return numbers(checked(setting, type, match, MANY)), []
    rows = checked(setting, type, match, max(FEW, 1) + 1)
    if len(rows) == 1:
        return ONE, [*rows]
    return (numbers(rows), []) if len(rows) <= FEW else standing(setting, type, match)


ONE = "?"
MANY = 1 << 30  # rows: all; the setting bounds what is opened


def backward(setting: Setting, term: Term, type: str, source: str, match: Match, ask_each: bool = False) -> Match:
    """Rows that such a resource refers to.

    No index leads from a resource to what it refers to: where such resources are few they are read, else what refers
    to each candidate is looked through; so too with `ask_each`, for other conditions leave few candidates.
    """
    if ask_each and (asked_of_each := subjects.of_each(setting, term, type, source, match)):
        return asked_of_each
    start = starting(setting, source, match)
    if not ask_each and (told_by_rows := subjects.whose(setting, term, type, source, start, match)):
        return told_by_rows
    rows = [] if ask_each else checked(setting, source, match, READ + 1)
    if not ask_each and len(rows) <= READ:
        found = numbers(sorted(_referred(setting, term, type, source, rows)))
        return Match(f"SELECT row FROM resource WHERE row IN ({found})", f"r.row IN ({found})", [])
    sql, arguments = standing(setting, source, match)
    back = f"SELECT target FROM ref WHERE path IN ({numbers(term.parameter.paths)}) AND row IN ({sql})"
    condition = f"EXISTS({_referring(setting, term, source, match, 'r.row')} LIMIT 1)"
    if not match.check:
        return Match(back, condition, arguments, negated=True)
    check, each = match.check, _referring(setting, term, source, match, "?")

    def led_here(candidate: Candidate) -> bool:
        found = setting.stream(each, [candidate.row, *arguments])
        return next(setting.passing(found, [check]), None) is not None

    return Match(back, condition, arguments, negated=True, check=led_here)


def _referring(setting: Setting, term: Term, source: str, match: Match, target: str) -> str:
    """The rows that refer to `target` and are such, so far as SQL can say."""
    here = f"SELECT row FROM ref WHERE path IN ({numbers(term.parameter.paths)}) AND target={target}"
    parts = [f"r.type={setting.kinds.numbers[source]}", "r.alive", open_to(setting.patient)]
    parts.append(match.probe or match.condition)
    join = f"({here}) i {setting.dialect.along} resource r ON r.row=i.row"
    return f"SELECT r.row FROM {join} WHERE {' AND '.join(parts)}"


def _referred(setting: Setting, term: Term, type: str, source: str, rows: list[int]) -> set[int]:
    ids = {id for body in setting.bodies(rows) for kind, id in links.named(source, body, (type,)) if kind == type}
    targets = [row for id in sorted(ids) if (row := setting.row(type, id)) is not None]
    sql = f"SELECT 1 FROM ref WHERE path IN ({numbers(term.parameter.paths)}) AND target=? AND row IN ({numbers(rows)})"
    return {target for target in targets if setting.rows(f"{sql} LIMIT 1", (target,))}
