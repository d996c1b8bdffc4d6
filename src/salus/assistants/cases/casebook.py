"""The case library of an installation: an index in a folder beside the store. Only cases that may be there enter it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import inf
from pathlib import Path

import msgspec

from salus.assistants.cases.case import Case, check_may_enter
from salus.assistants.cases.knowledge import weights
from salus.assistants.cases.ontology import canonical, lineage, ontology
from salus.assistants.cases.outcomes import Treated, treated
from salus.assistants.cases.query import Filters, Query, asked
from salus.assistants.cases.reading import DECODER
from salus.assistants.cases.reasons import Reasons, reasons
from salus.assistants.cases.terms import FILE as NAMES
from salus.assistants.cases.terms import Terms
from salus.base.errors import Invalid, Missing
from salus.learning.retrieval import Document, Found, Index, Wanted, words
from salus.records.engines import engine_of

FOLDER = "cases"
ALIKE = 200  # cases whose treatments and diagnoses are looked at
ALIKE_ENOUGH = 0.25  # of what the question itself would score
GUESS = 0.5  # what a concept counts that words may mean, or that is known and only stands beside
ENCODE = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Hit:
    """A case, how alike it is (1: says just what was asked), and why."""

    case: Case
    alike: float
    reasons: Reasons


@dataclass(frozen=True, slots=True)
class Hits:
    """The cases found, the best first; what was understood; how many cases there are; how those alike fared."""

    query: Query
    hits: tuple[Hit, ...]
    cases: int
    treated: tuple[Treated, ...]

    def __iter__(self) -> Iterator[Hit]:
        return iter(self.hits)

    def __len__(self) -> int:
        return len(self.hits)


class Library:
    """Cases in a folder. Raises Damaged where a file of it cannot be read."""

    def __init__(self, folder: Path) -> None:
        self.index = Index(folder)
        self._terms, self._names = Terms(folder), -1

    @property
    def terms(self) -> Terms:
        """Names of findings, read again when others were loaded."""
        file = self.index.folder / NAMES
        mark = file.stat().st_mtime_ns if file.exists() else 0
        if mark != self._names:
            self._terms, self._names = Terms(self.index.folder), mark
        return self._terms

    def __len__(self) -> int:
        return len(self.index)

    def add(self, cases: Iterable[Case]) -> int:
        """Take cases in; one with an id that is there takes its place. How many. Raises Invalid, and takes none then,
        for a case of own records without its release."""
        taken = list(cases)
        for case in taken:
            check_may_enter(case)
        return self.index.add(document(case) for case in taken)

    def remove(self, ids: Iterable[str]) -> int:
        """Forget cases: withdrawn releases, patients erased. How many there were; no byte of them stays."""
        return self.index.remove(ids)

    def get(self, id: str) -> Case:
        """Raises Missing."""
        body = self.index.get(id)
        if body is None:
            raise Missing(f"There is no case {id} in the library", path="id")
        return DECODER.decode(body)

    def cases(self) -> Iterator[Case]:
        return map(DECODER.decode, self.index.bodies())

    def ids(self, source: str | None = None) -> list[str]:
        """The ids of all cases, or of those from one source (`published`, `authored`, `own`)."""
        if source is None:
            return list(self.index.ids())
        found = []
        for part in self.index.shape().segments:
            found += [part.ids[row] for row in part.postings("facts", fact("source", source))[0].tolist()]
        return found

    def institutions(self) -> list[str]:
        """Those that cases come from, in the order of the alphabet."""
        begin = "facts\tinstitution="
        named = {one for part in self.index.shape().segments for one in part.tokens if one.startswith(begin)}
        return sorted(one.removeprefix(begin) for one in named)

    def ask(self, text: str) -> Query:
        """A question in a reader's words, as it is understood here."""
        return asked(text, self.terms)

    def search(self, query: Query | str, filters: Filters | None = None, k: int = 10) -> Hits:
        """The cases most alike, with reasons. Raises Invalid for a question without findings and words, or k < 1."""
        query = self.ask(query) if isinstance(query, str) else query
        if not query or k < 1:
            raise Invalid("A search needs a finding or a word, and at least one case to show", path="query")
        found = self.found(query, filters or Filters(), max(k, ALIKE))
        cases = [DECODER.decode(one.body) for one in found]
        hits = [Hit(case, one.share, reasons(query, case)) for case, one in zip(cases[:k], found[:k], strict=True)]
        alike = [case for case, one in zip(cases, found, strict=True) if one.share >= ALIKE_ENOUGH]
        return Hits(query, tuple(hits), len(self), tuple(treated(alike)))

    def found(self, query: Query, filters: Filters, k: int) -> list[Found]:
        return self.index.search(wanted(query, filters, weights()["fields"]), k)


def library_of(store: Path | str) -> Library:
    """The library kept beside a store (a file, or the URL of a database)."""
    return Library(engine_of(store).folder / FOLDER)


@lru_cache(50_000)
def label_words(concept: str) -> tuple[str, ...]:
    return tuple(words(ontology().label(concept) or ""))


@lru_cache(50_000)
def said_words(text: str) -> tuple[str, ...]:
    return tuple(words(text))


def document(case: Case) -> Document:
    """A case as the index holds it. The English name of a concept is how both languages meet in words."""
    present = [canonical(one) for one in case.concepts()]
    said = [word for one in present for word in label_words(one)]
    said += [word for one in case.findings if one.status == "present" for word in _beside(one.concept, one.text)]
    numbers = {"age": case.age_years, "day": case.at.toordinal() if case.at else None}
    return Document(
        id=case.id,
        fields={
            "words": [*said, *words(case.text), *words(case.course)],
            "concepts": present,
            "above": sorted({above for one in present for above in lineage(one)}),
            "absent": [canonical(one) for one in case.concepts("absent")],
            "diagnoses": [word for one in case.diagnoses for word in said_words(one.text)],
            "facts": list(facts(case)),
        },
        numbers={name: float(value) for name, value in numbers.items() if value is not None},
        body=ENCODE(case),
    )


def _beside(concept: str, text: str) -> tuple[str, ...]:
    """The words of a finding that its concept's name does not say already."""
    label = ontology().label(canonical(concept)) if concept else None
    return () if label and label.lower() == text.lower() else said_words(text)


def fact(name: str, value: str) -> str:
    """
    >>> fact("institution", "East  Hospital")
    'institution=East Hospital'
    """
    return f"{name}={' '.join(value.split())}"


def facts(case: Case) -> Iterator[str]:
    """What cases are filtered by."""
    for name in ("sex", "institution", "source", "outcome", "reference"):
        if value := getattr(case, name):
            yield fact(name, value)
    for one in case.diagnoses:
        yield from (fact("diagnosis", code) for code in lineage(one.code) if code)


def wanted(query: Query, filters: Filters, fields: Mapping[str, float]) -> Wanted:
    present, absent = query.concepts(), query.concepts("absent")
    said = {*words(query.text), *(word for one in present for word in label_words(one))}
    said |= {word for one in query.findings if one.status == "present" and not one.concept for word in words(one.text)}
    beside = [concept for one in query.known for concept in one.concepts]
    named = {word: GUESS for one in query.known for word in words(one.text)}
    meant = {**dict.fromkeys((*beside, *query.near), GUESS), **dict.fromkeys(present, 1.0)}
    above: dict[str, float] = {}
    for one, weight in meant.items():
        for group in lineage(one):
            above[group] = max(above.get(group, 0.0), weight)
    against = {one: -1.0 for one in present} | {one: 1.0 for one in absent}
    return Wanted(
        tokens={
            "words": dict.fromkeys(sorted(said), 1.0),
            "diagnoses": {**named, **dict.fromkeys(sorted(said), 1.0)},
            "concepts": meant,
            "above": above,
            "absent": against,
        },
        weights=fields,
        must=[("facts", [one]) for one in _must(filters)],
        never=[("facts", fact("reference", filters.not_from))] if filters.not_from else [],
        between=_between(filters),
        without=filters.without,
        loose=frozenset({"words", "diagnoses"}),  # a sentence has many words that no case has
    )


def _must(filters: Filters) -> Iterator[str]:
    for name in ("sex", "institution", "source", "diagnosis"):
        if value := getattr(filters, name):
            yield fact(name, value)


def _between(filters: Filters) -> dict[str, tuple[float, float]]:
    days = tuple(one.toordinal() if one else None for one in filters.time)
    found = {"age": filters.age, "day": days}
    return {
        name: (-inf if low is None else low, inf if high is None else high)
        for name, (low, high) in found.items()
        if low is not None or high is not None
    }
