"""What can be different between a statement and the books."""

from dataclasses import dataclass
from enum import StrEnum


class Fault(StrEnum):
    """Each has one repair, under the key `reconcile/<side>/<fault>/<id>`: see `repairing.py`."""

    MISSING_HERE = "missing-here"  # they have it, we never heard of it
    NOT_THERE_YET = "not-there-yet"  # we have it, they may have it tomorrow
    MISSING_THERE = "missing-there"  # nor had they it on the next day
    AMOUNT = "amount-differs"
    TWICE = "twice"  # it moved a second time, under a reference of its own
    REPEATED = "listed-twice"  # the same movement on two lines: no money
    WRONG_DAY = "wrong-day"
    STATUS = "status-differs"  # they say paid and we do not, or the other way round


@dataclass(frozen=True, slots=True)
class Difference:
    """`ours` and `theirs` in minor units, what goes out negative; None where one of us has nothing. `line`: of the
    file, 0 for none."""

    fault: Fault
    id: str
    ours: int | None
    theirs: int | None
    reference: str = ""
    line: int = 0

    @property
    def amount(self) -> int:
        """By how much they have more than we."""
        return (self.theirs or 0) - (self.ours or 0)
