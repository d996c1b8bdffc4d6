"""Of all pairs of which one is known to have had the event first: how often the model said so (concordance).

Harrell et al. 1982, https://doi.org/10.1001/jama.1982.03320430047030; weighted for censoring: Uno et al. 2011,
https://doi.org/10.1002/sim.4154. All pairs are counted in n log n, and another set of weights costs only sums: rows in
the order of time are halved again and again; of each pair there is one halving that sets the two apart.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from salus.learning.survival.follow import Flags, Follow, Matrix, Whole


@dataclass(frozen=True)
class Halving:
    """Rows `order`ed by block, then by score; `late`: those of the later half of their block.

    For each event of an earlier half: its `row`, and where in the order begin its block, those of its score, those
    above, and what comes after its block.
    """

    order: Whole
    late: Flags
    row: Whole
    block: Whole
    tied: Whole
    above: Whole
    end: Whole

    def counts(self, weight: Matrix) -> tuple[Matrix, Matrix]:
        """For each `row`: (weight of later rows with a lower score, ties half; weight of all later rows)."""
        total = np.concatenate([[0.0], np.cumsum(np.where(self.late, weight[self.order], 0.0))])
        lower = (total[self.tied] + total[self.above]) / 2 - total[self.block]
        return lower, total[self.end] - total[self.block]


@dataclass(frozen=True)
class Pairs:
    """Follow-up and a score, higher where the event is expected sooner."""

    follow: Follow
    score: Matrix

    @cached_property
    def halvings(self) -> list[Halving]:
        return list(self._halvings())

    def _halvings(self) -> Iterator[Halving]:
        """Rows whose event comes at one time are not comparable, so they share a rank and are never set apart."""
        rank = ranked(self.follow)
        for bit in range(int(rank.max()).bit_length() if len(rank) else 0):
            yield halving(rank >> (bit + 1), (rank >> bit) & 1 == 1, self.score, self.follow.event)

    def share(self, weight: Matrix, first: Matrix | None = None) -> float:
        """The share of pairs in the right order, ties half. `first`: what the row with the event counts, besides."""
        first = weight if first is None else weight * first
        right, every = 0.0, 0.0
        for one in self.halvings:
            lower, later = one.counts(weight)
            right += float((first[one.row] * lower).sum())
            every += float((first[one.row] * later).sum())
        return right / every if every > 0 else float("nan")

    def uno(self, weight: Matrix) -> float:
        """The same with pairs weighted by the inverse squared chance that the earlier one was still followed."""
        chance = self.follow.followed(weight).before(self.follow.time)
        return self.share(weight, 1 / np.maximum(chance, 1e-6) ** 2)


def ranked(follow: Follow) -> Whole:
    """0, 1, ... by time; of one time the events first."""
    order = np.lexsort((~follow.event, follow.time))
    time, event = follow.time[order], follow.event[order]
    new = np.append(True, (np.diff(time) != 0) | (event[1:] != event[:-1])) if len(order) else np.empty(0, dtype=bool)
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.cumsum(new) - 1
    return rank


def halving(block: Whole, late: Flags, score: Matrix, event: Flags) -> Halving:
    """One level: `block` of each row, and whether it is in the later half of it."""
    order = np.lexsort((score, block))
    place = np.arange(len(order))
    new_block = np.append(True, np.diff(block[order]) != 0)
    new_score = new_block | np.append(True, np.diff(score[order]) != 0)
    here = np.flatnonzero(~late[order] & event[order])
    begins = [np.maximum.accumulate(np.where(new, place, 0))[here] for new in (new_block, new_score)]
    ends = [np.append(np.flatnonzero(new), len(order))[np.cumsum(new)[here]] for new in (new_score, new_block)]
    return Halving(order, late[order], order[here], begins[0], begins[1], ends[0], ends[1])
