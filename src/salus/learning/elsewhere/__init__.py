"""A deployed model on data from elsewhere: the whole battery, as evidence; recalibration, as a new version.

Knows no store: a folder of events, or a table. Nothing is fitted on the other data unless a recalibration is asked for.
"""

from salus.learning.elsewhere.judge import Elsewhere, evaluate_elsewhere
from salus.learning.elsewhere.pages import write_pages
from salus.learning.elsewhere.recalibrate import recalibrate

__all__ = ["Elsewhere", "evaluate_elsewhere", "recalibrate", "write_pages"]
