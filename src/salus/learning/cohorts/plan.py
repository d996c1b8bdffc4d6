"""From a definition to steps in an order that can be followed; everything that is wrong with it is told here."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError, TopologicalSorter

from salus.base.errors import Invalid
from salus.learning.cohorts.boundary import OTHERS, Boundary, boundary_of
from salus.learning.cohorts.definition import (
    ANY_EVENT,
    RECORD_END,
    RECORD_START,
    SPECIAL,
    Definition,
    Predicate,
    Side,
    Window,
)

NAME = re.compile(r"\w+")
EXPRESSION = re.compile(r"(and|or)\((.*)\)", re.DOTALL)
RANGE = re.compile(r"\(?\s*(\d+|None|null|)\s*,\s*(\d+|None|null|)\s*\)?", re.IGNORECASE)
TRIGGER = "trigger"


@dataclass(frozen=True)
class Count:
    """How often a predicate must be seen in a window: both bounds belong to it, None = no bound."""

    predicate: str
    least: int | None
    most: int | None

    def __str__(self) -> str:
        low, high = self.least, self.most
        return f"{self.predicate} {'' if low is None else low}..{'' if high is None else high}"


@dataclass(frozen=True)
class Stretch:
    """One window: `first` is the side told from outside the window, the other side is told from it."""

    name: str
    first: Side
    outside: Boundary
    inside: Boundary
    closed: tuple[bool, bool]  # whether the moments of start and end belong to it
    counts: tuple[Count, ...]

    @property
    def second(self) -> Side:
        return OTHERS[self.first]


@dataclass(frozen=True)
class Plan:
    """Windows in an order in which each is told from moments already known; predicates, inputs before results."""

    definition: Definition
    stretches: tuple[Stretch, ...]
    predicates: tuple[str, ...]

    @cached_property
    def all_predicates(self) -> Mapping[str, Predicate]:
        return {**self.definition.predicates, **self.definition.patient_demographics}

    @cached_property
    def static(self) -> tuple[str, ...]:
        """Predicates that must hold of a person, at no time in particular."""
        used = [name for name in self.predicates if name not in SPECIAL and self.all_predicates[name].static]
        return tuple(dict.fromkeys([*self.definition.patient_demographics, *used]))

    @property
    def needed(self) -> tuple[str, ...]:
        """Predicates of the file that are needed, static ones too."""
        return tuple(dict.fromkeys(name for name in (*self.predicates, *self.static) if name not in SPECIAL))

    @property
    def counted(self) -> tuple[str, ...]:
        """Predicates that are counted in windows, in the order of the file."""
        return tuple(name for name in self.predicates if name not in self.static)

    @property
    def label(self) -> tuple[str, str] | None:
        """(window, predicate) of the label."""
        windows = self.definition.windows.items()
        return next(((name, window.label) for name, window in windows if window.label), None)

    @property
    def index(self) -> tuple[str, Side] | None:
        """(window, side) of the prediction time."""
        windows = self.definition.windows.items()
        return next(((name, window.index_timestamp) for name, window in windows if window.index_timestamp), None)

    @property
    def reach_us(self) -> int:
        """The farthest that a moment of the plan can lie from an event."""
        return sum(abs(s.outside.shift_us) + abs(s.inside.shift_us) for s in self.stretches)


def plan_of(definition: Definition) -> Plan:
    """The plan of a definition. Raises Invalid with the key and the cure."""
    check_names(definition)
    stretches = in_order([stretch_of(name, window) for name, window in definition.windows.items()])
    plan = Plan(definition, stretches, predicates_used(definition, stretches))
    check_counted(plan)
    check_single(definition)
    return plan


def check_names(definition: Definition) -> None:
    parts = {"predicates": definition.predicates, "patient_demographics": definition.patient_demographics}
    for part, names in [*((part, list(told)) for part, told in parts.items()), ("windows", list(definition.windows))]:
        for name in names:
            if not NAME.fullmatch(name) or name in (*SPECIAL, TRIGGER):
                raise Invalid(
                    f"{part}: '{name}' cannot be a name: use letters, digits and _, but not "
                    f"{', '.join((*SPECIAL, TRIGGER))}",
                    path=part,
                )
    for name, predicate in {**definition.predicates, **definition.patient_demographics}.items():
        check_predicate(name, predicate)


def check_predicate(name: str, predicate: Predicate) -> None:
    path = f"predicates.{name}"
    codes = predicate.code
    wrong = [
        ((codes is None) == (predicate.expr is None), "give code or expr, one of them"),
        (codes == "", "an empty code matches nothing: leave the predicate out or name its code"),
        (
            not isinstance(codes, str | None) and bool(codes.regex) == bool(codes.any),
            "give code: {regex: PATTERN} or code: {any: [CODE, ...]}, one of them, not empty",
        ),
        (predicate.expr is not None and predicate.static, "static goes with code, not with expr"),
        (predicate.expr is not None and len(inputs_of(predicate)) < 2, "write and(A, B) or or(A, B), not nested"),
    ]
    for is_wrong, cure in wrong:
        if is_wrong:
            raise Invalid(f"{path}: {cure}", path=path)


def inputs_of(predicate: Predicate) -> list[str]:
    """The predicates that a derived one is made of.

    >>> inputs_of(Predicate(expr="or(death, discharge)"))
    ['death', 'discharge']
    """
    found = EXPRESSION.fullmatch((predicate.expr or "").strip())
    names = [name.strip() for name in found[2].split(",")] if found else []
    return names if all(NAME.fullmatch(name) for name in names) else []


def is_and(predicate: Predicate) -> bool:
    return (predicate.expr or "").strip().startswith("and(")


def stretch_of(name: str, window: Window) -> Stretch:
    """One window as a stretch. Raises Invalid when its sides do not lean on each other rightly."""
    sides = {"start": boundary_of(window.start, name, "start"), "end": boundary_of(window.end, name, "end")}
    own: list[Side] = [side for side, other in OTHERS.items() if sides[side].of == other]
    path = f"windows.{name}"
    if len(own) != 1:
        raise Invalid(
            f"{path}: one side must be told from outside (trigger or another window's), the other from it: "
            f"start '{window.start}', end '{window.end}'",
            path=path,
        )
    second = own[0]
    stretch = Stretch(
        name,
        OTHERS[second],
        sides[OTHERS[second]],
        sides[second],
        (window.start_inclusive, window.end_inclusive),
        tuple(count_of(name, predicate, text) for predicate, text in window.has.items()),
    )
    check_stretch(stretch, window, path)
    return stretch


def check_stretch(stretch: Stretch, window: Window, path: str) -> None:
    wrong_way = {"start": 1, "end": -1}[stretch.second]
    if stretch.inside.direction == wrong_way:
        raise Invalid(f"{path} would end before it starts: start '{window.start}', end '{window.end}'", path=path)
    if stretch.inside.direction == 0 and (window.has or window.label or window.index_timestamp):
        raise Invalid(
            f"{path} starts and ends in the same moment: it can have no has, label or index_timestamp; "
            "put them into the window that ends or starts there",
            path=path,
        )


def count_of(window: str, predicate: str, text: str) -> Count:
    """The bounds in `(1, None)`. Raises Invalid."""
    path = f"windows.{window}.has.{predicate}"
    found = RANGE.fullmatch(text.strip())
    least, most = (int(one) if one.isdigit() else None for one in (found.groups() if found else ("", "")))
    if (least is None and most is None) or (least is not None and most is not None and most < least):
        raise Invalid(
            f"{path} says '{text}': write (least, most) in whole numbers, None for no bound, such as (1, None)",
            path=path,
        )
    return Count(predicate, least, most)


def in_order(stretches: list[Stretch]) -> tuple[Stretch, ...]:
    """Each after the window that it is told from. Raises Invalid when that cannot be."""
    known = {stretch.name: stretch for stretch in stretches}
    graph: dict[str, set[str]] = {}
    for stretch in stretches:
        window, _, side = stretch.outside.of.partition(".")
        if stretch.outside.of != TRIGGER and (not side or window not in known):
            raise Invalid(
                f"windows.{stretch.name} is told from '{stretch.outside.of}': name trigger, or the start or end "
                f"of one of {', '.join(known)}",
                path=f"windows.{stretch.name}",
            )
        graph[stretch.name] = {window} if side else set()
    return tuple(known[name] for name in sorted_by(graph, "windows"))


def sorted_by(graph: Mapping[str, Iterable[str]], path: str) -> list[str]:
    try:
        return list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        raise Invalid(f"{path}: {' -> '.join(error.args[1])} lean on each other in a circle", path=path) from error


def predicates_used(definition: Definition, stretches: tuple[Stretch, ...]) -> tuple[str, ...]:
    """Every predicate that is needed, inputs before what is made of them. Raises Invalid for one not defined."""
    known = {**definition.predicates, **definition.patient_demographics}
    wanted = [(definition.trigger, "trigger"), *asked_of(definition, stretches)]
    graph: dict[str, list[str]] = {}
    while wanted:
        name, path = wanted.pop()
        if name in graph:
            continue
        if name not in known and name not in SPECIAL:
            raise Invalid(f"{path} speaks of '{name}', which is no predicate: define it under predicates", path=path)
        graph[name] = inputs_of(known[name]) if name in known and known[name].expr is not None else []
        wanted += [(one, f"predicates.{name}.expr") for one in graph[name]]
    found = sorted_by(graph, "predicates")
    order = {name: place for place, name in enumerate((*known, *SPECIAL))}
    return tuple(found) if any(graph.values()) else tuple(sorted(found, key=order.__getitem__))


def asked_of(definition: Definition, stretches: tuple[Stretch, ...]) -> Iterable[tuple[str, str]]:
    """(predicate, where it is asked for)."""
    for stretch in stretches:
        path = f"windows.{stretch.name}"
        yield from ((b.event, path) for b in (stretch.outside, stretch.inside) if b.event)
        yield from ((count.predicate, f"{path}.has") for count in stretch.counts)
    yield from ((w.label, f"windows.{name}.label") for name, w in definition.windows.items() if w.label)


def check_counted(plan: Plan) -> None:
    """Refuse what asks in time for what has no time: a static predicate in a window or as trigger."""
    asked = [(plan.definition.trigger, "trigger"), *asked_of(plan.definition, plan.stretches)]
    for name, path in asked:
        if name in plan.static:
            raise Invalid(
                f"{path} counts '{name}', which is said of a person at no time: combine it with an event by "
                f"and({name}, ...)",
                path=path,
            )
        if name in (RECORD_START, RECORD_END, ANY_EVENT) and path.endswith(".label"):
            raise Invalid(f"{path}: a label must be one of the predicates of the file", path=path)


def check_single(definition: Definition) -> None:
    for key in ("label", "index_timestamp"):
        having = [name for name, window in definition.windows.items() if getattr(window, key)]
        if len(having) > 1:
            raise Invalid(f"windows {', '.join(having)} all have {key}: only one window can", path="windows")
