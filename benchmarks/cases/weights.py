"""Learns `weights.toml` on one half of the publications of phenopackets-dev, and prints it.

    python benchmarks/cases/weights.py

Each publication counts the same, however many cases it tells of: one of them has hundreds.

1. Weights of the fields, for nDCG@10 of the first ten cases. What was denied is not looked at: it leaks the answer.
2. Weights of the signs that a disease fits: the likelihood of the right disease among the best 300, where annotations
   that cite the question's own publication are left out.
3. How alike a case must be, and what it is worth: the most right first diseases among pairs under which diseases
   without a case lose nothing (to 0.5 % of the questions, first and among ten).
"""

from collections import Counter, defaultdict

import numpy as np
from numpy.typing import NDArray
from published import GAIN, answerable, cases, disease, library, own_rows_left_out, positive, questions
from scipy.optimize import minimize

from salus.assistants.cases import knowledge as known_here
from salus.assistants.cases.case import Case
from salus.assistants.cases.casebook import wanted
from salus.assistants.cases.differential import joined, supported
from salus.assistants.cases.knowledge import knowledge, weights
from salus.assistants.cases.query import Filters, Query
from salus.learning.retrieval import weigh
from salus.learning.retrieval.index import asked as asks_of
from salus.learning.retrieval.index import scored

FIELDS = ("words", "concepts", "above", "diagnoses")
SIGNS = ("likelihood", "alike", "covered", "unseen", "size")
BEST = 300
LOSS = 0.005


def fields(asked: list[Case]) -> dict[str, float]:
    """Scores are sums over fields, so each field is asked once and the weights are tried on the sums."""
    shape = library().index.shape()
    (part,) = shape.segments
    ids = {case.id: case for case in cases()}
    papers = np.array([ids[one].reference for one in part.ids])
    names = np.array([disease(ids[one]) for one in part.ids])
    rows, right, ideal = [], [], []
    for case in asked:
        question = wanted(Query(positive(case).findings), Filters(), dict.fromkeys(FIELDS, 1.0))
        by_field = defaultdict(list)
        for one in asks_of(shape, question):
            by_field[one.field].append(one)
        stacked = np.stack([scored(shape, 0, by_field[name]) for name in FIELDS])
        stacked[:, papers == case.reference] = 0
        rows.append(stacked.astype(np.float32))
        right.append(names == disease(case))
        ideal.append(GAIN[: min(10, int((right[-1] & (papers != case.reference)).sum()))].sum())

    def judge(tried: dict[str, float]) -> float:
        weight = np.array([tried[name] for name in FIELDS], np.float32)
        total = 0.0
        for stacked, is_right, best, part in zip(rows, right, ideal, shares, strict=True):
            scores = weight @ stacked
            top = np.argpartition(-scores, 10)[:10]
            top = top[np.argsort(-scores[top], kind="stable")]
            total += part * float(is_right[top] @ GAIN) / best
        return total

    shares = parts(asked)
    start = {"words": 0.5, "concepts": 1.0, "above": 0.5, "diagnoses": 0.25}
    found = weigh(judge, start)
    print(f"# nDCG@10 on the half for learning: {judge(start):.3f} at the start, {judge(found):.3f} as learned")
    return found


def signs(asked: list[Case]) -> dict[str, float]:
    """A conditional logit: the right disease against the others of the best 300 by likelihood."""
    data: list[tuple[NDArray[np.float64], int]] = []
    taken: list[Case] = []
    for case in asked:
        place = knowledge().row.get(disease(case))
        if place is None:
            continue
        table = strict_signs(case)
        best = np.argsort(-table[:, 0], kind="stable")[:BEST]
        if place in best and table[place, 0] > -1e8:
            data.append((table[best], int(np.flatnonzero(best == place)[0])))
            taken.append(case)
    shares = parts(taken)

    def loss(weight: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        value, slope = 0.0, np.zeros_like(weight)
        for (table, place), part in zip(data, shares, strict=True):
            scores = table @ weight
            share = np.exp(scores - scores.max())
            share /= share.sum()
            value -= part * np.log(max(share[place], 1e-300))
            slope += part * (share @ table - table[place])
        return value + 5e-4 * weight @ weight, slope + 1e-3 * weight

    bounds = [(0, None)] * len(SIGNS)  # each of them speaks for a disease, or not at all
    found = minimize(loss, np.zeros(len(SIGNS)), jac=True, method="L-BFGS-B", bounds=bounds).x
    print(f"# {len(data)} questions, log-likelihood {-loss(found)[0]:.3f}, of equals {-np.log(BEST):.3f}")
    return dict(zip(SIGNS, np.round(found, 2).tolist(), strict=True))


def parts(asked: list[Case]) -> list[float]:
    """What each question counts: one in all, the same for each publication."""
    held = Counter(case.reference for case in asked)
    return [1 / held[case.reference] / len(held) for case in asked]


def strict_signs(case: Case) -> NDArray[np.float64]:
    """The signs of all diseases, where the question's own publication says nothing."""
    table = knowledge().fit.signs(knowledge().rows(case.concepts()))
    for at, row in own_rows_left_out(case, signs=True):
        table[at] = row
    return table


def lift(asked: list[Case]) -> dict[str, float]:
    rows = []
    for case in asked:
        query = Query(positive(case).findings)
        supports = supported(library(), query, Filters(not_from=case.reference))
        for scores in (knowledge().scores(case.concepts()), strict_scores(case)):
            rows.append((scores, supports, disease(case), answerable(case)))

    def ranks(pair: dict[str, float]) -> NDArray[np.float64]:
        weights()["cases"].update(pair)  # type: ignore[attr-defined]
        found = []
        for scores, supports, name, _ in rows:
            codes, together = joined(scores, supports)
            place = {code: at for at, code in enumerate(codes)}.get(name)
            found.append(1e9 if place is None else 1 + float((together > together[place]).sum()))
        return np.array(found)

    without = np.array([not has and name in knowledge().row for _, _, name, has in rows])
    alone = ranks({"least": 1.0, "weight": 0.0})
    best, value = {"least": 1.0, "weight": 0.0}, float((alone <= 1).mean())
    for least in (0.4, 0.5, 0.6):
        for weight in (2.0, 5.0, 10.0, 15.0):
            tried = ranks({"least": least, "weight": weight})
            lost = max(float((alone[without] <= top).mean() - (tried[without] <= top).mean()) for top in (1, 10))
            first = float((tried <= 1).mean())
            print(f"# {least} {weight}: first {first:.3f}, lost {lost:.4f}, ten {(tried <= 10).mean():.3f}", flush=True)
            if lost <= LOSS and first > value:
                best, value = {"least": least, "weight": weight}, first
    return best


def strict_scores(case: Case) -> NDArray[np.float64]:
    scores = knowledge().scores(case.concepts())
    for at, score in own_rows_left_out(case):
        scores[at] = score
    return scores


def show(name: str, found: dict[str, float]) -> None:
    print(f"[{name}]", *(f"{key} = {value}" for key, value in found.items()), "", sep="\n", flush=True)


if __name__ == "__main__":
    learned = fields(questions(True))
    show("fields", learned)
    known_here.weights()["fields"].update(learned)  # type: ignore[attr-defined]
    some = questions(True, all=True)[::2]
    found = signs(some)
    show("knowledge", found)
    known_here.weights()["knowledge"].update(found)  # type: ignore[attr-defined]
    show("cases", lift(some))
