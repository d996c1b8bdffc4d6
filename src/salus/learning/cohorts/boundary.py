"""One boundary of a window: `trigger`, `input.end + 24h`, `start -> death`, `end <- admission`."""

import re
from dataclasses import dataclass

from salus.base.errors import Invalid
from salus.learning.cohorts.definition import RECORD_END, RECORD_START, Side
from salus.learning.cohorts.spans import span_us

FORM = re.compile(
    r"(?P<of>\w+(?:\.(?:start|end))?)\s*(?:(?P<arrow>->|<-)\s*(?P<event>\w+)|(?P<sign>[+-])\s*(?P<span>.+))?"
)
OTHERS: dict[Side, Side] = {"start": "end", "end": "start"}


@dataclass(frozen=True)
class Boundary:
    """A moment told from another one (`of`): so many microseconds off, or at the next or last event of a predicate."""

    of: str
    shift_us: int = 0
    event: str | None = None
    forward: bool = True

    @property
    def direction(self) -> int:
        """1 after the other moment, -1 before it, 0 the same moment."""
        if self.event is not None:
            return 1 if self.forward else -1
        return (self.shift_us > 0) - (self.shift_us < 0)


def boundary_of(text: str | None, window: str, side: Side) -> Boundary:
    """What one boundary says; none said: the start or the end of the record. Raises Invalid."""
    path = f"windows.{window}.{side}"
    if text is None or text.strip().lower() in ("none", "null"):
        event = RECORD_START if side == "start" else RECORD_END
        return Boundary(OTHERS[side], event=event, forward=side == "end")
    found = FORM.fullmatch(text.strip())
    if found is None:
        raise Invalid(
            f"{path} says '{text}': write trigger, WINDOW.start or WINDOW.end (or this window's own), alone, "
            "with + or - a length of time (trigger + 24h), or with -> or <- a predicate (start -> death)",
            path=path,
        )
    if found["event"]:
        return event_boundary(found, path)
    return Boundary(found["of"], shift_us=shift_of(found["sign"], found["span"], path))


def event_boundary(found: re.Match[str], path: str) -> Boundary:
    forward = found["arrow"] == "->"
    if found["event"] == (RECORD_START if forward else RECORD_END):
        raise Invalid(
            f"{path}: nothing comes {'before the start' if forward else 'after the end'} of a record: "
            f"turn the arrow before {found['event']}",
            path=path,
        )
    return Boundary(found["of"], event=found["event"], forward=forward)


def shift_of(sign: str | None, span: str | None, path: str) -> int:
    """Microseconds to add. Raises Invalid for what is no length of time."""
    if sign is None or span is None:
        return 0
    length = span_us(span)
    if length is None:
        raise Invalid(
            f"{path}: '{span}' is no length of time: write weeks, days, hours, minutes or seconds, such as "
            "24h or 365 days (months and years have no fixed length)",
            path=path,
        )
    return -length if sign == "-" else length
