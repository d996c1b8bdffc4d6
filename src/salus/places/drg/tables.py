"""A table of groups: which diagnoses and procedures lead to which, how much each weighs, what a point of weight pays.

Read from TOML and looked through for faults before a stay is grouped by it. Weights are thousandths, shares hundredths
of a percent, amounts minor units: nothing is ever a float.
"""

import hashlib
import tomllib
from collections import Counter
from collections.abc import Iterator
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from salus.base.errors import Invalid, Issue, Missing
from salus.places.settlement.rules import Text

Weight = Annotated[int, Meta(gt=0)]
SPLITS = ("all", "mcc", "cc", "none")


class Split(Struct, frozen=True, forbid_unknown_fields=True):
    """A group of a family: for stays with a major complication (`mcc`), a complication (`cc`), without (`none`), or all
    the same (`all`)."""

    code: str
    with_: str = msgspec.field(name="with")
    weight: Weight


class Family(Struct, frozen=True, forbid_unknown_fields=True):
    """Stays alike (an ADRG): by the beginnings of their main diagnosis (ICD-10) and, of surgical ones, of a procedure
    (ICD-9-CM-3). What stands first in the table is tried first."""

    code: str
    title: Text
    diagnoses: tuple[str, ...]
    groups: tuple[Split, ...]
    procedures: tuple[str, ...] = ()
    least_age: int = 0
    most_age: int = 200


class Level(Struct, frozen=True, forbid_unknown_fields=True):
    """What 1.000 of weight pays at a hospital of this level, in minor units."""

    level: int
    rate: Annotated[int, Meta(gt=0)]


class Table(Struct, frozen=True, forbid_unknown_fields=True, rename={"since": "from", "until": "to"}):
    """`low`, `high`: the share of what a group pays below which only the cost is paid, and above which what lies beyond
    is paid too. `excludes`: a complication that belongs to the main diagnosis (beginning -> beginnings) is none."""

    id: str
    place: str
    since: date
    until: date
    currency: str
    title: Text
    source: str
    low: Annotated[int, Meta(ge=0, le=10_000)]
    high: Annotated[int, Meta(gt=10_000)]
    level: tuple[Level, ...]
    mcc: tuple[str, ...]
    cc: tuple[str, ...]
    family: tuple[Family, ...]
    excludes: dict[str, tuple[str, ...]] = {}

    @property
    def version(self) -> str:
        """Changes with any figure of the table: what was grouped names it."""
        return f"{self.id}@{self.since}#{hashlib.sha256(msgspec.msgpack.encode(self)).hexdigest()[:12]}"

    def rate(self, level: int) -> int:
        """Raises Missing for a level that the table does not pay."""
        found = next((one.rate for one in self.level if one.level == level), None)
        if found is None:
            told = ", ".join(str(one.level) for one in self.level)
            raise Missing(f"{self.id} pays no hospitals of level {level}: there are {told}", path="level")
        return found


def table_of(text: str) -> Table:
    """The table in a TOML text. Raises Invalid with every fault found."""
    try:
        told: dict[str, Any] = tomllib.loads(text)
        found = msgspec.convert(told, Table)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as fault:
        raise Invalid(f"This is no table of groups: {fault}", path="table") from fault
    if faults := list(faults_of(found)):
        raise Invalid("The table of groups has holes", issues=faults)
    return found


@cache
def shipped(place: str) -> Table:
    """The example table of a place. Raises Missing."""
    file = files("salus.places.drg") / f"{place}.toml"
    if not file.is_file():
        raise Missing(f"There is no table of groups for '{place}': there is cn", path="place")
    return table_of(file.read_text("utf-8"))


def faults_of(table: Table) -> Iterator[Issue]:
    if table.since >= table.until:
        yield fault(table.id, "to", f"It ends on {table.until}, before it begins on {table.since}")
    for code, times in Counter(split.code for one in table.family for split in one.groups).items():
        if times > 1:
            yield fault(table.id, code, f"The group {code} stands {times} times: once is right")
    for one in table.family:
        yield from faults_of_family(one)
    for level, times in Counter(one.level for one in table.level).items():
        if times > 1:
            yield fault(table.id, "level", f"Level {level} has {times} rates: one is right")


def faults_of_family(one: Family) -> Iterator[Issue]:
    """Every stay of a family must find one group: `all`, or `none` and what it is told apart from."""
    kinds = [split.with_ for split in one.groups]
    if unknown := [kind for kind in kinds if kind not in SPLITS]:
        yield fault(one.code, "with", f"'{unknown[0]}' is none of {', '.join(SPLITS)}")
    if len(kinds) != len(set(kinds)):
        yield fault(one.code, "with", "Two groups are for the same stays")
    if ("all" in kinds) == ("none" in kinds):
        yield fault(one.code, "with", "There must be a group for all, or one for those without complication")
    if "all" in kinds and len(kinds) > 1:
        yield fault(one.code, "with", "A group for all leaves none to the others")
    if not one.diagnoses:
        yield fault(one.code, "diagnoses", "No diagnosis leads here")
    weights = [split.weight for kind in SPLITS for split in one.groups if split.with_ == kind]
    if weights != sorted(weights, reverse=True):
        yield fault(one.code, "weight", "A stay with complications weighs less than one without")


def fault(where: str, field: str, text: str) -> Issue:
    return Issue("invalid", f"{where}.{field}", text)
