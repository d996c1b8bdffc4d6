"""Whether a statement and the books agree about an id: most do, and nobody has to look again."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from salus.services.billing.payments.port import State
from salus.services.billing.reconciling.reading import Item


@dataclass(frozen=True, slots=True)
class Case:
    """An id of which the books of the day have `ours` (None for nothing) and the statement `theirs` (in its order)."""

    id: str
    ours: int | None
    theirs: tuple[Item, ...]
    awaited: bool = False

    @property
    def paid(self) -> tuple[Item, ...]:
        """The lines by which money moved."""
        return tuple(one for one in self.theirs if one.state is State.PAID)

    @property
    def agrees(self) -> bool:
        """Nothing to look into. What was awaited since another day has to be looked into, in any case."""
        if self.awaited:
            return False
        if self.ours is None:
            return all(one.state is State.PENDING for one in self.theirs)
        return len(self.theirs) == 1 and self.theirs[0].state is State.PAID and self.theirs[0].amount == self.ours


def cases(
    ours: Iterator[Sequence[str]], theirs: Iterator[Item], awaited: frozenset[str] = frozenset()
) -> Iterator[Case]:
    """All ids of two piles, and those `awaited` since another day."""
    sums: dict[str, int] = {}
    for id, amount in ours:
        sums[id] = sums.get(id, 0) + int(amount)
    lines: dict[str, list[Item]] = {}
    for item in theirs:
        lines.setdefault(item.id, []).append(item)
    for id in sorted(awaited | {id for id, amount in sums.items() if amount} | lines.keys()):
        yield Case(id, sums.get(id) or None, tuple(lines.get(id, ())), id in awaited)
