"""Pictures as SVG text: no script, no style sheet, black on white in print. A table beside each says the same."""

from collections.abc import Sequence
from html import escape

WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 430, 300, 66, 14, 14, 44
INK, GRID, FIRST, SECOND, THIRD = "#1f2933", "#d5dbe1", "#0b5cad", "#b4530a", "#5b6670"
Line = Sequence[tuple[float, float]]


class Plot:
    """A square of axes from (x0, y0) to (x1, y1), drawn piece by piece."""

    def __init__(self, title: str, x: str, y: str, x1: float, y0: float, y1: float) -> None:
        self.title, self.x, self.y, self.x1, self.y0, self.y1 = title, x, y, x1, y0, y1
        self.pieces: list[str] = []

    def across(self, value: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * value / self.x1

    def up(self, value: float) -> float:
        clipped = min(max(value, self.y0), self.y1)
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (clipped - self.y0) / (self.y1 - self.y0)

    def line(self, points: Line, color: str, dash: str = "") -> None:
        path = " ".join(f"{self.across(x):.1f},{self.up(y):.1f}" for x, y in points)
        dashed = f' stroke-dasharray="{dash}"' if dash else ""
        self.pieces.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"{dashed}/>')

    def dots(self, points: Line, color: str) -> None:
        self.pieces += [
            f'<circle cx="{self.across(x):.1f}" cy="{self.up(y):.1f}" r="4" fill="{color}"/>' for x, y in points
        ]

    def axes(self) -> list[str]:
        """Five grid lines each way with their numbers, and the names of the axes."""
        made = []
        for i in range(5):
            x, y = self.x1 * i / 4, self.y0 + (self.y1 - self.y0) * i / 4
            made.append(
                f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{self.up(y):.1f}" y2="{self.up(y):.1f}" stroke="{GRID}"/>'
                + text(LEFT - 6, self.up(y) + 4, f"{y:.3g}", "end")
                + text(self.across(x), HEIGHT - BOTTOM + 16, f"{x:.3g}", "middle")
            )
        middle = (HEIGHT - BOTTOM + TOP) / 2
        turned = f'transform="rotate(-90 12 {middle})"'
        return [
            *made,
            text((LEFT + WIDTH) / 2, HEIGHT - 8, self.x, "middle"),
            text(12, middle, self.y, "middle", turned),
        ]

    def svg(self) -> str:
        return drawing(self.title, WIDTH, HEIGHT, [*self.axes(), *self.pieces])


def text(x: float, y: float, words: str, anchor: str = "start", more: str = "") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="11" fill="{INK}" '
        f'font-family="sans-serif" {more}>{escape(words)}</text>'
    )


def drawing(title: str, width: int, height: int, pieces: Sequence[str]) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {width} {height}" width="{width}" '
    name = escape(title, quote=True)
    return f'{head}height="{height}" aria-label="{name}"><title>{name}</title>{"".join(pieces)}</svg>'


def calibration(bins: Line, title: str, x: str, y: str) -> str:
    """Foretold against observed; on the dashed line they agree."""
    top = max([0.05, *(max(pair) for pair in bins)]) * 1.1
    plot = Plot(title, x, y, min(1.0, top), 0.0, min(1.0, top))
    plot.line([(0, 0), (plot.x1, plot.x1)], THIRD, "4 4")
    plot.line(bins, FIRST)
    plot.dots(bins, FIRST)
    return plot.svg()


def roc(points: Line, title: str, x: str, y: str) -> str:
    plot = Plot(title, x, y, 1.0, 0.0, 1.0)
    plot.line([(0, 0), (1, 1)], THIRD, "4 4")
    plot.line(points, FIRST)
    return plot.svg()


def lasting(groups: Sequence[tuple[Line, Line]], title: str, x: str, y: str) -> str:
    """Shares that stay free, as seen (full) and as foretold (dashed), one pair of lines a group."""
    end = max(t for seen, _ in groups for t, _ in seen)
    low = min(value for pair in groups for line in pair for _, value in line)
    plot = Plot(title, x, y, end, max(0.0, low - 0.05), 1.0)
    for (seen, foretold), color in zip(groups, (FIRST, THIRD, SECOND), strict=False):
        plot.line(seen, color)
        plot.line(foretold, color, "5 4")
    return plot.svg()


def decision(lines: Sequence[Line], title: str, x: str, y: str) -> str:
    """Net benefit of the model (full), the points score (long dashes), all (short dashes); none is the zero line."""
    best = max([0.001, *(value for line in lines for _, value in line)])
    plot = Plot(title, x, y, max(t for t, _ in lines[0]), -best / 4, best * 1.05)
    plot.line([(0, 0), (plot.x1, 0)], THIRD)
    for line, color, dash in zip(lines, (FIRST, SECOND, THIRD), ("", "9 4", "3 3"), strict=False):
        plot.line(line, color, dash)
    return plot.svg()


def bars(rows: Sequence[tuple[str, float]], title: str) -> str:
    """Names with bars, the longest first."""
    height, most = 24 * len(rows) + 10, max([1e-12, *(value for _, value in rows)])
    made = []
    for i, (name, value) in enumerate(rows):
        y = 24 * i + 6
        made.append(text(226, y + 12, name if len(name) < 38 else name[:36] + "…", "end"))
        made.append(f'<rect x="232" y="{y}" width="{160 * value / most:.1f}" height="16" fill="{FIRST}"/>')
        made.append(text(236 + 160 * value / most, y + 12, f"{value:.3g}"))
    return drawing(title, 450, height, made)


def ranges(rows: Sequence[tuple[str, float, float, float]], title: str) -> str:
    """Names with a dot and its interval, on one scale."""
    low, high = min([0.5, *(r[2] for r in rows)]), max([1.0, *(r[3] for r in rows)])

    def across(value: float) -> float:
        return 150 + 250 * (value - low) / (high - low)

    made, height = [], 24 * len(rows) + 30
    for i, (name, value, start, end) in enumerate(rows):
        y = 24 * i + 16
        made.append(text(140, y + 4, name, "end"))
        made.append(
            f'<line x1="{across(start):.1f}" x2="{across(end):.1f}" y1="{y}" y2="{y}" stroke="{FIRST}" '
            f'stroke-width="2"/><circle cx="{across(value):.1f}" cy="{y}" r="4" fill="{FIRST}"/>'
        )
    made += [text(across(v), height - 4, f"{v:.2f}", "middle") for v in (low, (low + high) / 2, high)]
    return drawing(title, 430, height, made)
