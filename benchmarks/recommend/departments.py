"""To which department a Chinese question went: five folds, questions that are nearly the same kept together.

Run: python benchmarks/recommend/departments.py. Data: ../shared/data/zh-qa-toyhom-internal. Baselines beside, over the
same folds: the most frequent department, characters by twos with logistic regression, and our own table, which saw none
of the questions.
"""

import csv
import gzip
import os
import re
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.model_selection import KFold, StratifiedGroupKFold

from salus.assistants.recommend import red_flags
from salus.assistants.recommend.departments import known
from salus.assistants.recommend.routing import UNSURE, shipped
from salus.assistants.recommend.urgency import sounds_urgent
from salus.learning.models.recommend import topics

DATA = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "zh-qa-toyhom-internal"
FOLDS, ALIKE, SEED = 5, 0.5, 7
Said = Sequence[str]


def rows() -> list[dict[str, str]]:
    with gzip.open(DATA / "internal_medicine_5000-6000.csv.gz", "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def groups(texts: Said, asks: Said, titles: Said) -> np.ndarray:
    """One number for all that are nearly the same: Jaccard of characters by threes at least `ALIKE`, or, but for signs,
    the same title or question."""
    shingles = CountVectorizer(analyzer="char", ngram_range=(3, 3), binary=True).fit_transform(map(bare, texts))
    size, parts = np.asarray(shingles.sum(axis=1)).ravel(), []
    for begin in range(0, shingles.shape[0], 500):
        both = (shingles[begin : begin + 500] @ shingles.T).tocoo()
        union = size[begin + both.row] + size[both.col] - both.data
        near = both.data >= ALIKE * union
        parts.append((begin + both.row[near], both.col[near]))
    for some in (asks, titles):
        first: dict[str, int] = {}
        pairs = [(n, first.setdefault(bare(one), n)) for n, one in enumerate(some) if bare(one)]
        parts.append(tuple(np.array(pairs).T))
    row, column = (np.concatenate([part[side] for part in parts]) for side in (0, 1))
    graph = csr_matrix((np.ones(len(row)), (row, column)), shape=(len(texts), len(texts)))
    return connected_components(graph, directed=False)[1]


def bare(text: str) -> str:
    return re.sub(r"\W", "", text)


def ours(learn: Said, labels: Said, judge: Said) -> list[str]:
    model = topics.fit(learn, labels, fewest=2)
    return [model.names[place] for place in model.margins(judge).argmax(axis=1)]


def peer(learn: Said, labels: Said, judge: Said) -> list[str]:
    form = TfidfVectorizer(analyzer="char", ngram_range=(2, 2), sublinear_tf=True)
    model = LogisticRegression(max_iter=1000).fit(form.fit_transform(learn), labels)
    return model.predict(form.transform(judge)).tolist()


def most(learn: Said, labels: Said, judge: Said) -> list[str]:
    return [Counter(labels).most_common(1)[0][0]] * len(judge)


def table(learn: Said, labels: Said, judge: Said) -> list[str]:
    """Our own table; its departments under the names that the questions use."""
    model, called = shipped(), {known(label).code: label for label in set(labels)}
    return [called.get(model.names[p], model.names[p]) for p in model.margins(judge).argmax(axis=1)]


WAYS: dict[str, Callable[[Said, Said, Said], list[str]]] = {
    "salus": ours,
    "logistic regression, characters by twos": peer,
    "our own table, taught by none of them": table,
    "the most frequent": most,
}


def judged(name: str, texts: Said, y: np.ndarray, folds: list[tuple[np.ndarray, np.ndarray]]) -> None:
    for way, how in WAYS.items():
        started, told = time.process_time(), np.empty(len(y), dtype=object)
        for learn, judge in folds:
            told[judge] = how([texts[i] for i in learn], y[learn].tolist(), [texts[i] for i in judge])
        right = float((told == y).mean())
        each = f1_score(y, told.astype(str), average=None, labels=sorted(set(y)), zero_division=0)
        spent = (time.process_time() - started) / len(folds)
        print(f"{name:>26} | {way:<40} | accuracy {right:.4f} | macro-F1 {each.mean():.4f} | {spent:.1f} CPU-s a fold")
        if way == "salus":
            print("    F1:", ", ".join(f"{one} {f:.2f}" for one, f in zip(sorted(set(y)), each, strict=True)))


def main() -> None:
    asked = rows()
    titles, asks = [row["title"] for row in asked], [row["ask"] for row in asked]
    texts, y = [f"{a} {b}" for a, b in zip(titles, asks, strict=True)], np.array([row["department"] for row in asked])
    group = groups(texts, asks, titles)
    print(f"{len(y)} questions, {len(set(y))} departments, {len(set(group))} groups; load {os.getloadavg()[0]:.1f}")
    of_group: dict[int, set[str]] = defaultdict(set)
    for one, label in zip(group, y, strict=True):
        of_group[int(one)].add(label)
    print(f"groups with more than one department: {sum(len(one) > 1 for one in of_group.values())}")
    apart = list(KFold(FOLDS, shuffle=True, random_state=SEED).split(texts))
    crossing = sum(len(set(group[judge]) & set(group[learn])) > 0 and
                   int(np.isin(group[judge], group[learn]).sum()) for learn, judge in apart)  # fmt: skip
    print(f"questions whose near twin would have been learned from, were groups not kept together: {crossing}")
    whole = list(StratifiedGroupKFold(FOLDS, shuffle=True, random_state=SEED).split(texts, y, group))
    judged("title and question, grouped", texts, y, whole)
    judged("title alone, grouped", titles, y, whole)
    judged("as they come, ungrouped", texts, y, apart)
    model = shipped()
    sure = model.probabilities(texts).max(axis=1) >= UNSURE
    print(f"our own table would say 'I cannot tell' to {(~sure).sum()} of {len(y)}")
    started = time.perf_counter()
    flags = Counter(flag.code for text in texts for flag in red_flags(text))
    each = (time.perf_counter() - started) / len(texts) * 1e3
    calm = [title for title in titles[::4] if not red_flags(title)]
    print(f"second look cautions {sum(map(sounds_urgent, calm))} of {len(calm)} titles without a flag")
    print(f"red flags: {sum(flags.values())} ({dict(flags.most_common())}); {each:.2f} ms a question")


if __name__ == "__main__":
    main()
