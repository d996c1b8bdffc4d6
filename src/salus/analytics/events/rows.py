"""The shape of an event and of a table of them. https://github.com/Medical-Event-Data-Standard/meds"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import NamedTuple

import pyarrow as pa

MOMENT = pa.timestamp("us", tz="UTC")
EVENT_SCHEMA = pa.schema(
    [
        pa.field("subject_id", pa.string(), nullable=False),
        pa.field("time", MOMENT),
        pa.field("code", pa.string(), nullable=False),
        pa.field("numeric_value", pa.float64()),
        pa.field("text_value", pa.string()),
        pa.field("unit", pa.string()),
        pa.field("encounter_id", pa.string()),
        pa.field("source_id", pa.string(), nullable=False),
        pa.field("recorded_time", MOMENT),
    ]
)
ALWAYS = datetime.min.replace(tzinfo=UTC)


class Event(NamedTuple):
    """One thing that happened. `time` is None for what does not change (SEX); `source_id` is the resource it came from.

    `recorded_time` is when the ward could know it: a prediction made at T may use it only if recorded_time <= T.
    """

    subject_id: str
    time: datetime | None
    code: str
    numeric_value: float | None
    text_value: str | None
    unit: str | None
    encounter_id: str | None
    source_id: str
    recorded_time: datetime | None


def in_order(events: Iterable[Event]) -> list[Event]:
    """By time (unchanging ones first), then by source; those of one resource stay as they stand in it."""
    return sorted(events, key=lambda event: (event.time or ALWAYS, event.source_id))


def table_of(events: Iterable[Event]) -> pa.Table:
    """The events as one Arrow table of `EVENT_SCHEMA`, in the order given."""
    columns = list(zip(*events, strict=True)) or [()] * len(EVENT_SCHEMA)
    return pa.table(
        [pa.array(column, type=field.type) for column, field in zip(columns, EVENT_SCHEMA, strict=True)],
        schema=EVENT_SCHEMA,
    )
