"""What an ACES task file says, in the shape it is written in.

https://eventstreamaces.readthedocs.io/en/latest/configuration.html
"""

from typing import Literal

import msgspec

ANY_EVENT = "_ANY_EVENT"  # 1 at every moment of a subject at which anything happened
RECORD_START = "_RECORD_START"  # 1 at the first such moment
RECORD_END = "_RECORD_END"  # 1 at the last
SPECIAL = (ANY_EVENT, RECORD_START, RECORD_END)
Side = Literal["start", "end"]
Scalar = str | int | float | bool


class Told(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """A part of the file: an unknown key is a mistake, never ignored."""


class Codes(Told):
    """Codes in another way than one by one: by a pattern (RE2, found anywhere in the code), or any of a list."""

    regex: str | None = None
    any: list[str] | None = None


class Predicate(Told):
    """What is counted: events of a code, perhaps within values; or moments at which others hold (`expr`).

    Without `..._inclusive` a bound is exclusive. `other_cols`: column -> the value it must have.
    """

    code: str | Codes | None = None
    value_min: float | None = None
    value_max: float | None = None
    value_min_inclusive: bool | None = None
    value_max_inclusive: bool | None = None
    other_cols: dict[str, Scalar] = msgspec.field(default_factory=dict)
    expr: str | None = None
    static: bool = False


class Window(Told):
    """A stretch of a record from `start` to `end`, and how often predicates must be seen in it."""

    start_inclusive: bool
    end_inclusive: bool
    start: str | None = None
    end: str | None = None
    has: dict[str, str] = msgspec.field(default_factory=dict)
    label: str | None = None
    index_timestamp: Side | None = None


class Definition(Told):
    """A whole file."""

    trigger: str
    predicates: dict[str, Predicate] = msgspec.field(default_factory=dict)
    patient_demographics: dict[str, Predicate] = msgspec.field(default_factory=dict)
    windows: dict[str, Window] = msgspec.field(default_factory=dict)
