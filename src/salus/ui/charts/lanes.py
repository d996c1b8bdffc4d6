"""A life in lanes: one row for each kind of thing, marks where one happened, bars for what lasted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from markupsafe import Markup, escape

from salus.ui.charts.line import WIDE
from salus.ui.charts.scale import Scale, seconds, year_starts

TALL, HEAD = 26, 20


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened on a day, or lasted until another one; `until` past the picture: it still lasts."""

    start: date
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Lane:
    name: str
    tone: str
    marks: Sequence[Mark]


def lanes(rows: Sequence[Lane], first: date, last: date, name: str) -> Markup:
    """The rows over the days `first..last`; marks outside are left out. Names stand in the left quarter."""
    across = Scale(seconds(first), seconds(last), 4, WIDE - 4)
    tall = HEAD + TALL * len(rows)
    marked = year_starts(seconds(first), seconds(last))
    rules = "".join(f'<path class="rule" d="M{across(at)} 0V{tall}"/>' for at, _ in marked)
    inside = "".join(drawn(lane, at, across, first, last) for at, lane in enumerate(rows))
    names = "".join(
        f'<text class="name" x="0" y="{HEAD + TALL * at + 17}">{escape(lane.name)}</text>'
        for at, lane in enumerate(rows)
    )
    years = "".join(
        f'<svg class="head" x="22%" width="78%" height="{HEAD}" overflow="visible">'
        f'<text x="{across(at) / WIDE * 100:.1f}%" y="13" text-anchor="middle">{year}</text></svg>'
        for at, year in marked
    )
    return Markup(
        f'<svg class="chart lanes" role="img" aria-label="{escape(name)}" width="100%" height="{tall}">'
        f'<svg class="field" x="22%" width="78%" height="{tall}" viewBox="0 0 {WIDE} {tall}" '
        f'preserveAspectRatio="none">{rules}{inside}</svg>{names}{years}</svg>'
    )


def drawn(lane: Lane, row: int, across: Scale, first: date, last: date) -> str:
    """One lane's marks: dots in one path, bars in another. Equal ones are drawn once."""
    y = HEAD + TALL * row + TALL / 2
    shown = [mark for mark in lane.marks if first <= mark.start <= last or (mark.until and mark.until >= first)]
    dots = {across(seconds(mark.start)) for mark in shown if mark.until is None}
    bars = {
        (across(seconds(max(mark.start, first))), across(seconds(min(mark.until, last))))
        for mark in shown
        if mark.until
    }
    ticks = "".join(f"M{x:g} {y:g}h0" for x in sorted(dots))
    spans = "".join(f"M{x:g} {y:g}H{max(end, x + 1):g}" for x, end in sorted(bars))
    return "".join(
        f'<path class="{kind} {lane.tone}" d="{path}"/>' for kind, path in (("spans", spans), ("dots", ticks)) if path
    )
