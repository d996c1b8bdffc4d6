"""Which of a few topics a text is about, with a probability: a linear reader (SVM) whose margins are tempered on texts
held out."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from scipy.optimize import minimize_scalar
from scipy.sparse import csr_matrix
from scipy.special import log_softmax, softmax

from salus.base.errors import Invalid
from salus.learning.models import arrays
from salus.learning.models.recommend.history import Dense, Whole
from salus.learning.models.recommend.terms import Reader, Vocabulary, terms

FILE, WORDS = "topics.safetensors", "topics.json"
FOLDS = 5


class Said(msgspec.Struct):
    """What the file of words holds."""

    names: list[str]
    vocabulary: Vocabulary


@dataclass
class Topics:
    """names: the topics; weights: shape (terms, topics); base: shape (topics,).

    sharp: what margins are multiplied by to be log-odds.
    """

    names: list[str]
    reader: Reader
    weights: Dense
    base: Dense
    sharp: float

    def margins(self, texts: Sequence[str]) -> Dense:
        return np.asarray(self.reader.matrix(texts) @ self.weights + self.base)

    def probabilities(self, texts: Sequence[str]) -> Dense:
        """Shape (texts, topics); each row sums to 1."""
        found: Dense = softmax(self.sharp * self.margins(texts), axis=1)
        return found

    def known(self, text: str) -> int:
        """How many terms of a text the reader has met; single characters do not count."""
        return sum(1 for term in set(terms(text)) if len(term) > 1 and term in self.reader.places)

    def why(self, text: str, topic: int, most: int = 3) -> list[str]:
        """The terms that spoke most for a topic; one that stands inside another counts there."""
        row = self.reader.matrix([text])
        names = [self.reader.vocabulary.names[place] for place in row.indices]
        weight = dict(zip(names, row.data * self.weights[row.indices, topic], strict=True))
        speak = [name for name in names if weight[name] > 0]
        whole = [name for name in speak if not any(name in other and name != other for other in speak)]
        size = {name: sum(weight[part] for part in speak if part in name) for name in whole}
        return sorted(whole, key=lambda name: -size[name])[:most]

    def save(self, folder: Path) -> None:
        parts = {"weights": self.weights, "base": self.base, "sharp": np.array([self.sharp])}
        arrays.save(folder / FILE, parts)
        (folder / WORDS).write_bytes(msgspec.json.encode(Said(self.names, self.reader.vocabulary)))


def fit(texts: Sequence[str], labels: Sequence[str], fewest: int = 1, cost: float = 1.0, seed: int = 7) -> Topics:
    """Learn topics from texts with their labels; rare topics count as much as frequent ones. A term stands in at least
    `fewest` texts. Raises Invalid for lengths that differ, or fewer than two topics."""
    if len(texts) != len(labels):
        raise Invalid(f"{len(texts)} texts but {len(labels)} labels: give one label a text")
    names = sorted(set(labels))
    if len(names) < 2:
        raise Invalid("All labels are the same: topics need at least two to tell apart")
    places = {name: number for number, name in enumerate(names)}
    y = np.array([places[one] for one in labels])
    reader = Reader(Vocabulary.of(texts, fewest))
    x = reader.matrix(texts)
    weights, base = fitted(x, y, len(names), cost)
    return Topics(names, reader, weights, base, sharpness(x, y, len(names), cost, seed))


def fitted(x: csr_matrix, y: Whole, many: int, cost: float) -> tuple[Dense, Dense]:
    from sklearn.svm import LinearSVC

    model = LinearSVC(C=cost, class_weight="balanced").fit(x, y)
    weights, base = np.zeros((x.shape[1], many)), np.full(many, -2.0)
    if many == 2:
        weights, base = np.outer(model.coef_[0], (-0.5, 0.5)), model.intercept_[0] * np.array([-0.5, 0.5])
    else:
        weights[:, model.classes_], base[model.classes_] = model.coef_.T, model.intercept_
    return weights, base


def sharpness(x: csr_matrix, y: Whole, many: int, cost: float, seed: int) -> float:
    """What makes the margins probabilities, by the log loss of texts held out in turn."""
    turn = np.random.default_rng(seed).permutation(len(y)) % FOLDS
    held = np.zeros((len(y), many))
    for fold in range(FOLDS):
        learn = turn != fold
        if len(np.unique(y[learn])) < 2:
            return 1.0
        weights, base = fitted(x[learn], y[learn], many, cost)
        held[~learn] = x[~learn] @ weights + base
    rows = np.arange(len(y))

    def loss(log_sharp: float) -> float:
        return -float(log_softmax(np.exp(log_sharp) * held, axis=1)[rows, y].mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-2, 4), method="bounded").x))


def load(folder: Path) -> Topics:
    said, found = msgspec.json.decode((folder / WORDS).read_bytes(), type=Said), arrays.load(folder / FILE)
    return Topics(said.names, Reader(said.vocabulary), found["weights"], found["base"], float(found["sharp"][0]))
