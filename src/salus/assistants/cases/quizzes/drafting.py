"""A case of the library as the beginning of a teaching case: what is known is filled in, what only a teacher can say is
left open, and the check names it.

A case of our own records is in the library only once a human let it through the gate.
"""

from collections.abc import Callable
from typing import Any

import yaml

from salus.assistants.cases.case import Case, Finding
from salus.base.words import words_of

Json = dict[str, Any]
ICD10 = "ICD10//"
SIGNS = {"present": "+", "absent": "-", "unsure": "?"}
OPEN = ""  # what the teacher has to write
LONGEST = 3900  # characters of a text
Named = Callable[[str, str], str]  # (concept, language) -> its name


def drafted(case: Case, named: Named) -> str:
    """YAML for the page on which cases are written. `named` gives names of concepts in a language."""
    codes = [one.code.removeprefix(ICD10) for one in case.diagnoses if one.code.startswith(ICD10)]
    script: Json = {
        "id": called(case.id),
        "title": {"en": OPEN, "zh": OPEN},
        "level": "resident",
        "origin": "released" if case.source == "own" else "composed",
        "diagnosis": codes[0] if codes else OPEN,
        "diagnoses": [{"code": code, **both(f"{ICD10}{code}", named)} for code in codes or [OPEN]],
        "must_not_miss": [],
        "steps": steps(case, named),
        "tests": [],
        "path": [{"after": "presentation", "ranking": codes[:1] or [OPEN], "why": {"en": OPEN, "zh": OPEN}}],
        "concepts": [],
        "sources": [case.reference or case.released or OPEN],
    }
    return str(yaml.safe_dump(script, allow_unicode=True, sort_keys=False, width=120))


def called(id: str) -> str:
    """
    >>> called("PMID:123_A")
    'from-pmid-123-a'
    """
    return "".join(sign if sign.isascii() and sign.isalnum() else "-" for sign in f"from-{id}".lower())[:48].strip("-")


def both(concept: str, named: Named) -> dict[str, str]:
    """A concept's name in both languages; open where it has none."""
    names = {language: named(concept, language) for language in ("en", "zh")}
    return {language: OPEN if name == concept else name for language, name in names.items()}


def steps(case: Case, named: Named) -> list[Json]:
    """Who it is, what the text tells, what was found."""
    told = [{"kind": "presentation", "says": {language: person(case, language) for language in ("en", "zh")}}]
    if case.text:
        told.append({"kind": "history", "says": {"en": OPEN, "zh": OPEN} | {case.language: case.text[:LONGEST]}})
    if case.findings:
        told.append({"kind": "examination", "says": {one: listed(case, one, named) for one in ("en", "zh")}})
    return told


def person(case: Case, language: str) -> str:
    """Sex and age, as coarse as the case has them."""
    say = words_of("salus.assistants.cases.quizzes")
    age = "" if case.age_years is None else say("draft.age", language, years=f"{case.age_years:.0f}")
    return say("draft.person", language, sex=say(f"draft.{case.sex}", language), age=age)


def listed(case: Case, language: str, named: Named) -> str:
    return "; ".join(f"{SIGNS[one.status]} {said(one, language, named)}" for one in case.findings)


def said(one: Finding, language: str, named: Named) -> str:
    return named(one.concept, language) if one.concept else one.text
