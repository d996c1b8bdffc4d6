"""The trees that codes climb: by rule (ICD-10, ATC), from a CSV file of a site, or from a code system it has loaded."""

from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Protocol

from salus import codes
from salus.base.errors import Invalid, Missing
from salus.codes.tables import SYSTEMS
from salus.codes.terminology import Site
from salus.codes.terminology.shapes import System
from salus.learning.step1_collect.table import read_csv
from salus.learning.task import Text

ALL_MEMBERS = 500  # a group of so many codes keeps them all; a larger one those that the events have


class Tree(Protocol):
    """Groups are named as events name codes, such as `ICD10//E10-E14`."""

    def above(self, code: str) -> Sequence[str]:
        """The groups that hold a code, the narrowest first where the tree has an order."""
        ...

    def members(self, group: str, seen: Sequence[str]) -> list[str]:
        """The codes of a group, or their beginnings and `*`; `seen`: the codes that events have."""
        ...

    def label(self, group: str) -> Text | None: ...


class Rule:
    """Groups that follow from the code itself. `prefix`: what stands before a code of the system in events."""

    def __init__(self, prefix: str, system: str) -> None:
        self.start, self.system = prefix + "//", system

    def above(self, code: str) -> list[str]:
        if not code.startswith(self.start):
            return []
        return [self.start + group for group in codes.ancestors(self.system, code.removeprefix(self.start))]

    def members(self, group: str, seen: Sequence[str]) -> list[str]:
        return [f"{self.start}{one}*" for one in codes.beginnings(self.system, group.removeprefix(self.start))]

    def label(self, group: str) -> Text | None:
        plain = group.removeprefix(self.start)
        found = {one: self._name(plain, one) for one in ("en", "zh")}
        return {one: name for one, name in found.items() if name} if all(found.values()) else None

    def _name(self, plain: str, language: str) -> str | None:
        return codes.name(self.system, plain, language) or codes.group_name(self.system, plain, language)


class Links:
    """Groups by links from a code to those it stands under, however many."""

    def __init__(self, parents: Mapping[str, Sequence[str]], names: Mapping[str, Text]) -> None:
        self.parents, self.names = parents, names
        self.children: dict[str, list[str]] = {}
        for child, above in parents.items():
            for parent in above:
                self.children.setdefault(parent, []).append(child)

    def above(self, code: str) -> list[str]:
        return climbed(self.parents, code)

    def members(self, group: str, seen: Sequence[str]) -> list[str]:
        below = {group, *climbed(self.children, group)}
        return sorted(below if len(below) <= ALL_MEMBERS else below.intersection(seen))

    def label(self, group: str) -> Text | None:
        return self.names.get(group)


class Loaded:
    """A code system that a site has loaded; events name its codes by `prefix`."""

    def __init__(self, prefix: str, system: System) -> None:
        self.start, self.system = prefix + "//", system

    def above(self, code: str) -> list[str]:
        row = self.system.row(code.removeprefix(self.start)) if code.startswith(self.start) else None
        return [] if row is None else sorted(self.start + self.system.codes[one] for one in self.system.above(row))

    def members(self, group: str, seen: Sequence[str]) -> list[str]:
        row = self.system.row(group.removeprefix(self.start))
        rows = set() if row is None else {row} | self.system.below(row)
        below = {self.start + self.system.codes[one] for one in rows}
        return sorted(below if len(below) <= ALL_MEMBERS else below.intersection(seen))

    def label(self, group: str) -> Text | None:
        row = self.system.row(group.removeprefix(self.start))
        return None if row is None else {one: self.system.display(row, one) for one in ("en", "zh")}


def climbed(links: Mapping[str, Sequence[str]], start: str) -> list[str]:
    """What the links lead to, step by step, each once, without the start."""
    found: dict[str, None] = {}
    waiting = list(links.get(start, ()))
    for one in waiting:  # grows on the way
        if one != start and one not in found:
            found[one] = None
            waiting.extend(links.get(one, ()))
    return list(found)


def tree_of(entry: str, terminology: str = "") -> Tree:
    """The tree that a task names: `ICD10`, `MY//PREFIX=ICD10CM`, `wards.csv`, or a system loaded in `terminology`.

    Raises Missing and Invalid with what can be named instead.
    """
    if entry.lower().endswith(".csv"):
        return links_of(Path(entry))
    prefix, _, system = entry.rpartition("=")
    if system in codes.tree_systems():
        return Rule(prefix or system, system)
    found = Site(Path(terminology)).systems(SYSTEMS.get(system, system)) if terminology else []
    if not found:
        known = ", ".join(codes.tree_systems())
        raise Missing(
            f"There is no tree '{entry}': name one of {known}, a CSV file (child,parent), or a code system that was "
            "loaded, with features.terminology = its folder",
            path="features.rollup",
        )
    return Loaded(prefix or system, found[0])


def links_of(path: Path) -> Links:
    """The tree in a CSV file with the columns child and parent, and perhaps en and zh (names of the child)."""
    header, rows, bad = read_csv(path)
    if not {"child", "parent"} <= set(header) or bad:
        fault = f"line {bad[0][0]}: {bad[0][1]}" if bad else f"its columns are {', '.join(header[:20])}"
        raise Invalid(f"{path.name} must have the columns child and parent in every row ({fault})", path=path.name)
    parents: dict[str, list[str]] = {}
    names: dict[str, Text] = {}
    for row in rows:
        cells = {name: cell.strip() for name, cell in zip(header, row, strict=True)}
        if cells["parent"]:
            parents.setdefault(cells["child"], []).append(cells["parent"])
        if cells.get("en") or cells.get("zh"):
            en = cells.get("en") or cells["zh"]
            names[cells["child"]] = {"en": en, "zh": cells.get("zh") or en}
    check_no_circle(parents, path.name)
    return Links(parents, names)


def check_no_circle(parents: Mapping[str, Sequence[str]], name: str) -> None:
    """Refuse a code that stands under itself."""
    try:
        TopologicalSorter(parents).prepare()
    except CycleError as error:
        way = " - ".join(error.args[1])
        raise Invalid(f"In {name} a code stands under itself ({way}): break the circle", path=name) from error
