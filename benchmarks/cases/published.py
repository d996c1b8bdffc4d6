"""Published cases as questions: which may answer, what is right, how it is judged. Used by the scripts beside it.

A question is a case; no case of the same publication may answer; right is a case with the same disease. Publications
are split in two by their number's digits: weights are learned on one half and judged on the other.
"""

import hashlib
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from salus.assistants.cases.case import Case
from salus.assistants.cases.casebook import Library
from salus.assistants.cases.knowledge import Fit, knowledge, weights
from salus.assistants.cases.reading import read_cases
from salus.assistants.cases.terms import load_terms

SHARED = Path(__file__).resolve().parents[2] / ".." / "shared" / "data"
CASES = SHARED / "phenopackets-dev" / "cases.jsonl.gz"
CHINESE = SHARED / "hpo-zh-en" / "hp-zh.babelon.tsv.gz"
GAIN = 1 / np.log2(np.arange(2, 12))


@cache
def cases() -> list[Case]:
    return read_cases(CASES).cases


def positive(case: Case) -> Case:
    """A case with what is present alone: what authors denied tells which disease they thought of."""
    return replace(case, findings=tuple(one for one in case.findings if one.status == "present"))


def disease(case: Case) -> str:
    return case.diagnoses[0].code


def learning(case: Case) -> bool:
    """Whether a case belongs to the half of publications that weights are learned on."""
    return hashlib.sha256(case.reference.encode()).digest()[0] % 2 == 0


@cache
def others() -> dict[str, set[str]]:
    """Disease -> the publications with a case of it."""
    found = defaultdict(set)
    for case in cases():
        found[disease(case)].add(case.reference)
    return found


def answerable(case: Case) -> bool:
    return bool(others()[disease(case)] - {case.reference})


def questions(part: bool, *, all: bool = False) -> list[Case]:
    """Cases of one half that another publication can answer, or all of them."""
    return [case for case in cases() if learning(case) is part and case.findings and (all or answerable(case))]


@cache
def library(negated: bool = False) -> Library:
    """All cases in a library of their own; what is denied is left out unless it is asked for."""
    folder = Path(tempfile.mkdtemp(prefix="salus-cases-"))
    load_terms(CHINESE, folder)
    made = Library(folder)
    made.add(cases() if negated else map(positive, cases()))
    return made


@dataclass(frozen=True, slots=True)
class Judged:
    """Of each question: whether the first was right, nDCG of the first ten; and the publication it comes from."""

    first: NDArray[np.float64]
    gain: NDArray[np.float64]
    groups: Sequence[str]

    def __str__(self) -> str:
        return f"{told(self.first, self.groups)} | {told(self.gain, self.groups)}"

    def above(self, other: "Judged") -> "Judged":
        """The difference, question by question."""
        return Judged(self.first - other.first, self.gain - other.gain, self.groups)


def judged(asked: Sequence[Case], answers: Callable[[Case], Sequence[str]]) -> Judged:
    """`answers` gives the diseases of the first ten cases, in order."""
    first, gain = [], []
    right = defaultdict(int)
    for case in cases():
        right[disease(case), case.reference] += 1
    for case in asked:
        hits = np.array([one == disease(case) for one in answers(case)][:10], float)
        count = sum(right[disease(case), one] for one in others()[disease(case)] - {case.reference})
        first.append(hits[0] if len(hits) else 0.0)
        gain.append(float(hits @ GAIN[: len(hits)]) / float(GAIN[: min(count, 10)].sum()))
    return Judged(np.array(first), np.array(gain), [case.reference for case in asked])


def told(values: NDArray[np.float64], groups: Sequence[str], seed: int = 7) -> str:
    """The mean with its 95 % interval over publications drawn again (1,000 bootstrap samples)."""
    names, at = np.unique(groups, return_inverse=True)
    total, count = np.bincount(at, values), np.bincount(at)
    draws = np.random.default_rng(seed).integers(0, len(names), (1000, len(names)))
    means = total[draws].sum(1) / count[draws].sum(1)
    low, high = np.quantile(means, [0.025, 0.975])
    return f"{values.mean():.3f} ({low:.3f} to {high:.3f})"


def own_rows_left_out(case: Case, *, signs: bool = False) -> Iterator[tuple[int, Any]]:
    """Diseases whose annotations cite the case's publication, with the score (or the signs) they have without those."""
    known = knowledge()
    source = known.sources.index(case.reference) if case.reference in sources() else -1
    cited = known.annotations.source == source
    if not cited.any():
        return
    touched = np.unique(known.annotations.disease[cited])
    kept = known.annotations.only(np.isin(known.annotations.disease, touched) & ~cited)
    place = np.full(len(known.ids), -1)
    place[touched] = np.arange(len(touched))
    moved = type(kept)(place[kept.disease], kept.term, kept.share, kept.counted, kept.source)
    fit = Fit(moved, len(touched), known.fit.background)
    table = fit.signs(known.rows(case.concepts()))
    scores = table @ np.array(list(weights()["knowledge"].values()))
    nothing = fit.whole == 0  # is known of it but by this publication
    scores[nothing], table[nothing, 0] = -1e9, -1e9
    yield from zip(touched.tolist(), table if signs else scores, strict=True)


@cache
def sources() -> frozenset[str]:
    return frozenset(knowledge().sources)
