"""The map and the stability of subtypes as SVG text; each subtype has a color and a shape of its own."""

from html import escape

from salus.base.words import words_of
from salus.learning.step5_evaluate.pictures import GRID, INK, THIRD, drawing, text
from salus.learning.subtypes.finding import Found
from salus.learning.subtypes.stability import DOUBTFUL, STABLE, Candidate

SIDE, EDGE = 520, 16
COLORS = ("#0b5cad", "#b4530a", "#2e7d32", "#8e24aa", "#00838f", "#a3201a", "#5d4037", "#455a64")
SHAPES = (
    "M-3,0a3,3 0 1,0 6,0a3,3 0 1,0 -6,0",
    "M-3,-3h6v6h-6z",
    "M0,-4L4,3H-4z",
    "M0,-4L4,0L0,4L-4,0z",
    "M-1,-4h2v3h3v2h-3v3h-2v-3h-3v-2h3z",
    "M0,4L4,-3H-4z",
    "M-4,-1.5h8v3h-8z",
    "M-1.5,-4h3v8h-3z",
)
WIDE, BAR, LEFT = 460, 22, 130
say = words_of("salus.learning.subtypes")


def dots(found: Found, title: str, language: str) -> str:
    """People on the plane; people of a subtype that must not be told of are not drawn."""
    at = found.plane.at
    low, span = at.min(axis=0), max(float((at.max(axis=0) - at.min(axis=0)).max()), 1e-9)
    places = EDGE + (SIDE - 2 * EDGE) * (at - low) / span
    groups = found.answers.groups[found.plane.rows].tolist() if found.answers else [-2] * len(at)
    told = {profile.number - 1 for profile in found.profiles if profile.people is not None} | {-2}
    drawn = [(x, y, g) for (x, y), g in zip(places.tolist(), groups, strict=True) if g in told]
    pieces = [f'<rect x="0" y="0" width="{SIDE}" height="{SIDE}" fill="none" stroke="{GRID}"/>']
    pieces += [mark(x, SIDE - y, g) for x, y, g in drawn]
    pieces += legend([group for group in sorted(told) if group >= 0], language)
    return drawing(title, SIDE + 110, SIDE, pieces)


def mark(x: float, y: float, group: int) -> str:
    color = COLORS[group % len(COLORS)] if group >= 0 else THIRD
    shape = SHAPES[max(group, 0) % len(SHAPES)]
    return f'<path d="{shape}" transform="translate({x:.1f} {y:.1f})" fill="{color}" fill-opacity="0.75"/>'


def legend(groups: list[int], language: str) -> list[str]:
    made = []
    for line, group in enumerate(groups):
        y = 24 + 22 * line
        made.append(mark(SIDE + 14, y, group))
        made.append(text(SIDE + 26, y + 4, say("subtypes.subtype", language, number=group + 1)))
    return made


def bars(one: Candidate, told: set[int], language: str) -> str:
    """The Jaccard likeness of each subtype, with the marks of what is stable and what is not to be trusted."""
    scale, pieces = WIDE - LEFT - 50, list[str]()
    rows = [(group, float(value)) for group, value in enumerate(one.jaccard) if group in told]
    height = BAR * len(rows) + 30
    for line, (group, value) in enumerate(rows):
        y = 6 + BAR * line
        pieces.append(text(LEFT - 8, y + 12, say("subtypes.subtype", language, number=group + 1), "end"))
        color = COLORS[group % len(COLORS)]
        pieces.append(f'<rect x="{LEFT}" y="{y}" width="{scale * value:.1f}" height="15" fill="{color}"/>')
        pieces.append(text(LEFT + scale * value + 5, y + 12, f"{value:.2f}"))
    for bound in (DOUBTFUL, STABLE):
        x = LEFT + scale * bound
        pieces.append(
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{height - 20}" stroke="{INK}" stroke-dasharray="3 3"/>'
        )
        pieces.append(text(x, height - 6, f"{bound:.2f}", "middle"))
    return drawing(escape(say("subtypes.stability", language)), WIDE, height, pieces)
