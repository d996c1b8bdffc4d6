"""Bars: how likely, with its interval; and a reason's weight for or against."""

from markupsafe import Markup

from salus.ui.charts.scale import Scale


def likelihood(share: float, low: float, high: float) -> Markup:
    """A share of one as a bar, its interval as a line across the end. The words beside it say the same."""
    start, end, at = (f"{100 * min(max(x, 0), 1):.1f}%" for x in (low, high, share))
    width = f"{100 * max(min(high, 1) - max(low, 0), 0.005):.1f}%"
    return Markup(
        '<svg class="chart likelihood" aria-hidden="true" width="100%" height="16">'
        '<rect class="rail" width="100%" y="3" height="10" rx="5"/>'
        f'<rect class="fill" width="{at}" y="3" height="10" rx="5"/>'
        f'<rect class="reach" x="{start}" y="7" width="{width}" height="2"/>'
        f'<rect class="reach" x="{start}" y="3" width="2" height="10"/>'
        f'<svg x="{end}" overflow="visible"><rect class="reach" x="-2" y="3" width="2" height="10"/></svg></svg>'
    )


def amount(share: float) -> Markup:
    """How much of the most, a share of one. The number stands beside it."""
    return Markup(
        '<svg class="chart likelihood" aria-hidden="true" width="100%" height="16">'
        '<rect class="rail" width="100%" y="3" height="10" rx="5"/>'
        f'<rect class="fill" width="{100 * min(max(share, 0), 1):.1f}%" y="3" height="10" rx="5"/></svg>'
    )


def contribution(weight: float, least: float, most: float) -> Markup:
    """One reason's bar, right of the zero line when it speaks for, left when against.

    `least` and `most` are the lowest and highest weight of all the reasons in the same picture (zero counts too).
    """
    across = Scale(min(least, 0), max(most, 0), 1, 99)
    zero, tip = across(0), across(weight)
    side = "for" if weight >= 0 else "against"
    start, wide = f"{min(zero, tip):.1f}%", f"{max(abs(tip - zero), 0.6):.1f}%"
    return Markup(
        '<svg class="chart contribution" aria-hidden="true" width="100%" height="18">'
        f'<rect class="{side}" x="{start}" width="{wide}" y="3" height="12" rx="2"/>'
        f'<rect class="zero" x="{zero:.1f}%" width="1" height="18"/></svg>'
    )
