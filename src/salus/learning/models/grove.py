"""One tree or many as plain arrays. A row's way from root to leaf adds up: each step is credited to the feature asked.

Every node holds a margin (smoothed log-odds of its training rows, or their mean); the answer is the mean over the
trees of the leaf's margin, so that the credits sum to the answer exactly up to rounding. The credit of a step is the
margin after it less the margin before (Saabas 2014, http://blog.datadive.net/interpreting-random-forests/).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from salus.learning.models.family import Matrix

Whole = npt.NDArray[np.int64]
CHUNK = 4096  # rows at a time: bounds memory


@dataclass
class Grove:
    """All nodes of all trees in one row of arrays; a leaf is its own child. Thresholds as scikit-learn compares them:
    the feature as float32 against a float64. `margin`: shape (nodes, k)."""

    roots: Whole
    left: Whole
    right: Whole
    feature: Whole
    threshold: Matrix
    gap_left: npt.NDArray[np.bool_]
    margin: Matrix
    depth: int

    def margins(self, x: Matrix) -> Matrix:
        return np.vstack([self._margins(x[start : start + CHUNK]) for start in range(0, len(x), CHUNK)])

    def _margins(self, x: Matrix) -> Matrix:
        at = np.tile(self.roots, (len(x), 1))
        asked = x.astype(np.float32)
        for _ in range(self.depth):
            at = self.step(asked, at)
        return np.column_stack([self.margin[at, k].sum(axis=1) for k in range(self.margin.shape[1])]) / len(self.roots)

    def step(self, x: npt.NDArray[np.float32], at: Whole) -> Whole:
        """From each node to its child. `at`: shape (rows, trees)."""
        values = x[np.arange(len(x))[:, None], self.feature[at]]
        goes_left = np.where(np.isnan(values), self.gap_left[at], values <= self.threshold[at])
        return np.where(goes_left, self.left[at], self.right[at])

    def parts(self, x: Matrix) -> Matrix:
        trees, k = len(self.roots), self.margin.shape[1]
        made = np.zeros((len(x), k, x.shape[1] + 1))
        made[:, :, -1] = self.margin[self.roots].sum(axis=0) / trees
        asked, rows = x.astype(np.float32), np.arange(len(x))[:, None]
        at = np.tile(self.roots, (len(x), 1))
        for _ in range(self.depth):
            after = self.step(asked, at)
            gain = (self.margin[after] - self.margin[at]) / trees
            for c in range(k):
                np.add.at(made[:, c], (rows, self.feature[at]), gain[:, :, c])
            at = after
        return made

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(folder / "trees.npz", **vars(self))


def load(folder: Path) -> Grove:
    """The trees in `trees.npz`; arrays only, pickles are refused."""
    with np.load(folder / "trees.npz", allow_pickle=False) as saved:
        parts: dict[str, Any] = {name: saved[name] for name in saved.files}
    return Grove(**{**parts, "depth": int(parts["depth"])})


def grove_of(trees: list[Any], smoothing: float, number: bool) -> Grove:
    """Arrays of fitted scikit-learn trees (`estimator.tree_`)."""
    starts = np.cumsum([0] + [tree.node_count for tree in trees])[:-1]
    left, right, feature, margin = [], [], [], []
    for start, tree in zip(starts, trees, strict=True):
        own = np.arange(tree.node_count)
        leaf = tree.children_left < 0
        left.append(np.where(leaf, own, tree.children_left) + start)
        right.append(np.where(leaf, own, tree.children_right) + start)
        feature.append(np.where(leaf, 0, tree.feature))
        margin.append(tree.value[:, 0, :] if number else log_margins(tree, smoothing))
    return Grove(
        roots=starts.astype(np.int64),
        left=np.concatenate(left).astype(np.int64),
        right=np.concatenate(right).astype(np.int64),
        feature=np.concatenate(feature).astype(np.int64),
        threshold=np.concatenate([tree.threshold for tree in trees]),
        gap_left=np.concatenate([tree.missing_go_to_left for tree in trees]).astype(bool),
        margin=np.vstack(margin),
        depth=max(tree.max_depth for tree in trees),
    )


def log_margins(tree: Any, smoothing: float) -> Matrix:
    """Log-odds of yes (two classes) or log-probabilities, pulled toward the root's shares by `smoothing` rows."""
    shares = tree.value[:, 0, :]
    weight = tree.weighted_n_node_samples[:, None]
    smooth = (shares * weight + smoothing * (shares[:1] + 1e-6)) / (weight + smoothing)
    logs: Matrix = np.log(smooth)
    return logs[:, 1:] - logs[:, :1] if shares.shape[1] == 2 else logs
