"""Medicines named in Chinese doctor-patient dialogues (DialMed), ranked: five folds of the dev part.

    python benchmarks/treatment/dialmed.py [removed kept]

Data: ../shared/data/zh-dialmed (dev.jsonl.gz, 1,192 dialogues; https://aclanthology.org/2022.coling-1.60). Only the
masked text (`dialog`) is read, never `original_dialog`. In 1,191 of 1,192 dialogues there are as many [MASK] as
medicines, so the marks tell how many to name: `removed` takes them out for every method, `kept` leaves them in for
every method, as published. The disease is given in the data as an input; each method is told with it and without it.

Dialogues that share much of their wording (cosine of their 3- to 5-grams above 0.3) stay in one fold. Every method
chooses its cut by inner folds of its own training part. Jaccard and F1 are of each dialogue, then the mean; intervals
by drawing groups of dialogues anew.
"""

import gzip
import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix, hstack
from scipy.sparse.csgraph import connected_components
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from salus.learning.models.wide import Wide, in_order
from salus.learning.ranking import Known, Wish, fit
from salus.learning.ranking.choosing import CUTS, EXPECTED, called
from salus.learning.ranking.measures import f1, gain, jaccard, mean_figure, miscalibration
from salus.learning.ranking.prior import prior_of
from salus.learning.ranking.ranker import folds_of

DATA = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "zh-dialmed"
MASK, LIKE, INNER = "[MASK]", 0.3, 3
# block: which part of a dialogue, shortest and longest n-gram
BLOCKS = (("all", 1, 4), ("patient", 1, 3), ("doctor", 1, 3), ("doctor", 2, 5), ("last", 2, 4), ("first", 1, 3))
Matrix = np.ndarray
Shares = Callable[[Matrix, Matrix], Matrix]  # (training rows, rows asked) -> shares


class Dialogues:
    """The dialogues, their medicines (0/1), diseases (0/1) and groups of like wording."""

    def __init__(self, marks: str) -> None:
        with gzip.open(DATA / "dev.jsonl.gz", "rt", encoding="utf-8") as lines:
            rows = [json.loads(line) for line in lines]
        self.names = sorted({one for row in rows for one in row["label"]})
        self.y = np.array([[float(name in row["label"]) for name in self.names] for row in rows])
        diseases = sorted({one for row in rows for one in row["disease"]})
        self.disease = csr_matrix([[float(one in row["disease"]) for one in diseases] for row in rows])
        shown = "M" if marks == "kept" else ""
        turns = [[turn.replace(MASK, shown) for turn in row["dialog"]] for row in rows]
        said = {who: ["\n".join(t[3:] for t in one if t.startswith(who)) for one in turns] for who in ("患者", "医生")}
        self.parts = {
            "all": ["\n".join(one) for one in turns],
            "patient": said["患者"],
            "doctor": said["医生"],
            "first": [one[0] for one in turns],
            "last": [one[-1] for one in turns],
        }
        self.group = like(["\n".join(row["dialog"]).replace(MASK, "") for row in rows])
        self.named = self._named()
        self.counts = {block: counted(self.parts[block[0]], *block[1:]) for block in (*BLOCKS, ("all", 1, 3))}

    def _named(self) -> tuple[Matrix, Matrix]:
        """Of each dialogue and medicine, whether the patient, or the doctor, names it openly; by the data's own table
        of other names."""
        with (DATA / "medication_normalization.json").open(encoding="utf-8") as file:
            table = json.load(file)
        also = defaultdict(set, {name: {name} for name in self.names})
        for other, name in table.items():
            for one in name if isinstance(name, list) else [name]:
                if len(other) > 1 and one in also:
                    also[one].add(other)
        found = [
            np.array([[float(any(o in text for o in also[name])) for name in self.names] for text in self.parts[part]])
            for part in ("patient", "doctor")
        ]
        return found[0], found[1]


def counted(texts: list[str], low: int, high: int) -> csr_matrix:
    return CountVectorizer(analyzer="char", ngram_range=(low, high), dtype=np.float64).fit_transform(texts)


def like(texts: list[str]) -> Matrix:
    """A number for each text, the same for texts of like wording."""
    grams = TfidfVectorizer(analyzer="char", ngram_range=(3, 5), binary=True, use_idf=False).fit_transform(texts)
    near = grams @ grams.T
    near.data = np.where(near.data > LIKE, 1.0, 0.0)
    near.eliminate_zeros()
    return connected_components(near)[1]


def grams(counts: csr_matrix, learn: Matrix, ask: Matrix) -> tuple[csr_matrix, csr_matrix]:
    """Weights of n-grams, TF-IDF as the training rows have it: only n-grams of two of them or more."""
    often = np.flatnonzero(np.asarray((counts[learn] > 0).sum(axis=0)).ravel() > 1)
    made = TfidfTransformer(sublinear_tf=True).fit(counts[learn][:, often])
    return made.transform(counts[learn][:, often]), made.transform(counts[ask][:, often])


def logistic(data: Dialogues, with_disease: bool) -> Shares:
    """One logistic regression a medicine on 1- to 3-grams of the whole dialogue."""

    def shares(learn: Matrix, ask: Matrix) -> Matrix:
        x, other = grams(data.counts["all", 1, 3], learn, ask)
        if with_disease:
            x, other = hstack([x, data.disease[learn]]).tocsr(), hstack([other, data.disease[ask]]).tocsr()
        made = np.zeros((len(ask), data.y.shape[1]))
        for label in np.flatnonzero(data.y[learn].any(axis=0)):
            learner = LogisticRegression(C=10.0, solver="liblinear").fit(x, data.y[learn, label])
            made[:, label] = learner.predict_proba(other)[:, 1]
        return made

    return shares


def prior(data: Dialogues) -> Shares:
    return lambda learn, ask: prior_of(data.disease[learn], data.y[learn]).of(data.disease[ask])


def usual(data: Dialogues) -> Shares:
    return lambda learn, ask: np.tile(data.y[learn].mean(axis=0), (len(ask), 1))


def by_cut(data: Dialogues, shares: Shares) -> Callable[[Matrix, Matrix], tuple[Matrix, Matrix]]:
    """Shares and what is called from the cut that does best on inner folds."""

    def told(learn: Matrix, ask: Matrix) -> tuple[Matrix, Matrix]:
        fold = folds_of(data.group[learn], 1) % INNER
        inner = np.zeros((len(learn), data.y.shape[1]))
        for one in range(INNER):
            inner[fold == one] = shares(learn[fold != one], learn[fold == one])

        def worth(cut: float) -> float:
            made = called(inner, cut)
            return float(jaccard(data.y[learn], made).mean() + f1(data.y[learn], made).mean())

        found = shares(learn, ask)
        return found, called(found, max((EXPECTED, *CUTS), key=worth))

    return told


def ranking(data: Dialogues, with_disease: bool) -> Callable[[Matrix, Matrix], tuple[Matrix, Matrix]]:
    """Ours."""

    def told(learn: Matrix, ask: Matrix) -> tuple[Matrix, Matrix]:
        pairs = [grams(data.counts[block], learn, ask) for block in BLOCKS]
        groups = data.disease if with_disease else data.disease * 0
        if with_disease:
            pairs.append((data.disease[learn], data.disease[ask]))
        some = np.flatnonzero(data.y[learn].any(axis=0))
        known = []
        for at, rows in ((0, learn), (1, ask)):
            cells = in_order((hstack([one[at] for one in pairs]) / len(pairs) ** 0.5).tocsr())
            hints = tuple(one[np.ix_(rows, some)] for one in data.named)
            known.append(Known(Wide(cells, np.zeros(cells.shape[1])), groups[rows], hints))
        ranker = fit(known[0], data.y[np.ix_(learn, some)], [data.names[i] for i in some], data.group[learn], WISH)
        shares, calls = (np.zeros((len(ask), data.y.shape[1])) for _ in range(2))
        shares[:, some] = ranker.shares(known[1])
        calls[:, some] = ranker.called(shares[:, some])
        return shares, calls

    return told


WISH = Wish(scaled=False)


def main(marks: str) -> None:
    data = Dialogues(marks)
    fold = folds_of(data.group, 0)
    methods = {
        "most frequent": by_cut(data, usual(data)),
        "disease prior": by_cut(data, prior(data)),
        "char-n-gram logistic": by_cut(data, logistic(data, False)),
        "char-n-gram logistic, disease": by_cut(data, logistic(data, True)),
        "ours, no disease": ranking(data, False),
        "ours": ranking(data, True),
    }
    print(f"marks {marks}: {len(data.y)} dialogues, {len(set(data.group))} groups, {len(data.names)} medicines")
    worth: dict[str, tuple[Matrix, Matrix]] = {}
    for name, method in methods.items():
        shares, calls, cpu = np.zeros_like(data.y), np.zeros_like(data.y), time.process_time()
        for one in np.unique(fold):
            ask = np.flatnonzero(fold == one)
            shares[ask], calls[ask] = method(np.flatnonzero(fold != one), ask)
        worth[name] = (jaccard(data.y, calls), f1(data.y, calls))
        told = " ".join(span(mean_figure(values, data.group)) for values in worth[name])
        spent = time.process_time() - cpu
        apart = miscalibration(data.y, shares)
        print(f"  {name}: Jaccard, F1 {told}; named {calls.sum(1).mean():.2f}; apart {apart:.3f}; {spent:.0f} CPU-s")
    for ours, other in (("ours", "char-n-gram logistic, disease"), ("ours, no disease", "char-n-gram logistic")):
        pairs = zip(worth[ours], worth[other], strict=True)
        print(f"  {ours} less {other}:", *(span(gain(own, theirs, data.group)) for own, theirs in pairs))


def span(one) -> str:
    return f"{one.value:.4f} ({one.low:.4f} to {one.high:.4f})"


if __name__ == "__main__":
    for wanted in sys.argv[1:] or ("removed", "kept"):
        main(wanted)
