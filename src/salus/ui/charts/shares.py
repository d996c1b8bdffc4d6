"""Who has how much of a whole: one bar in parts. The words and amounts stand in a table beside it."""

from collections.abc import Sequence
from typing import Protocol

from markupsafe import Markup

GAP = 0.4  # per cent of the bar


class Part(Protocol):
    """`kind`: a class of the style sheet, a plain word; `amount`: 0 or more."""

    @property
    def kind(self) -> str: ...

    @property
    def amount(self) -> int: ...


def shares(parts: Sequence[Part]) -> Markup:
    """Nothing is drawn for who has nothing."""
    whole = sum(part.amount for part in parts)
    at, drawn = 0.0, []
    for part in parts:
        width = 100 * part.amount / whole if whole else 0.0
        if width:
            size = f'x="{at:.2f}%" width="{max(width - GAP, GAP):.2f}%"'
            drawn.append(f'<rect class="{part.kind}" {size} height="22" rx="3"/>')
        at += width
    bars = Markup("".join(drawn))
    return Markup('<svg class="chart shares" aria-hidden="true" width="100%" height="22">{}</svg>').format(bars)
