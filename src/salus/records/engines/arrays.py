"""Columns of many rows as PostgreSQL's arrays, in the form that is quickest to make here and to read there.

https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any


def plain(column: Iterable[Any]) -> str:
    """Numbers and truth values.

    >>> plain([1, None, 2.5])
    '{1,NULL,2.5}'
    """
    return "{" + ",".join(["NULL" if one is None else str(one) for one in column]) + "}"


def texts(column: Iterable[str | None]) -> str:
    r"""
    >>> texts(['a"b', None])
    '{"a\\"b",NULL}'
    """
    return "{" + ",".join(map(quoted, column)) + "}"


def quoted(text: str | None) -> str:
    if text is None:
        return "NULL"
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def listed(column: Sequence[Any]) -> list[Any]:
    """As it is: the driver writes an array of it."""
    return list(column)


WAYS: dict[str, Callable[[Sequence[Any]], object]] = {
    "bigint": plain,
    "integer": plain,
    "boolean": plain,
    "double precision": plain,
    "text": texts,
    "bytea": listed,
}
