"""Which answer belongs to a question: words that both have, each weighed by what known pairs have taught.

A question has fields (such as a title and what was told); all are compared with the one text of an answer, by the
cosine of (1 + log count) * idf. What is learned: how much each field counts, and for each word how much more or
less it tells than its rarity says, by a softmax over the nearest answers of each known question. A Gaussian prior
holds words at what their rarity says; how firmly, is chosen on pairs held out of those that teach.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.sparse import csr_matrix, diags

from salus.learning.retrieval.tokens import HAN, folded, words

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Whole = npt.NDArray[np.int64]
Tokens = Sequence[str]
Fields = Mapping[str, Sequence[Tokens]]  # field -> the tokens of each question
FEWEST, MOST = 2, 0.5  # texts that hold a token: so many at least, this share at most
NEAREST = 40  # answers that a known question is compared with
PRIORS = (1e-2, 3e-3, 1e-3)
HELD_OUT = 5  # every fifth pair chooses among the priors
STEPS = 40
BATCH = 500  # questions whose scores stand in memory at a time


def fine(text: str) -> list[str]:
    """Words, pairs of Chinese characters, and these characters alone.

    >>> fine("咳嗽 coughing")
    ['咳嗽', 'cough', '咳', '嗽']
    """
    return [*words(text), *HAN.findall(folded(text))]


@dataclass(frozen=True)
class Matching:
    """`place`: token -> column; `idf`, `tells`: of each column; `fields`: how much each counts."""

    place: Mapping[str, int]
    idf: Floats
    tells: Floats
    fields: Mapping[str, float]

    def vectors(self, texts: Sequence[Tokens]) -> csr_matrix:
        """Shape (texts, tokens); rows of length 1, or 0 where no token is known."""
        rows = [{self.place[one]: many for one, many in Counter(text).items() if one in self.place} for text in texts]
        begins = np.cumsum([0, *map(len, rows)])
        columns = np.array([at for row in rows for at in row], dtype=np.int64)
        counts = np.array([many for row in rows for many in row.values()], dtype=np.float64)
        made = csr_matrix(((1 + np.log(counts)) * self.idf[columns], columns, begins), (len(rows), len(self.idf)))
        length = np.sqrt(np.asarray(made.multiply(made).sum(axis=1)).ravel())
        return csr_matrix(diags(1 / np.where(length > 0, length, 1)) @ made)

    def scores(self, questions: Fields, answers: csr_matrix) -> Floats:
        """How well each answer (rows of `vectors`) fits each question. Shape (questions, answers)."""
        total = sum(weight * self.vectors(questions[name]) for name, weight in self.fields.items())
        found: Floats = (csr_matrix(total @ diags(self.tells)) @ answers.T).toarray()
        return found


def plain(texts: Sequence[Tokens], fields: Sequence[str]) -> Matching:
    """What the rarity of words in these texts says; all fields alike."""
    held = Counter(token for text in texts for token in set(text))
    kept = sorted(token for token, many in held.items() if FEWEST <= many <= MOST * len(texts))
    idf = np.array([math.log((1 + len(texts)) / (1 + held[token])) + 1 for token in kept])
    return Matching({token: at for at, token in enumerate(kept)}, idf, np.ones(len(kept)), dict.fromkeys(fields, 1.0))


def learned(questions: Fields, answers: Sequence[Tokens], own: Sequence[int]) -> Matching:
    """From pairs: question i has the answer `own[i]`. Answers are all different; some may be no known question's."""
    start = plain([*(text for field in questions.values() for text in field), *answers], list(questions))
    right = np.asarray(own, dtype=np.int64)
    held = np.arange(len(right)) % HELD_OUT == 0
    lesson, exam, whole = (lesson_of(start, questions, answers, right, some) for some in (~held, held, held | ~held))
    if not len(lesson.begins) or not len(exam.begins):
        return start  # no known question has its answer near: nothing to learn from
    prior = min(PRIORS, key=lambda width: exam.loss(lesson.fit(width), 0.0)[0])
    found, many = whole.fit(prior), len(questions)
    scale = float(np.abs(found[:many]).sum()) or 1.0
    weights = dict(zip(questions, (found[:many] / scale).tolist(), strict=True))
    return replace(start, tells=1 + found[many:], fields=weights)


@dataclass(frozen=True)
class Lesson:
    """Products of question and answer by token, a matrix a field; `begins`: the first row of each question."""

    products: Sequence[csr_matrix]
    right: Flags
    begins: Whole

    def fit(self, prior: float) -> Floats:
        """Weights of the fields, then by how much each token tells more than its rarity."""
        start = np.concatenate([np.full(len(self.products), 10.0), np.zeros(self.products[0].shape[1])])
        found = minimize(self.loss, start, args=(prior,), jac=True, method="L-BFGS-B", options={"maxiter": STEPS})
        return np.asarray(found.x)

    def loss(self, at: Floats, prior: float) -> tuple[float, Floats]:
        """Mean negative log-likelihood of the right answers under the prior, with its gradient."""
        many, groups = len(self.products), len(self.begins)
        fields, more = at[:many], at[many:]
        parts = [one @ (1 + more) for one in self.products]
        score = np.sum([weight * part for weight, part in zip(fields, parts, strict=True)], axis=0)
        group = np.repeat(np.arange(groups), np.diff([*self.begins, len(score)]))
        power = np.exp(score - np.maximum.reduceat(score, self.begins)[group])
        whole = np.add.reduceat(power, self.begins)
        good = np.maximum(np.add.reduceat(power * self.right, self.begins), np.finfo(float).tiny)
        slope = (power / whole[group] - power * self.right / good[group]) / groups
        by_token = sum(weight * (one.T @ slope) for weight, one in zip(fields, self.products, strict=True))
        gradient = np.concatenate([[part @ slope for part in parts], by_token + prior * more])
        return float((np.log(whole) - np.log(good)).mean() + prior * (more @ more) / 2), gradient


def lesson_of(start: Matching, questions: Fields, answers: Sequence[Tokens], own: Whole, part: Flags) -> Lesson:
    """The known questions of a part that have their answer among the nearest, each with these."""
    given, texts = np.flatnonzero(part), start.vectors(answers)
    vectors = [start.vectors([field[i] for i in given.tolist()]) for field in questions.values()]
    total, width = csr_matrix(sum(vectors)), min(NEAREST, len(answers))
    rows, columns = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for begin in range(0, len(given), BATCH):
        score = (total[begin : begin + BATCH] @ texts.T).toarray()
        near = np.argsort(-score, axis=1, kind="stable")[:, :width]
        has = (near == own[given[begin : begin + BATCH], None]).any(axis=1)
        rows.append(np.repeat(begin + np.flatnonzero(has), width))
        columns.append(near[has].ravel())
    row, column = np.concatenate(rows), np.concatenate(columns)
    products = [csr_matrix(one[row].multiply(texts[column])) for one in vectors]
    return Lesson(products, column == own[given[row]], np.flatnonzero(np.diff(row, prepend=-1)))
