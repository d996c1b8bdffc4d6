"""Calibration: what was predicted against what came true, in groups of cases."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from salus.ui.charts.scale import Scale

SIDE, LEFT, FOOT = 300, 40, 34


@dataclass(frozen=True, slots=True)
class Bin:
    """One group: mean predicted probability, share that came true (both 0 to 1), number of cases."""

    predicted: float
    observed: float
    cases: int


def radius(share: float) -> float:
    """Pixels, so that the area over the smallest point grows with the number of cases."""
    return 3 + 5 * float(share**0.5)


def calibration(bins: Sequence[Bin], name: str, across: str, up: str) -> Markup:
    """Points of the size of their group, the dashed line where the two agree. `across`, `up` name the axes."""
    right, above = Scale(0, 1, LEFT, SIDE - 10), Scale(0, 1, SIDE - FOOT, 10)
    grid = "".join(
        f'<path class="rule" d="M{right(0)} {above(share)}H{right(1)}"/>'
        f'<text x="{LEFT - 6}" y="{above(share) + 4}" text-anchor="end">{share * 100:.0f}%</text>'
        f'<text x="{right(share)}" y="{SIDE - FOOT + 15}" text-anchor="middle">{share * 100:.0f}%</text>'
        for share in (0, 0.25, 0.5, 0.75, 1)
    )
    most = max((group.cases for group in bins), default=1) or 1
    dots = "".join(
        f'<circle cx="{right(group.predicted)}" cy="{above(group.observed)}" r="{radius(group.cases / most):.1f}"/>'
        for group in bins
    )
    path = "L".join(f"{right(group.predicted)} {above(group.observed)}" for group in bins)
    return Markup(
        f'<svg class="chart calibration" role="img" aria-label="{escape(name)}" viewBox="0 0 {SIDE} {SIDE}">{grid}'
        f'<path class="agree" d="M{right(0)} {above(0)}L{right(1)} {above(1)}"/>'
        + (f'<path class="trace" d="M{path}"/>' if path else "")
        + f'{dots}<text x="{right(0.5)}" y="{SIDE - 3}" text-anchor="middle">{escape(across)}</text>'
        f'<text x="{LEFT + 6}" y="20">{escape(up)}</text></svg>'
    )
