"""Questions to their own answers, `zh-qa-toyhom-internal`: every question is held out once, all answers stand.

Run: python benchmarks/cases/questions.py [--folds N]. Five parts; pairs with the same answer or question stay in one.
An answer that several rows have is one answer. Learned: what the other parts' pairs teach; baselines in the same run.
"""

import csv
import gzip
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sklearn.feature_extraction.text import TfidfVectorizer

from salus.learning.retrieval import Document, Index, Wanted, words
from salus.learning.retrieval.answers import Fields, fine, learned, plain

DATA = Path(__file__).resolve().parents[2] / ".." / "shared" / "data"
FILE = "zh-qa-toyhom-internal/internal_medicine_5000-6000.csv.gz"
PARTS, DRAWS = 5, 1000
Ranks = npt.NDArray[np.int64]


class Pairs:
    def __init__(self) -> None:
        with gzip.open(DATA / FILE, "rt", encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        self.titles, self.told = [row["title"] for row in rows], [row["ask"] for row in rows]
        self.answers = list(dict.fromkeys(row["answer"] for row in rows))
        place = {text: at for at, text in enumerate(self.answers)}
        self.own = np.array([place[row["answer"]] for row in rows])
        self.part = self._parts()

    def _parts(self) -> npt.NDArray[np.int64]:
        """Random parts; rows that share an answer or a question are together."""
        above = list(range(len(self.titles)))

        def root(at: int) -> int:
            while above[at] != at:
                above[at] = above[above[at]]
                at = above[at]
            return at

        for keys in (self.own.tolist(), self.told, self.titles):
            first: dict[object, int] = {}
            for at, key in enumerate(keys):
                above[root(at)] = root(first.setdefault(key, at))
        groups = np.array([root(at) for at in range(len(above))])
        named = {one: at for at, one in enumerate(np.unique(groups).tolist())}
        drawn = np.random.default_rng(20).integers(0, PARTS, len(named))
        return drawn[[named[one] for one in groups.tolist()]]


def ranks(scores: npt.NDArray[np.float64], own: npt.NDArray[np.int64]) -> Ranks:
    """How many other answers stand before the own one; of equals all."""
    mine = scores[np.arange(len(own)), own][:, None]
    return (scores >= mine).sum(axis=1) - 1


def usual(queries: list[str], answers: list[str], shape: tuple[int, int]) -> npt.NDArray[np.float64]:
    """scikit-learn's TF-IDF of characters, cosine."""
    form = TfidfVectorizer(analyzer="char", ngram_range=shape, sublinear_tf=True)
    texts = form.fit_transform(answers)
    return np.asarray((form.transform(queries) @ texts.T).toarray())


def by_index(queries: list[str], answers: list[str], folder: Path) -> npt.NDArray[np.float64]:
    """BM25 of our own index."""
    index = Index(folder)
    index.add(Document(str(at), {"text": words(text)}) for at, text in enumerate(answers))
    made = np.zeros((len(queries), len(answers)))
    for row, query in enumerate(queries):
        for found in index.search(Wanted({"text": dict.fromkeys(words(query), 1.0)}, {"text": 1.0}), 200):
            made[row, int(found.id)] = found.score
    made[made == 0] = -np.arange(1, (made == 0).sum() + 1)  # not found: last, in some order
    return made


def ours(pairs: Pairs, test: npt.NDArray[np.bool_], taught: bool) -> npt.NDArray[np.float64]:
    fields = {"title": list(map(fine, pairs.titles)), "told": list(map(fine, pairs.told))}
    answers = list(map(fine, pairs.answers))

    def of(where: npt.NDArray[np.bool_]) -> Fields:
        return {name: [texts[i] for i in np.flatnonzero(where)] for name, texts in fields.items()}

    learn = of(~test)
    known = [text for texts in learn.values() for text in texts]
    made = learned(learn, answers, pairs.own[~test].tolist()) if taught else plain([*known, *answers], list(fields))
    return made.scores(of(test), made.vectors(answers))


def methods(
    pairs: Pairs, test: npt.NDArray[np.bool_], folder: Path
) -> dict[str, Callable[[], npt.NDArray[np.float64]]]:
    at = np.flatnonzero(test)
    titles = [pairs.titles[i] for i in at]
    both = [f"{pairs.titles[i]} {pairs.told[i]}" for i in at]
    return {
        "TF-IDF, pairs of characters, title alone": lambda: usual(titles, pairs.answers, (2, 2)),
        "TF-IDF, characters and pairs, title and question": lambda: usual(both, pairs.answers, (1, 2)),
        "BM25 (our index), title and question": lambda: by_index(both, pairs.answers, folder),
        "ours before learning": lambda: ours(pairs, test, False),
        "ours, taught by the other pairs": lambda: ours(pairs, test, True),
    }


def told(name: str, rank: Ranks, seconds: float) -> Iterator[str]:
    rng = np.random.default_rng(1)
    yield f"{name} ({seconds:.0f} CPU-s):"
    for most in (1, 10, 50):
        hit = rank < most
        low, high = np.quantile([rng.choice(hit, len(hit)).mean() for _ in range(DRAWS)], (0.025, 0.975))
        yield f"  hit@{most} {hit.mean():.3f} ({low:.3f} to {high:.3f})"
    yield f"  mean reciprocal rank {(1 / (1 + rank)).mean():.3f}"


def main(folds: int) -> None:
    import tempfile

    pairs = Pairs()
    found: dict[str, list[Ranks]] = {}
    used: dict[str, float] = {}
    for part in range(folds):
        test = pairs.part == part
        with tempfile.TemporaryDirectory() as folder:
            for name, score in methods(pairs, test, Path(folder)).items():
                begin = time.process_time()
                found.setdefault(name, []).append(ranks(score(), pairs.own[test]))
                used[name] = used.get(name, 0.0) + time.process_time() - begin
    print(f"{len(pairs.titles)} pairs, {len(pairs.answers)} answers, {folds} of {PARTS} parts held out")
    for name, parts in found.items():
        print("\n".join(told(name, np.concatenate(parts), used[name])))


if __name__ == "__main__":
    main(int(sys.argv[sys.argv.index("--folds") + 1]) if "--folds" in sys.argv else PARTS)
