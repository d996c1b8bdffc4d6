"""Collect: the table, or the events of the codes that matter, as they were found."""

from salus.learning.run import Progress, Run, silent
from salus.learning.step1_collect.events import collect_events
from salus.learning.step1_collect.table import collect_table


def collect(run: Run, progress: Progress = silent) -> None:
    """Bring the data of the plan into the run folder."""
    progress("step1", 0.0)
    (collect_table if run.plan.source == "table" else collect_events)(run)
