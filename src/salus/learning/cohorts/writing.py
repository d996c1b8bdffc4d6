"""A cohort as a table: the label columns of MEDS, and what was seen in each window.

https://github.com/Medical-Event-Data-Standard/meds (label schema): subject_id, prediction_time, boolean_value.
"""

import numpy as np
import pyarrow as pa

from salus.learning.cohorts.extract import Cohort
from salus.learning.cohorts.timeline import Whole

MOMENT = pa.timestamp("us")


def table_of(cohort: Cohort) -> pa.Table:
    """subject_id, prediction_time, boolean_value (null where the task has none); trigger; of each window WINDOW.start,
    WINDOW.end and WINDOW.PREDICATE, how often it was seen. Times in UTC."""
    label = cohort.label
    columns: dict[str, pa.Array] = {
        "subject_id": cohort.subject_ids,
        "prediction_time": moments(cohort.prediction_us, len(cohort)),
        "boolean_value": pa.nulls(len(cohort), pa.bool_()) if label is None else pa.array(label > 0),
        "trigger": moments(cohort.trigger_us, len(cohort)),
    }
    for name, span in cohort.windows.items():
        columns[f"{name}.start"] = moments(span.start_us, len(cohort))
        columns[f"{name}.end"] = moments(span.end_us, len(cohort))
        columns |= {f"{name}.{one}": pa.array(seen.astype(np.int64)) for one, seen in span.counts.items()}
    return pa.table(columns)


def moments(numbers: Whole | None, count: int) -> pa.Array:
    """Microseconds as moments; none told: null."""
    return pa.nulls(count, MOMENT) if numbers is None else pa.array(numbers, pa.int64()).cast(MOMENT)
