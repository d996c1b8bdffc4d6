"""Charts drawn as SVG on the server: sharp at any width, no script, no inline style. Each stands beside a table.

Width is given in per cent and height in pixels: the plot stretches (its lines do not thicken), the letters never do.
"""

from salus.ui.charts.bars import amount, contribution, likelihood
from salus.ui.charts.calibration import Bin, calibration
from salus.ui.charts.lanes import Lane, Mark, lanes
from salus.ui.charts.line import Band, Point, line, spark
from salus.ui.charts.people import hundred
from salus.ui.charts.shares import shares

__all__ = [
    "Band",
    "Bin",
    "Lane",
    "Mark",
    "Point",
    "amount",
    "calibration",
    "contribution",
    "hundred",
    "lanes",
    "likelihood",
    "line",
    "shares",
    "spark",
]
