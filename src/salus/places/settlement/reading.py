"""A file of rules: read row by row, and refused whole with every fault named. Money is not settled by half a table."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from salus.base.errors import Invalid, Issue, Missing
from salus.places.rows import beside_faults, row_fault
from salus.places.settlement.groups import Group, groups
from salus.places.settlement.holes import clashes, holes, nobodys, unsettled
from salus.places.settlement.rules import Rule

T = TypeVar("T", bound=Struct)
KNOWN = ("beside", "group", "rule")


@dataclass(frozen=True, slots=True)
class Chapter:
    """What one file says. `beside`: the name under which it lies beside the rules built in; without one it takes their
    place."""

    rules: tuple[Rule, ...]
    groups: tuple[Group, ...] = ()
    beside: str = ""

    @property
    def places(self) -> set[str]:
        return {*(one.place for one in self.rules), *(one.place for one in self.groups)}

    def settles(self, group: str, visit: str) -> bool:
        """Whether it says anything, of whatever day, about such a visit."""
        return any(one.group == group and visit in one.visit for one in self.rules)

    def insures(self, insurance: str) -> bool:
        return any(one.insurance == insurance for one in self.groups)


def chapter_of(text: str) -> Chapter:
    """The rules and groups of a TOML text. Raises Invalid with every fault found: bad rows, holes, overlaps."""
    try:
        told: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        raise Invalid(f"These are no rules of settlement: {fault}", path="rule") from fault
    faults, found = [*head_faults(told)], Chapter((), (), str(told.get("beside", "")))
    if not faults:
        own, rules = [*rows(told, "group", Group)], [*rows(told, "rule", Rule)]
        faults = [one for one in (*own, *rules) if isinstance(one, Issue)]
        found = Chapter(
            tuple(one for one in rules if isinstance(one, Rule)),
            tuple(one for one in own if isinstance(one, Group)),
            found.beside,
        )
        faults += [] if faults else faults_of(found)
    if faults:
        raise Invalid(f"The rules of settlement have holes: {len(faults)}", issues=faults)
    return found


def rules_of(text: str) -> tuple[Rule, ...]:
    """Those of a TOML text. Raises Invalid, as `chapter_of`."""
    return chapter_of(text).rules


@cache
def built_in(place: str) -> Chapter:
    """The example rules of a place (`cn`, `us`), with the groups of all. Raises Missing."""
    file = files("salus.places.settlement") / f"{place}.toml"
    if not place.isalpha() or not file.is_file():
        raise Missing(f"There are no rules for '{place[:20]}': there are cn and us", path="place")
    return Chapter(rules_of(file.read_text("utf-8")), groups())


def shipped(place: str) -> tuple[Rule, ...]:
    """The example rules of a place (`cn`, `us`). Raises Missing."""
    return built_in(place).rules


# --- what is wrong with a file ---


def head_faults(told: dict[str, Any]) -> Iterator[Issue]:
    for name in told:
        if name not in KNOWN:
            yield Issue("invalid", name, f"A file of rules has no '{name}': there are {', '.join(KNOWN)}")
    yield from beside_faults(told)
    for name in ("group", "rule"):
        if not isinstance(told.get(name, []), list):
            yield Issue("invalid", name, f"Write [[{name}]] before each {name}, with two brackets")


def rows(told: dict[str, Any], name: str, kind: type[T]) -> Iterator[T | Issue]:
    """Each row of a list, or what is wrong with it, with where it stands and the value that stands there."""
    for number, row in enumerate(told.get(name, [])):
        try:
            yield msgspec.convert(row, kind)
        except msgspec.ValidationError as fault:
            yield row_fault(f"{name}[{number}]", row, str(fault))


def faults_of(chapter: Chapter) -> list[Issue]:
    """What its rules and groups lack, each and together."""
    known = (*chapter.groups, *groups())
    each = (one for rule in chapter.rules for one in holes(rule, known))
    own = (*nobodys(chapter.groups), *unsettled(chapter.groups, chapter.rules, groups()))
    return [*each, *clashes(chapter.rules), *own]
