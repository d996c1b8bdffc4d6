"""From values to places on the paper."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from math import ceil, floor, log10


@dataclass(frozen=True, slots=True)
class Scale:
    """A straight line from `low..high` to `start..end`. A range of no width is drawn in the middle.

    >>> Scale(0, 10, 0, 100)(2.5), Scale(3, 3, 0, 100)(3)
    (25.0, 50.0)
    """

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        if self.high == self.low:
            return (self.start + self.end) / 2
        share = (value - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 1)


def extent(values: Iterable[float], margin: float = 0.06) -> tuple[float, float]:
    """Lowest and highest with a margin, a share of the distance between them, on either side.

    >>> extent([0, 10], 0.1)
    (-1.0, 11.0)
    """
    known = list(values)
    low, high = min(known), max(known)
    room = (high - low) * margin or abs(high) * margin or 1
    return low - room, high + room


def ticks(low: float, high: float, about: int = 4) -> list[float]:
    """Round numbers between, about so many: steps of 1, 2 or 5 times a power of ten.

    >>> ticks(0, 10), ticks(1.2, 2.1)
    ([0.0, 5.0, 10.0], [1.5, 2.0])
    """
    if high <= low:
        return [low]
    rough = (high - low) / about
    power = 10.0 ** floor(log10(rough))
    step = next(power * size for size in (1, 2, 5, 10) if power * size >= rough)
    return [round(step * at, 10) for at in range(ceil(low / step), floor(high / step) + 1)]


def seconds(at: date | datetime) -> float:
    """Seconds since 1970 in UTC; a day counts from its midnight, a time without a zone as UTC."""
    if not isinstance(at, datetime):
        at = datetime(at.year, at.month, at.day, tzinfo=UTC)
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def year_starts(low: float, high: float, at_most: int = 7) -> list[tuple[float, int]]:
    """(seconds, year) of the first of January between two moments, thinned to at most so many."""
    first, last = datetime.fromtimestamp(low, UTC).year + 1, datetime.fromtimestamp(high, UTC).year
    step = max(1, ceil((last - first + 1) / at_most))
    return [(datetime(year, 1, 1, tzinfo=UTC).timestamp(), year) for year in range(first, last + 1, step)]
