"""Which group of the insured somebody belongs to: the rules are by group, a card only names the insurance."""

import tomllib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct


class Group(Struct, frozen=True, forbid_unknown_fields=True):
    """Who of an insurance belongs to a group: `sex` empty is any, from `age` completed years on."""

    place: str
    insurance: str
    group: str
    sex: tuple[Literal["female", "male"], ...] = ()
    age: Annotated[int, Meta(ge=0, le=150)] = 0


SEXES = ("female", "male")


@cache
def groups() -> tuple[Group, ...]:
    told = tomllib.loads((files("salus.places.settlement") / "groups.toml").read_text("utf-8"))
    return tuple(msgspec.convert(row, Group) for row in told["group"])


def group_of(
    place: str, insurance: str, sex: str, youngest: int, oldest: int, rows: Sequence[Group] | None = None
) -> str | None:
    """The group, for an age that is known to lie between two; None where the insurance is not known of this place, or
    the group depends on what is not known. `rows`: the groups built in, unless others are given.

    >>> group_of("cn", "employee", "male", 60, 60), group_of("cn", "employee", "female", 54, 54)
    ('retired', 'working')
    >>> group_of("cn", "employee", "male", 59, 60), group_of("cn", "resident", "", 3, 4)
    (None, 'resident')
    >>> group_of("cn", "employee", "unknown", 70, 70), group_of("cn", "employee", "unknown", 57, 57)
    ('retired', None)
    """
    sexes = (sex,) if sex in SEXES else SEXES
    known = groups() if rows is None else rows
    found = {first(known, place, insurance, one, age) for age in (youngest, oldest) for one in sexes}
    return found.pop() if len(found) == 1 else None


def first(rows: Sequence[Group], place: str, insurance: str, sex: str, age: int) -> str | None:
    own = (one for one in rows if (one.place, one.insurance) == (place, insurance))
    return next((one.group for one in own if age >= one.age and (not one.sex or sex in one.sex)), None)
