"""How well each disease explains findings, by what is known of diseases: HPO's annotations with their frequencies.

Signs of fit, whose weights were learned (`weights.toml`): the likelihood of the findings given the disease against that
of any disease; what both have in common of all they say (weighted by information content); how much of the disease is
covered; what is usual in it and was not told; and how much is known of it. Annotations:
https://obophenotype.github.io/human-phenotype-ontology/annotations/phenotype_hpoa/
"""

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from salus.assistants.cases.ontology import Ontology, ontology, table

Numbers = NDArray[np.float64]
Rows = NDArray[np.int64]
UNTOLD = 0.4  # share of people with a finding, where its source says none
KIN = 0.15  # of the evidence when the disease has not the finding but what stands above it
DOUBT = 0.5  # how much of a likelihood ratio is left to chance: one strange finding rules nothing out
ASKED = 0.2  # chance that a finding that is there is told
LEAST_SIZE = 5.0  # information content below which a disease counts as barely described


@cache
def weights() -> Mapping[str, Mapping[str, float]]:
    found: Mapping[str, Mapping[str, float]] = tomllib.loads(
        (files("salus.assistants.cases") / "weights.toml").read_text("utf-8")
    )
    return found


@dataclass(frozen=True, slots=True)
class Annotations:
    """One row for each disease, finding and source: share of people with it (negative: not told), people counted."""

    disease: Rows
    term: Rows
    share: Numbers
    counted: Numbers
    source: Rows

    @classmethod
    def shipped(cls) -> "Annotations":
        told = table()
        whole = {name: np.frombuffer(told[name], "<u4").astype(np.int64) for name in ("disease", "term", "source")}
        share = np.frombuffer(told["share"], "<f4").astype(float)
        return cls(**whole, share=share, counted=np.frombuffer(told["counted"], "<u4").astype(float))

    def only(self, rows: NDArray[np.bool_]) -> "Annotations":
        return Annotations(*(getattr(self, name)[rows] for name in self.__slots__))

    def joined(self) -> tuple[Rows, Rows, Numbers]:
        """Disease, finding and share over all sources, those that counted more people weighing more."""
        weight = np.where(self.counted > 0, self.counted, 1.0)
        share = np.where(self.share < 0, UNTOLD, self.share)
        width = len(ontology())
        key, at = np.unique(self.disease * width + self.term, return_inverse=True)
        had, asked = np.bincount(at, weight * share), np.bincount(at, weight)
        return key // width, key % width, (had + 0.5 * UNTOLD) / (asked + 0.5)


class Columns:
    """A sparse table of diseases by terms, read by term."""

    def __init__(self, disease: Rows, term: Rows, value: Numbers, width: int) -> None:
        order = np.argsort(term, kind="stable")
        self.disease, self.value = disease[order], value[order]
        self.starts = np.searchsorted(term[order], np.arange(width + 1))

    def __getitem__(self, term: int) -> tuple[Rows, Numbers]:
        span = slice(self.starts[term], self.starts[term + 1])
        return self.disease[span], self.value[span]


class Fit:
    """Diseases against findings. `background`: share of each term among diseases, when it comes from elsewhere."""

    def __init__(self, annotations: Annotations, count: int, background: Numbers | None = None) -> None:
        self.count, self.terms = count, ontology()
        disease, term, share = annotations.joined()
        above, owner, value = closed(self.terms, disease, term, share)
        width = len(self.terms)
        if background is None:
            background = (np.bincount(above, value, width) + 0.5) / (count + 1)
        self.background, self.content = background, -np.log(background)
        self.closed = Columns(owner, above, value, width)
        self.direct = Columns(disease, term, share, width)
        self.whole = summed(owner, self.content[above], count)
        self.described = summed(disease, share * self.content[term], count)
        self.expected = summed(disease, np.log(1 - ASKED * np.minimum(share, 0.99)), count)

    def signs(self, rows: Sequence[int]) -> Numbers:
        """Diseases x signs, in the order of the weights, for the present findings."""
        group = np.unique(np.concatenate([self.terms.above(row) for row in rows])) if rows else np.zeros(0, np.int64)
        both, covered, unseen = np.zeros(self.count), np.zeros(self.count), self.expected.copy()
        for term in group.tolist():
            held, _ = self.closed[term]
            both[held] += self.content[term]
            held, share = self.direct[term]
            covered[held] += share * self.content[term]
            unseen[held] -= np.log(1 - ASKED * np.minimum(share, 0.99))
        either = self.whole + float(self.content[group].sum()) - both
        likelihood = sum((self.evidence(row) for row in dict.fromkeys(rows)), np.zeros(self.count))
        return np.stack(
            [
                likelihood,
                both / np.maximum(either, 1e-9),
                covered / np.maximum(self.described, LEAST_SIZE),
                unseen / 10,
                np.log(np.maximum(self.described, 1)),
            ],
            axis=1,
        )

    def evidence(self, row: int) -> Numbers:
        """The log-likelihood ratio of one finding for each disease, by the nearest that it has."""
        best = np.zeros(self.count)
        for term in self.terms.above(row).tolist():
            held, share = self.closed[term]
            best[held] = np.maximum(best[held], share / self.background[term] * (1 if term == row else KIN))
        found: Numbers = np.log(DOUBT + (1 - DOUBT) * best)
        return found


def summed(at: Rows, values: Numbers, count: int) -> Numbers:
    """The sum of the values at each of `count` places; without any value NumPy would count in whole numbers."""
    return np.bincount(at, values, count).astype(float)


def closed(terms: Ontology, disease: Rows, term: Rows, share: Numbers) -> tuple[Rows, Rows, Numbers]:
    """Term, disease and share for each finding and all above it: the chance of at least one of those below."""
    lines = {one: terms.above(one) for one in np.unique(term).tolist()}
    sizes = np.array([len(lines[one]) for one in term.tolist()], np.int64)
    above = np.concatenate([lines[one] for one in term.tolist()]) if len(term) else np.zeros(0, np.int64)
    missed = np.repeat(np.log(1 - np.minimum(share, 0.98)), sizes)
    width = len(terms)
    key, at = np.unique(np.repeat(disease, sizes) * width + above, return_inverse=True)
    return key % width, key // width, 1 - np.exp(np.bincount(at, missed, len(key)))


class Knowledge:
    """The diseases of the table, and how well each fits."""

    def __init__(self) -> None:
        told: Mapping[str, Any] = table()
        self.version: str = told["version"]
        self.ids: Sequence[str] = told["diseases"]
        self.names: Sequence[str] = told["names"]
        self.sources: Sequence[str] = told["sources"]
        self.annotations = Annotations.shipped()

    @cached_property
    def row(self) -> dict[str, int]:
        return {one: at for at, one in enumerate(self.ids)}

    @cached_property
    def fit(self) -> Fit:
        return Fit(self.annotations, len(self.ids))

    def scores(self, concepts: Iterable[str], absent: Iterable[str] = ()) -> Numbers:
        """How well each disease fits, in log-odds against one another; what is absent speaks against what has it."""
        worth = np.array(list(weights()["knowledge"].values()))
        score: Numbers = self.fit.signs(self.rows(concepts)) @ worth
        for row in self.rows(absent):
            held, share = self.fit.closed[row]
            score[held] += worth[0] * np.log(1 - 0.9 * np.minimum(share, 0.99))
        return score

    def rows(self, concepts: Iterable[str]) -> list[int]:
        place = ontology().row
        return [place[one] for one in dict.fromkeys(concepts) if one in place]

    def has(self, disease: str) -> dict[str, float]:
        """The findings of a disease with the share of people who have each."""
        at = self.row.get(disease)
        if at is None:
            return {}
        _, terms, shares = self.annotations.only(self.annotations.disease == at).joined()
        return {ontology().ids[term]: float(share) for term, share in zip(terms, shares, strict=True)}


@cache
def knowledge() -> Knowledge:
    return Knowledge()
