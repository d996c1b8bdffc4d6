"""What it may be, ranked: knowledge of diseases, and the diagnoses of similar cases with a small weight.

A case lifts its diagnosis only where it is clearly alike (`weights.toml`), so that a disease that no case has keeps the
place that knowledge gives it. Both lists stand beside the ranking. It is a list to think with, not a diagnosis.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from salus.assistants.cases.case import Case
from salus.assistants.cases.casebook import ALIKE, Library
from salus.assistants.cases.knowledge import Numbers, Rows, knowledge, weights
from salus.assistants.cases.ontology import lineage, ontology, related
from salus.assistants.cases.query import Filters, Query
from salus.assistants.cases.reading import DECODER
from salus.base.errors import Invalid

# A diagnosis that knowledge lacks begins where the disease of this rank stands, if its case is clearly alike, or not.
UNKNOWN_FROM = {True: 5, False: 30}


FIT_LEAST = 2  # findings that a disease explains, and more than half of all: with less it is a guess
LOOKED_AT = 50  # diseases of a ranking


@dataclass(frozen=True, slots=True)
class Explained:
    """A finding asked for, the finding of the disease that explains it, and the share of its people with that."""

    asked: str
    by: str
    share: float


@dataclass(frozen=True, slots=True)
class Rank:
    """A disease, its place in each list (None: not in it), the case most alike, what of the question it explains.

    Of a diagnosis that only cases have, nobody has written down what it explains: both are empty then.
    """

    code: str
    name: str
    score: float
    by_knowledge: int | None
    by_cases: int | None
    case: str | None
    alike: float
    explained: tuple[Explained, ...] = ()
    unexplained: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Differential:
    """The ranking of both together; that of knowledge alone; that of cases alone. `version`: of the knowledge."""

    query: Query
    together: tuple[Rank, ...]
    knowledge: tuple[Rank, ...]
    cases: tuple[Rank, ...]
    version: str


@dataclass(frozen=True, slots=True)
class Support:
    """The case most alike with a diagnosis."""

    alike: float
    case: str
    name: str


def differential(library: Library, query: Query | str, filters: Filters | None = None, k: int = 10) -> Differential:
    """Raises Invalid where no finding was understood: words alone rank no disease."""
    query = library.ask(query) if isinstance(query, str) else query
    if not query.concepts():
        raise Invalid("No finding was understood: name one, or give its code such as HP:0001250", path="query")
    known = knowledge()
    scores = known.scores(query.concepts(), query.concepts("absent"))
    supports = supported(library, query, filters or Filters())
    codes, together = joined(scores, supports)
    ranks = Ranks(query, codes, places(scores), supports)
    best = np.argsort(-together, kind="stable")[:k]
    first = np.argsort(-scores, kind="stable")[:k]
    like = list(supports)[:k]
    return Differential(
        query,
        tuple(ranks.of(codes[at], float(together[at])) for at in best.tolist()),
        tuple(ranks.of(codes[at], float(scores[at])) for at in first.tolist()),
        tuple(ranks.of(code, supports[code].alike) for code in like),
        known.version,
    )


def fitting(library: Library, query: Query, k: int = 10) -> Differential | None:
    """The ranking without weak fits: what explains most of the unexplained findings, and two of them; no
    disease that is known already. None where fewer than two are unexplained: then there is nothing to rank by."""
    unexplained = [one for one in query.concepts() if one in ontology().row]
    if len(unexplained) < FIT_LEAST:
        return None
    found = differential(library, replace(query, known=()), k=LOOKED_AT)
    least = max(FIT_LEAST, len(unexplained) // 2 + 1)
    known = [concept for one in query.known for concept in one.concepts]

    def kept(ranks: tuple[Rank, ...]) -> tuple[Rank, ...]:
        strong = (one for one in ranks if is_strong(one, least) and not any(related(one.code, own) for own in known))
        return tuple(strong)[:k]

    return replace(
        found, together=kept(found.together), knowledge=kept(found.knowledge), cases=kept(found.cases), query=query
    )


def is_strong(rank: Rank, least: int) -> bool:
    """Whether a disease explains so many findings; of one that only cases have, whether its case is clearly alike."""
    return len(rank.explained) >= least if rank.by_knowledge else rank.alike > weights()["cases"]["least"]


def supported(library: Library, query: Query, filters: Filters) -> dict[str, Support]:
    """The diagnoses of similar cases, the most alike first."""
    found: dict[str, Support] = {}
    for one in library.found(query, filters, ALIKE):
        case: Case = DECODER.decode(one.body)
        for named in case.diagnoses:
            if named.code:
                found.setdefault(named.code, Support(one.share, case.id, named.text))
    return found


def joined(scores: Numbers, supports: Mapping[str, Support]) -> tuple[list[str], Numbers]:
    """The diseases of knowledge and then those of cases alone, with what similar cases add to each one's score."""
    extra = [code for code in supports if code not in knowledge().row]
    codes, worth = [*knowledge().ids, *extra], weights()["cases"]
    order = np.sort(scores)[::-1]
    base = [order[UNKNOWN_FROM[supports[code].alike > worth["least"]] - 1] for code in extra]
    alike = np.array([supports[code].alike if code in supports else 0.0 for code in codes])
    lift = worth["weight"] * np.maximum(alike - worth["least"], 0)
    return codes, np.concatenate([scores, base]) + lift


def places(scores: Numbers) -> Rows:
    """The rank of each, from 1."""
    found = np.empty(len(scores), np.int64)
    found[np.argsort(-scores, kind="stable")] = np.arange(1, len(scores) + 1)
    return found


class Ranks:
    """Tells of one disease where it stands and why."""

    def __init__(self, query: Query, codes: list[str], known: Rows, supports: Mapping[str, Support]) -> None:
        self.query, self.codes, self.known, self.supports = query, codes, known, supports
        self.by_cases = {code: at for at, code in enumerate(supports, 1)}

    def of(self, code: str, score: float) -> Rank:
        at, support = knowledge().row.get(code), self.supports.get(code)
        explained = explained_by(self.query.concepts(), knowledge().has(code))
        told = {one.asked for one in explained}
        return Rank(
            code=code,
            name=knowledge().names[at] if at is not None else (support.name if support else "") or code,
            score=score,
            by_knowledge=None if at is None else int(self.known[at]),
            by_cases=self.by_cases.get(code),
            case=support.case if support else None,
            alike=support.alike if support else 0.0,
            explained=explained,
            unexplained=tuple(one for one in self.query.concepts() if one not in told) if at is not None else (),
        )


def explained_by(concepts: Iterable[str], has: Mapping[str, float]) -> tuple[Explained, ...]:
    """Findings that a disease has itself, or of which it has a kind, with the highest share."""
    found = []
    for one in concepts:
        fitting = {other: share for other, share in has.items() if one in lineage(other)}
        if fitting:
            best = one if one in fitting else max(fitting, key=lambda other: fitting[other])
            found.append(Explained(one, best, fitting[best]))
    return tuple(found)
