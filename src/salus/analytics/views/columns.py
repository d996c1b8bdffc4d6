"""The types of columns: FHIR to Arrow, as declared, as found out, or as a tag `ansi/type` asks.

https://sql-on-fhir.org/ig/latest/StructureDefinition-ViewDefinition.html#type-hinting-with-tags  Dates are texts, as
precise as they were written, unless a tag makes them DATE or TIMESTAMP: then a partial date counts as its first day.
"""

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import orjson
import pyarrow as pa

from salus.analytics.views.rows import Row, Told
from salus.base.errors import Invalid
from salus.fhir import dates

ANSI = "ansi/type"
KINDS: dict[str, pa.DataType] = {
    "boolean": pa.bool_(),
    **dict.fromkeys(("integer", "positiveint", "unsignedint", "integer64"), pa.int64()),
    "decimal": pa.float64(),
}
TAGGED: dict[str, pa.DataType] = {
    **dict.fromkeys(("BOOLEAN", "BOOL"), pa.bool_()),
    **dict.fromkeys(("SMALLINT", "INTEGER", "INT", "BIGINT"), pa.int64()),
    **dict.fromkeys(("DECIMAL", "DEC", "NUMERIC", "FLOAT", "REAL", "DOUBLE PRECISION"), pa.float64()),
    "DATE": pa.date32(),
    "TIMESTAMP": pa.timestamp("us", "UTC"),
    "TIMESTAMP WITH TIME ZONE": pa.timestamp("us", "UTC"),
}


def arrow_type(told: Told) -> pa.DataType:
    """
    >>> TAGGED["DATE"]
    DataType(date32[day])
    """
    asked = told.column.tags.get(ANSI, "").upper().partition("(")[0].strip()
    single = TAGGED.get(asked) or KINDS.get((told.kind or "").lower(), pa.string())
    return pa.list_(single) if told.column.collection else single


def schema(columns: Sequence[Told]) -> pa.Schema:
    return pa.schema([(told.column.name, arrow_type(told)) for told in columns])


def table(columns: Sequence[Told], schema: pa.Schema, rows: list[Row]) -> pa.Table:
    """Raises Invalid for a value that does not fit, naming the column."""
    turned = list(zip(*rows, strict=True)) if rows else [()] * len(columns)
    return pa.table([array(field, list(found)) for field, found in zip(schema, turned, strict=True)], schema=schema)


def array(field: pa.Field, found: list[Any]) -> pa.Array:
    """One column; every value made what the column's type is."""
    is_list = pa.types.is_list(field.type)
    turn = FITTED[field.type.value_type if is_list else field.type]
    try:
        fitted = [[turn(one) for one in value] if is_list else turn(value) for value in found]
        return pa.array(fitted, field.type)
    except (pa.ArrowInvalid, pa.ArrowTypeError, TypeError, ValueError, OverflowError) as fault:
        raise Invalid(
            f"The column {field.name} has a value that is no {field.type}: declare another type ({str(fault)[:100]})",
            path=field.name,
        ) from None


def as_text(value: Any) -> str | None:
    """
    >>> as_text(7.1), as_text(True), as_text({"a": 1})
    ('7.1', 'true', '{"a":1}')
    """
    return value if value is None or isinstance(value, str) else orjson.dumps(value).decode()


def as_moment(value: Any) -> datetime | None:
    """The first moment that a date covers, UTC."""
    return None if value is None else dates.EPOCH + timedelta(microseconds=dates.span(value)[0])


def as_day(value: Any) -> date | None:
    """The day as it was written, the first of a partial date.

    >>> as_day("2024-02"), as_day("2026-03-01T23:30:00-08:00")
    (datetime.date(2024, 2, 1), datetime.date(2026, 3, 1))
    """
    if value is None:
        return None
    dates.span(value)  # raises ValueError for what is no date
    parts = [int(part) for part in value.partition("T")[0].split("-")]
    return date(*[*parts, 1, 1][:3])


def as_whole(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if value is not None and type(value) is not int:
        raise TypeError(f"{value!r:.40} is not whole")
    return value


def as_number(value: Any) -> Any:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise TypeError(f"{value!r:.40} is no number")
    return None if value is None else float(value)


FITTED: dict[pa.DataType, Callable[[Any], Any]] = {
    pa.string(): as_text,
    pa.int64(): as_whole,
    pa.float64(): as_number,
    pa.bool_(): lambda value: value,
    pa.date32(): as_day,
    pa.timestamp("us", "UTC"): as_moment,
}
