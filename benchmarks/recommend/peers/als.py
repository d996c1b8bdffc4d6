"""The peers, in an environment of their own: `implicit` (ALS) and `bm25s`. python als.py ASKED.npz ANSWER.npz

In: histories to learn from (people x items) and to answer (requests x items) as CSR; the words of items and requests,
already in tokens. Out: scores, shape (requests, items), and what one answer took, in seconds.
"""

import json
import sys
import time

import bm25s
import numpy as np
from implicit.als import AlternatingLeastSquares
from scipy.sparse import csr_matrix

ALS = {"factors": 32, "regularization": 0.05, "alpha": 5.0, "iterations": 20, "random_state": 7, "num_threads": 1}


def cells(asked, name):
    shape = tuple(asked[f"{name}_shape"])
    return csr_matrix((asked[f"{name}_data"], asked[f"{name}_indices"], asked[f"{name}_indptr"]), shape=shape)


def als(learn, judge):
    model = AlternatingLeastSquares(**ALS)
    model.fit(learn, show_progress=False)
    made, took = np.zeros(judge.shape), []
    for row in range(judge.shape[0]):
        started = time.perf_counter()
        user = model.recalculate_user(0, judge[row])
        made[row] = model.item_factors @ user
        took.append(time.perf_counter() - started)
    return made, took


def words(items, needs):
    model = bm25s.BM25(k1=1.2, b=0.75)
    model.index(items, show_progress=False)
    made, took = np.zeros((len(needs), len(items))), []
    for row, need in enumerate(needs):
        started = time.perf_counter()
        known = [one for one in need if one in model.vocab_dict]
        made[row] = model.get_scores(known) if known else 0.0
        took.append(time.perf_counter() - started)
    return made, took


if __name__ == "__main__":
    with np.load(sys.argv[1]) as asked:
        learn, judge = cells(asked, "learn"), cells(asked, "judge")
        texts = json.loads(str(asked["words"]))
    first, second = als(learn, judge), words(texts["items"], texts["needs"])
    np.savez(sys.argv[2], als=first[0], als_took=first[1], bm25=second[0], bm25_took=second[1])
