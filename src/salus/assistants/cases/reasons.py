"""Why a case was found: what it shares with what was asked, what it lacks, what it contradicts, how it ended."""

from dataclasses import dataclass
from typing import Literal

from salus.assistants.cases.case import Case
from salus.assistants.cases.ontology import canonical, lineage, related
from salus.assistants.cases.query import Known, Query
from salus.learning.retrieval import words


@dataclass(frozen=True, slots=True)
class Shared:
    """A finding asked for, and that of the case: the same one, or one of which the one is a kind of the other."""

    asked: str
    found: str

    @property
    def exact(self) -> bool:
        return self.asked == self.found


@dataclass(frozen=True, slots=True)
class Reasons:
    """By concepts; `words` are those of the question that stand in the case when no finding was understood.

    `beside`: what is known of the one asked for and the case has too.

    `contradicting`: asked as there, and absent in the case, or the other way round. `same_...`: None where not known.
    """

    shared: tuple[Shared, ...]
    missing: tuple[str, ...]
    contradicting: tuple[tuple[str, Literal["present", "absent"]], ...]
    words: tuple[str, ...]
    same_diagnosis: bool | None
    same_outcome: bool | None
    beside: tuple[Known, ...] = ()


def reasons(query: Query, case: Case) -> Reasons:
    """A finding contradicted is not told as missing too."""
    own = [canonical(one) for one in case.concepts()]
    denied = {canonical(one) for one in case.concepts("absent")}
    asked = query.concepts()
    pairs = [(one, nearest(one, own)) for one in asked]
    against = [one for one in asked if denied & set(lineage(one))]
    refuted = [one for one in query.concepts("absent") if any(one in lineage(other) for other in own)]
    return Reasons(
        shared=tuple(Shared(one, found) for one, found in pairs if found),
        missing=tuple(one for one, found in pairs if not found and one not in against),
        contradicting=(*((one, "present") for one in against), *((one, "absent") for one in refuted)),
        words=() if asked else common(query.text, case),
        same_diagnosis=same(query.diagnosis, [one.code for one in case.diagnoses]),
        same_outcome=same(query.outcome, [case.outcome]),
        beside=tuple(one for one in query.known if has(case, one)),
    )


def has(case: Case, known: Known) -> bool:
    """Whether a case has a known diagnosis, or a kind of it, among its findings or its diagnoses."""
    own = [*map(canonical, case.concepts()), *(one.code for one in case.diagnoses if one.code)]
    return any(concept in lineage(one) for one in own for concept in known.concepts)


def nearest(concept: str, own: list[str]) -> str | None:
    """The same concept, or the narrowest of the case's that is a kind of it or that it is a kind of."""
    if concept in own:
        return concept
    return max((one for one in own if related(one, concept)), key=lambda one: len(lineage(one)), default=None)


def common(text: str, case: Case) -> tuple[str, ...]:
    """The words of a question that the case has, as they were asked."""
    named = [one.text for one in case.findings] + [one.text for one in case.diagnoses]
    whole = " ".join([case.text, case.course, *named])
    held = set(words(whole))
    return tuple(
        dict.fromkeys(one for one in text.split() if len(one) > 2 or not one.isascii() if held & {*words(one)})
    )


def same(asked: str, told: list[str]) -> bool | None:
    """
    >>> same("died", ["died"]), same("died", ["recovered"]), same("", ["died"]), same("died", [""])
    (True, False, None, None)
    """
    known = [one for one in told if one]
    return asked in known if asked and known else None
