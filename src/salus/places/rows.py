"""A row of a site's file that is none: told with its name, the place in it and the value that stands there."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from salus.base.errors import Issue

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
CALLED = ("id", "code", "group")  # what a row may be known by
AT = re.compile(r"(?P<wanted>.*?)(?: - at `\$\.?(?P<at>.*)`)?", re.DOTALL)
PIECE = re.compile(r"(\w+)|\[(\d+)\]")


def beside_faults(told: Mapping[str, Any]) -> Iterator[Issue]:
    """Whether a file that lies beside others says under which name."""
    name = told.get("beside", "usual")
    if not (isinstance(name, str) and NAME.fullmatch(name)):
        yield Issue("invalid", "beside", f"{name!r} must be small letters, digits and -: it names a file")


def row_fault(place: str, row: Any, text: str) -> Issue:
    """Said with the row's own name, and the value that is wrong.

    >>> row_fault("rule[0]", {"id": "x", "bands": [{"share": 7}]}, "Expected `int` >= 8 - at `$.bands[0].share`").text
    'The row x says 7 at bands[0].share: Expected `int` >= 8'
    >>> row_fault("rule[1]", {}, "Object missing required field `id`").text
    'The row rule[1] does not fit: Object missing required field `id`'
    """
    found = AT.fullmatch(text)
    wanted, at = (found["wanted"], found["at"] or "") if found else (text, "")
    called = next((str(row[key]) for key in CALLED if key in row), place) if isinstance(row, dict) else place
    value = value_at(row, at)
    path = f"{place}.{at}" if at else place
    if at and not isinstance(value, dict | list):
        return Issue("invalid", path, f"The row {called} says {value!r} at {at}: {wanted}")
    return Issue("invalid", path, f"The row {called} does not fit: {wanted}")


def value_at(row: Any, at: str) -> Any:
    """
    >>> value_at({"bands": [{"share": 7}]}, "bands[0].share"), value_at({}, "bands[0]")
    (7, None)
    """
    for name, number in PIECE.findall(at):
        try:
            row = row[name] if name else row[int(number)]
        except (KeyError, IndexError, TypeError):
            return None
    return row
