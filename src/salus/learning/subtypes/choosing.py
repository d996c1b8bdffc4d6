"""The method and the number of groups; or none, where no groups come back or one cloud would look as clear."""

from dataclasses import dataclass, replace

import numpy as np

from salus.base.errors import Invalid
from salus.learning.subtypes.axes import own_places, shuffled
from salus.learning.subtypes.cloud import Cloud, as_clear
from salus.learning.subtypes.people import Matrix
from salus.learning.subtypes.rules import METHODS
from salus.learning.subtypes.stability import Candidate, tried

MOST_GROUPS = 8
ALIKE = 0.05  # of held-out agreement: candidates this near the best are as stable
MOST_ASKED = 6  # candidates compared with clouds
SHUFFLES = 5
CHANCE = 0.05


@dataclass(frozen=True)
class Wanted:
    """What a person asks: numbers of groups, methods, draws, and where chance begins."""

    counts: tuple[int, ...] = tuple(range(2, MOST_GROUPS + 1))
    methods: tuple[str, ...] = tuple(METHODS)
    draws: int = 50
    seed: int = 7


@dataclass(frozen=True)
class Choice:
    """All candidates, the one chosen, and why none was: `unstable` or `cloud`."""

    candidates: list[Candidate]
    chosen: Candidate | None
    why: str | None


def sensible(wanted: Wanted, people: int) -> Wanted:
    """What is asked, with no more groups than one in ten people.

    Raises Invalid for a method that is not there, or a number of groups that cannot be told apart.
    """
    most = min(30, people // 10)
    if unknown := [method for method in wanted.methods if method not in METHODS]:
        raise Invalid(f"There is no method '{unknown[0]}': choose of {', '.join(METHODS)}", path="--method")
    counts = tuple(count for count in wanted.counts if 2 <= count <= most)
    if not counts:
        raise Invalid(f"The number of groups is 2 to {most} for {people} people", path="--groups")
    if wanted.draws < 5:
        raise Invalid(f"{wanted.draws} draws cannot tell what is stable: give at least 5, better 50", path="--draws")
    return replace(wanted, counts=counts)


def choose(scores: Matrix, places: Matrix, wanted: Wanted) -> Choice:
    """`scores`: people x columns, `places`: the same people on the components."""
    counts, draw, components = list(wanted.counts), np.random.default_rng(wanted.seed), places.shape[1]
    shuffles = [own_places(shuffled(scores, draw), components) for _ in range(SHUFFLES)]
    made = [
        one for method in wanted.methods for one in tried(places, shuffles, method, counts, wanted.draws, wanted.seed)
    ]
    stable = [one for one in made if one.stable]
    cloud = Cloud(scores)
    for one in preferred(stable)[:MOST_ASKED]:
        one.cloud = as_clear(one, cloud, components, wanted.seed)
        if one.cloud < CHANCE:
            return Choice(made, one, None)
    return Choice(made, None, "cloud" if stable else "unstable")


def preferred(stable: list[Candidate]) -> list[Candidate]:
    """Those as stable as the best, the clearest first; then the others."""
    best = max((one.held_out for one in stable), default=0.0)
    return sorted(stable, key=lambda one: (one.held_out < best - ALIKE, -round(one.silhouette, 6), -one.count))
