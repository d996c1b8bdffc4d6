"""People on a plane, neighbours near each other: an embedding of neighbours in the manner of UMAP.

McInnes, Healy, Melville 2018, https://arxiv.org/abs/1802.03426: a graph of nearest neighbours with weights between 0
and 1, begun from its own slow vibrations, then neighbours pull and people drawn at random push. Who is near whom means
something; how far apart groups lie, how large and how dense they look does not.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components, laplacian
from scipy.sparse.linalg import eigsh
from sklearn.manifold import trustworthiness
from sklearn.neighbors import NearestNeighbors

from salus.learning.subtypes.people import Matrix, Whole

NEIGHBOURS, EPOCHS, PUSHES = 15, 200, 5
A, B = 1.577, 0.895  # the curve 1 / (1 + a d^2b) for a least distance of 0.1
MOST_PEOPLE = 1000  # drawn on a map; more are a blot


@dataclass(frozen=True)
class Plane:
    """`rows`: the people drawn; `at`: where; `faith`: how far neighbours on the plane are true neighbours, 0 to 1."""

    rows: Whole
    at: Matrix
    faith: float


def lay_out(places: Matrix, seed: int) -> Plane:
    """A plane of at most MOST_PEOPLE people; the same for the same people and seed."""
    draw = np.random.default_rng(seed)
    rows = np.sort(draw.permutation(len(places))[:MOST_PEOPLE])
    some = places[rows]
    graph = neighbourhood(some, min(NEIGHBOURS, len(some) - 1))
    at = settled(graph, begun(graph, some), draw)
    return Plane(rows, at, float(trustworthiness(some, at, n_neighbors=min(NEIGHBOURS, len(some) // 2 - 1))))


def neighbourhood(places: Matrix, count: int) -> sparse.coo_matrix:
    """The fuzzy graph: of two people the chance that either takes the other for a neighbour."""
    away, who = NearestNeighbors(n_neighbors=count + 1).fit(places).kneighbors(places)
    away, who = away[:, 1:], who[:, 1:]
    over = np.maximum(away - away[:, :1], 0)
    weights = np.exp(-over / widths(over, np.log2(count))[:, None])
    rows = np.repeat(np.arange(len(places)), count)
    one = sparse.csr_matrix((weights.ravel(), (rows, who.ravel())), shape=(len(places),) * 2)
    return sparse.coo_matrix(one + one.T - one.multiply(one.T))


def widths(over: Matrix, wanted: float) -> Matrix:
    """For each person the width by which the weights of the neighbours add up to `wanted`, by halving."""
    low, high = np.zeros(len(over)), np.full(len(over), max(float(over.max()), 1e-9) * 100)
    for _ in range(50):
        middle = (low + high) / 2
        much = np.exp(-over / np.maximum(middle, 1e-12)[:, None]).sum(1) > wanted
        low, high = np.where(much, low, middle), np.where(much, middle, high)
    return np.asarray(np.maximum((low + high) / 2, 1e-3 * max(float(over.mean()), 1e-9)))


def begun(graph: sparse.coo_matrix, places: Matrix) -> Matrix:
    """Slow vibrations of the graph; the first components where it falls into pieces. Within 10 of the middle."""
    at = places[:, :2]
    if connected_components(graph)[0] == 1 and len(places) > 20:
        flow = sparse.eye(len(places)) * 2 - laplacian(graph, normed=True)
        _, waves = eigsh(flow, k=3, which="LA", v0=np.ones(len(places)))
        at = waves[:, 1::-1]
        at = at * np.sign(at[np.abs(at).argmax(0), [0, 1]])
    return np.asarray(10 * at / max(float(np.abs(at).max()), 1e-12))


def settled(graph: sparse.coo_matrix, at: Matrix, draw: np.random.Generator) -> Matrix:
    """Neighbours pull as often as their weight says; each pull comes with a few pushes; ever smaller steps."""
    at = at + draw.normal(scale=1e-3, size=at.shape)
    often = graph.data / graph.data.max()
    for epoch in range(EPOCHS):
        now = draw.random(len(often)) < often
        one, other = graph.row[now], graph.col[now]
        step = 1 - epoch / EPOCHS
        move = np.zeros_like(at)
        gap = at[one] - at[other]
        square = (gap**2).sum(1)
        pull = -2 * A * B * np.maximum(square, 1e-9) ** (B - 1) / (1 + A * square**B)
        add(move, one, np.clip(pull[:, None] * gap, -4, 4))
        mine = np.repeat(one, PUSHES)
        gap = at[mine] - at[draw.integers(0, len(at), len(mine))]
        square = (gap**2).sum(1)
        push = 2 * B / ((0.001 + square) * (1 + A * square**B))
        add(move, mine, np.clip(push[:, None] * gap, -4, 4))
        at = at + step * move / np.maximum(np.bincount(one, minlength=len(at)), 1)[:, None] ** 0.5
    return np.asarray(at - at.mean(axis=0))


def add(move: Matrix, who: Whole, by: Matrix) -> None:
    for axis in range(2):
        move[:, axis] += np.bincount(who, by[:, axis], minlength=len(move))
