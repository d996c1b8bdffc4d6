"""What is looked for, what was found, what remains."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

Why = Literal["record", "pattern", "human"]


class Kind(StrEnum):
    """What a piece of text gives away. Words: `kind.<value>` and, in its place, `surrogate.<value>`."""

    PATIENT = "patient"
    RELATIVE = "relative"
    STAFF = "staff"
    NAME = "name"
    RESIDENT_ID = "resident-id"
    SSN = "ssn"
    PASSPORT = "passport"
    RECORD_ID = "record-id"
    CARD = "card"
    PHONE = "phone"
    EMAIL = "email"
    URL = "url"
    IP = "ip"
    ACCOUNT = "account"
    PLATE = "plate"
    ADDRESS = "address"
    PLACE = "place"
    ORGANISATION = "organisation"
    BIRTH = "birth"
    DATE = "date"
    HOLIDAY = "holiday"
    AGE = "age"
    OTHER = "other"


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A piece of the original text, half open, and what stands in its place. `why`: how it was known."""

    start: int
    end: int
    kind: Kind
    why: Why = "pattern"
    surrogate: str = ""


@dataclass(frozen=True, slots=True, order=True)
class Leftover:
    """A piece of the original text that still may give somebody away. Words: `leftover.<reason>`."""

    start: int
    end: int
    reason: str


@dataclass(frozen=True, slots=True)
class Cleaned:
    """`text` may leave when somebody has looked at `leftovers`; spans and leftovers are places in `original`.

    Dates were moved by whole weeks: the weekday stays what it was, the season does not. `dated`: whether any was.
    """

    original: str
    text: str
    spans: tuple[Span, ...]
    leftovers: tuple[Leftover, ...] = ()

    @property
    def dated(self) -> bool:
        return any(one.kind is Kind.DATE for one in self.spans)

    def pieces(self) -> Iterator[tuple[str, Span | Leftover | None]]:
        """The original in order, cut where something was found: for a page that shows both sides.

        >>> list(Cleaned("a Li b", "a [NAME] b", (Span(2, 4, Kind.NAME),)).pieces())[0]
        ('a ', None)
        """
        at = 0
        found: list[Span | Leftover] = [*self.spans, *self.leftovers]
        for one in sorted(found, key=lambda one: one.start):
            if one.start > at:
                yield self.original[at : one.start], None
            yield self.original[one.start : one.end], one
            at = one.end
        if at < len(self.original):
            yield self.original[at:], None
