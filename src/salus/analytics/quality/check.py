"""A check as data, and what a site says about checks: thresholds of its own, checks switched off, more bounds."""

import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec

from salus.base.errors import Invalid, Malformed, Missing

KINDS = ("events", "omop")
CATEGORIES = ("conformance", "completeness", "plausibility")
Text = dict[str, str]


class Relation(msgspec.Struct, forbid_unknown_fields=True):
    """What checks look at. `kept`: as a table, when others are made from it."""

    name: str
    sql: str
    kept: bool = False


class Check(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A row of `checks/*.toml`: among the rows of `over` that it is about, which are at fault, and how many may be.

    `over` is "*" for every OMOP table that has the columns in `needs`. `none` says why nothing was looked at.
    """

    id: str
    over: str
    category: Literal["conformance", "completeness", "plausibility"]
    level: Literal["", "value", "relational", "computational", "uniqueness", "atemporal", "temporal"] = ""
    title: Text
    means: Text
    todo: Text
    fails: str
    among: str = "TRUE"
    threshold: float = 0.0
    none: Text = {}
    needs: list[str] = []


class Checks(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """All of one kind of source."""

    checks: list[Check]
    relations: list[Relation] = []
    tables: list[dict[str, Any]] = []


class Bound(msgspec.Struct, forbid_unknown_fields=True):
    """What a value must lie within, in the unit named; "" where the source names none."""

    unit: str
    bounds: tuple[float, float]


class Thresholds(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A site's own: `threshold` by check id (or id@table), `off` with the reason why, `bounds` by code."""

    threshold: dict[str, float] = {}
    off: dict[str, str] = {}
    bounds: dict[str, Bound] = {}


Read = TypeVar("Read")


def read_checks(kind: str) -> Checks:
    """The checks of "events" or "omop", as they come with the program."""
    text = files("salus.analytics.quality").joinpath("checks", f"{kind}.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text), Checks)


def read_bounds() -> dict[str, Bound]:
    """Our own, by the code as events write it."""
    text = files("salus.analytics.quality").joinpath("bounds.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text), dict[str, Bound])


def read_thresholds(path: Path | None) -> Thresholds:
    """A site's file; nothing is changed without one. Raises Missing, Malformed, Invalid (an id that is no check's)."""
    if path is None:
        return Thresholds()
    told = read_toml(path, Thresholds)
    known = {check.id for kind in KINDS for check in read_checks(kind).checks}
    for name in [*told.threshold, *told.off]:
        if name.partition("@")[0] not in known:
            raise Invalid(f"{path.name}: there is no check {name[:60]!r}; there are {', '.join(sorted(known))}")
    for name, share in told.threshold.items():
        if not 0 <= share <= 1:
            raise Invalid(f"{path.name}: {name} = {share} is no share: write 0.05 for 5 %", path=name)
    for code, bound in told.bounds.items():
        if not bound.bounds[0] <= bound.bounds[1]:
            raise Invalid(f"{path.name}: bounds of {code} are {list(bound.bounds)}: write [low, high]", path=code)
    return told


def read_toml(path: Path, shape: type[Read]) -> Read:
    """Raises Missing, Malformed, Invalid."""
    if not path.is_file():
        raise Missing(f"There is no file {path}: give the path of a TOML file")
    try:
        return msgspec.convert(tomllib.loads(path.read_text("utf-8")), shape)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise Malformed(f"{path.name} is not TOML: {fault}") from None
    except msgspec.ValidationError as fault:
        raise Invalid(f"{path.name}: {fault}") from None
