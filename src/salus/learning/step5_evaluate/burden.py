"""The work that a threshold makes: alerts among 100 asked and a day, and how many must be looked at to find one.

Number needed to evaluate: Romero-Brufau et al. 2015, https://doi.org/10.1186/s13054-015-0999-1
"""

import numpy as np

from salus.learning.moments import DAY_US
from salus.learning.run import Run
from salus.learning.step5_evaluate.bootstrap import Figure


def asked_a_day(run: Run) -> float | None:
    """How often the question is put on a day of the data; None for a table, and for fixed dates.

    Between the tenth and the ninetieth hundredth of the moments, so that thin ends do not count.
    """
    if run.plan.source == "table" or run.plan.task.when.dates:
        return None
    at = run.rows()["at_us"].to_numpy()
    low, high = np.quantile(at, [0.1, 0.9])
    return float(0.8 * len(at) / ((high - low) / DAY_US)) if high > low else None


def needed(precision: Figure) -> Figure:
    """How many must be looked at to find one, with its interval.

    >>> needed(Figure(value=0.25, low=0.2, high=0.5))
    Figure(value=4.0, low=2.0, high=5.0)
    """
    value, low, high = (1 / one if one else None for one in (precision.value, precision.high, precision.low))
    return Figure(value=value, low=low, high=high)
