"""Values over time as a line, with the reference range as a band and what lies outside it as marked points."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from markupsafe import Markup, escape

from salus.ui.charts.scale import Scale, extent, seconds, ticks, year_starts
from salus.ui.formats import number

WIDE = 1000  # units across a plot, whatever its width in pixels
MOST = 160  # more points than this are thinned: a narrow picture cannot show them


@dataclass(frozen=True, slots=True)
class Point:
    at: date | datetime
    value: float


@dataclass(frozen=True, slots=True)
class Band:
    """The reference range; None is open on that side."""

    low: float | None = None
    high: float | None = None

    def holds(self, value: float) -> bool:
        """
        >>> Band(3.5, 5.1).holds(5.1), Band(None, 5).holds(6), Band().holds(1)
        (True, False, True)
        """
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)

    @property
    def edges(self) -> list[float]:
        return [edge for edge in (self.low, self.high) if edge is not None]


def spark(points: Sequence[Point], band: Band, name: str, height: int = 68) -> Markup:
    """A small line with the edges of the band written at the right. Empty for no points."""
    if not points:
        return Markup("")
    shown = thinned(points)
    up = Scale(*extent([point.value for point in shown] + band.edges), height - 4, 4)
    labels = "".join(
        f'<text x="100%" dx="8" y="{y + 4:.0f}">{escape(number(edge))}</text>' for edge, y in apart(band, up, height)
    )
    return picture(name, height, "spark", plot(shown, band, up, height) + labels)


def line(points: Sequence[Point], band: Band, name: str, height: int = 240) -> Markup:
    """A large line with values at the right, years below, and the band. Empty for no points."""
    if not points:
        return Markup("")
    low, high = extent([point.value for point in points] + band.edges)
    up = Scale(low, high, height - 26, 6)
    sides = "".join(
        f'<text x="100%" dx="8" y="{up(tick) + 4:.0f}">{escape(number(tick))}</text>' for tick in ticks(low, high)
    )
    rules = "".join(f'<path class="rule" d="M0 {up(tick)}H{WIDE}"/>' for tick in ticks(low, high))
    return picture(name, height, "line", plot(points, band, up, height - 20, rules) + sides + years(points, height))


def picture(name: str, height: int, kind: str, inside: str) -> Markup:
    """The outer SVG, named for those who cannot see it."""
    opening = f'<svg class="chart {kind}" role="img" aria-label="{escape(name)}" width="100%" height="{height}">'
    return Markup(opening + inside + "</svg>")


def plot(points: Sequence[Point], band: Band, up: Scale, height: int, under: str = "") -> str:
    """The stretching part: band, line, the points outside the band and the latest one."""
    across = across_of(points)
    places = [(across(seconds(point.at)), up(point.value)) for point in points]
    path = "M" + "L".join(f"{x:g} {y:g}" for x, y in places)
    outside = "".join(
        f"M{x:g} {y:g}h0" for (x, y), point in zip(places, points, strict=True) if not band.holds(point.value)
    )
    last = "M{:g} {:g}h0".format(*places[-1])
    tone = "" if band.holds(points[-1].value) else " out"
    return (
        f'<svg class="plot" width="100%" height="{height}" viewBox="0 0 {WIDE} {height}" preserveAspectRatio="none">'
        f"{shaded(band, up, height)}{under}"
        f'<path class="trace" d="{path}"/>'
        + (f'<path class="dots out" d="{outside}"/>' if outside else "")
        + f'<path class="dots last{tone}" d="{last}"/></svg>'
    )


def shaded(band: Band, up: Scale, height: int) -> str:
    """The band itself; an open side runs to the edge."""
    if not band.edges:
        return ""
    top = up(band.high) if band.high is not None else 0
    bottom = up(band.low) if band.low is not None else height
    return f'<rect class="band" width="{WIDE}" y="{top:g}" height="{max(bottom - top, 1):g}"/>'


def apart(band: Band, up: Scale, height: int) -> list[tuple[float, float]]:
    """The band's edges with the height of their letters, moved so that two never touch and none is cut."""
    placed = [(edge, min(max(up(edge), 6), height - 7)) for edge in reversed(band.edges)]
    if len(placed) == 2 and placed[1][1] - placed[0][1] < 13:
        (high, y), (low, _) = placed
        top = min(max(y - 4, 6), height - 20)
        return [(high, top), (low, top + 13)]
    return placed


def across_of(points: Sequence[Point]) -> Scale:
    """Time from left to right, with room for the half of a point."""
    return Scale(seconds(points[0].at), seconds(points[-1].at), 8, WIDE - 8)


def years(points: Sequence[Point], height: int) -> str:
    """The years below a large line; for a span within one year, its first and its last day."""
    low, high = seconds(points[0].at), seconds(points[-1].at)
    marks = year_starts(low, high)
    if len(marks) < 2:
        first, last = (point.at.isoformat()[:10] for point in (points[0], points[-1]))
        said = f'<text x="0" y="{height - 4}">{first}</text>'
        said += f'<text x="100%" y="{height - 4}" text-anchor="end">{last}</text>' if last != first else ""
    else:
        across = Scale(low, high, 0.8, 99.2)
        said = "".join(
            f'<text x="{across(at)}%" y="{height - 4}" text-anchor="middle">{year}</text>' for at, year in marks
        )
    return said


def thinned(points: Sequence[Point]) -> Sequence[Point]:
    """At most `MOST` points: of each run of neighbours the lowest and the highest, so that no peak is lost."""
    if len(points) <= MOST:
        return points
    run = -(-len(points) // (MOST // 2 - 1))
    kept: dict[int, Point] = {}
    for start in range(0, len(points), run):
        part = range(start, min(start + run, len(points)))
        for at in (min(part, key=lambda i: points[i].value), max(part, key=lambda i: points[i].value)):
            kept[at] = points[at]
    kept[len(points) - 1] = points[-1]
    return [kept[at] for at in sorted(kept)]
