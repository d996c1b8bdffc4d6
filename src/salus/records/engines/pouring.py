"""Rows as the text that PostgreSQL's COPY takes.

https://www.postgresql.org/docs/current/sql-copy.html#SQL-COPY-FILE-FORMATS
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from salus.records.ids import text_bytes

ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})


def plain(column: Iterable[Any]) -> list[str]:
    return [r"\N" if one is None else str(one) for one in column]


def texts(column: Iterable[str | None]) -> list[str]:
    r"""
    >>> texts(["a\tb\\N", None])
    ['a\\tb\\\\N', '\\N']
    """
    return [r"\N" if one is None else one.translate(ESCAPES) for one in column]


def blobs(column: Iterable[bytes | str | None]) -> list[str]:
    r"""Bytes; of an id that is a text those that stand for it.

    >>> blobs([b"\x01", "p1", None])
    ['\\\\x01', '\\\\x7031', '\\N']
    """
    return [r"\N" if one is None else "\\\\x" + in_bytes(one).hex() for one in column]


def in_bytes(one: bytes | str) -> bytes:
    return text_bytes(one) if isinstance(one, str) else one


WAYS: dict[str, Callable[[Sequence[Any]], list[str]]] = {"text": texts, "bytea": blobs}


def poured(types: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    r"""
    >>> poured(["bigint", "text"], [(1, "a"), (2, None)])
    '1\ta\n2\t\\N\n'
    """
    columns = [WAYS.get(type, plain)(column) for type, column in zip(types, zip(*rows, strict=True), strict=True)]
    return "\n".join(map("\t".join, zip(*columns, strict=True))) + "\n"
