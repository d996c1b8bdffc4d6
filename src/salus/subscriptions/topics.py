"""Topics: what kind of change there is to hear of. Data in TOML files, checked when they are read.

The words are R5's (https://hl7.org/fhir/R5/subscriptiontopic.html): `resourceTrigger` with `supportedInteraction`,
`queryCriteria`, `fhirPathCriteria`; `canFilterBy`; `notificationShape`. Ours stand in `topics/` beside this file, a
site's own in the folder of its setting `topics`. Where a trigger has query and FHIRPath criteria, both must hold.
"""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path

import msgspec

from salus import fhir
from salus.base.errors import Invalid, SalusError
from salus.base.words import LANGUAGES
from salus.fhir import fhirpath
from salus.records.search import parse
from salus.subscriptions.conditions import Seen, Test, condition, conditions

ACTS = ("create", "update", "delete")
PASSES = {"test-passes": True, "test-fails": False}


class Criteria(msgspec.Struct, forbid_unknown_fields=True):
    """Searches that the resource must match before and after. https://hl7.org/fhir/R5/subscriptiontopic.html#query"""

    previous: str = ""
    resultForCreate: str = "test-passes"
    current: str = ""
    resultForDelete: str = "test-fails"
    requireBoth: bool = True


class TriggerTable(msgspec.Struct, forbid_unknown_fields=True):
    resource: str
    supportedInteraction: list[str] = msgspec.field(default_factory=lambda: ["create", "update"])
    queryCriteria: Criteria | None = None
    fhirPathCriteria: str = ""


class FilterTable(msgspec.Struct, forbid_unknown_fields=True):
    resource: str
    filterParameter: list[str]
    modifier: list[str] = []


class ShapeTable(msgspec.Struct, forbid_unknown_fields=True):
    resource: str
    include: list[str] = []
    revInclude: list[str] = []


class TopicTable(msgspec.Struct, forbid_unknown_fields=True):
    """A file."""

    url: str
    title: dict[str, str]
    description: dict[str, str]
    resourceTrigger: list[TriggerTable]
    version: str = "1"
    canFilterBy: list[FilterTable] = []
    notificationShape: list[ShapeTable] = []


@dataclass(frozen=True, slots=True)
class Happening:
    """One change: what stood there before (None for a creation) and what stands there now (None for a deletion)."""

    act: str
    previous: Seen | None
    current: Seen | None

    @property
    def focus(self) -> Seen:
        found = self.current or self.previous
        assert found
        return found


@dataclass(frozen=True)
class Trigger:
    """When a change of a resource of this type is an event."""

    table: TriggerTable

    @cached_property
    def previous(self) -> list[Test]:
        return conditions(self.table.resource, self.table.queryCriteria.previous) if self.table.queryCriteria else []

    @cached_property
    def current(self) -> list[Test]:
        return conditions(self.table.resource, self.table.queryCriteria.current) if self.table.queryCriteria else []

    @cached_property
    def path(self) -> fhirpath.Expression | None:
        return fhirpath.compile(self.table.fhirPathCriteria) if self.table.fhirPathCriteria else None

    def fires(self, what: Happening) -> bool:
        return what.act in self.table.supportedInteraction and self._matches(what) and self._holds(what)

    def _matches(self, what: Happening) -> bool:
        asked = self.table.queryCriteria
        if asked is None:
            return True
        before = asked_of(self.previous, what.previous, asked.resultForCreate)
        after = asked_of(self.current, what.current, asked.resultForDelete)
        if not self.previous or not self.current:
            return after if self.current else before
        return (before and after) if asked.requireBoth else (before or after)

    def _holds(self, what: Happening) -> bool:
        if self.path is None:
            return True
        variables = {
            "previous": what.previous.json if what.previous else [],
            "current": what.current.json if what.current else [],
        }
        try:
            return self.path.holds(what.focus.json, variables=variables) is True
        except SalusError:  # it looks at more than one may: that is no event
            return False


def asked_of(tests: list[Test], seen: Seen | None, without: str) -> bool:
    """Whether all hold; where there is no version to ask, what the topic says of that."""
    return PASSES[without] if seen is None else all(test(seen) for test in tests)


@dataclass(frozen=True)
class Topic:
    """What kind of change there is to hear of. `name` is the last piece of its address."""

    table: TopicTable

    @property
    def url(self) -> str:
        return self.table.url

    @property
    def name(self) -> str:
        return self.table.url.rstrip("/").rpartition("/")[2]

    @cached_property
    def triggers(self) -> tuple[Trigger, ...]:
        return tuple(Trigger(table) for table in self.table.resourceTrigger)

    @cached_property
    def types(self) -> tuple[str, ...]:
        """The types whose changes it is about."""
        return tuple(dict.fromkeys(trigger.table.resource for trigger in self.triggers))

    def fires(self, what: Happening) -> bool:
        type = what.focus.version.type
        return any(trigger.table.resource == type and trigger.fires(what) for trigger in self.triggers)

    def filters(self, type: str) -> dict[str, frozenset[str]]:
        """The parameters by which a subscriber may narrow it, with their modifiers."""
        return {
            name: frozenset(row.modifier)
            for row in self.table.canFilterBy
            if row.resource == type
            for name in row.filterParameter
        }

    def shape(self, type: str) -> list[tuple[str, str]]:
        """What comes along with a resource of this type, as parameters of a search."""
        rows = [row for row in self.table.notificationShape if row.resource == type]
        return [("_include", one) for row in rows for one in row.include] + [
            ("_revinclude", one) for row in rows for one in row.revInclude
        ]


Topics = Mapping[str, Topic]


def topics(folder: Path | None = None) -> dict[str, Topic]:
    """Ours and those of a site's folder, by address. Raises Invalid, naming the file and what is wrong with it."""
    found: dict[str, Topic] = {}
    for name, text in texts(folder):
        topic = read(name, text)
        if any(topic.name == one.name for one in found.values()):
            raise Invalid(f"{name}: another topic is called {topic.name} already: choose another url", path=name)
        found[topic.url] = topic
    return found


def texts(folder: Path | None) -> Iterable[tuple[str, str]]:
    """Name and text of each file."""
    ours = files("salus.subscriptions") / "topics"
    yield from sorted((one.name, one.read_text("utf-8")) for one in ours.iterdir() if one.name.endswith(".toml"))
    if folder is not None:
        if not folder.is_dir():
            raise Invalid(f"{folder} is no folder: put the site's topics there, or leave the setting `topics` out")
        yield from ((str(path), path.read_text("utf-8")) for path in sorted(folder.glob("*.toml")))


def read(name: str, text: str) -> Topic:
    """A file as a topic whose every word is served. Raises Invalid."""
    try:
        topic = Topic(msgspec.convert(tomllib.loads(text), TopicTable))
        check(topic)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, SalusError, KeyError) as fault:
        raise Invalid(f"{name} is no topic that can be served: {fault}", path=name) from fault
    return topic


def check(topic: Topic) -> None:
    """Raises SalusError for what cannot be served."""
    table = topic.table
    if not table.url.startswith(("https://", "http://", "urn:")) or not topic.name:
        raise Invalid(f"url {table.url!r}: give a whole address")
    for words in (table.title, table.description):
        if set(words) != set(LANGUAGES):
            raise Invalid(f"title and description: give both of {', '.join(LANGUAGES)}")
    if not topic.triggers:
        raise Invalid("resourceTrigger: give at least one")
    for trigger in topic.triggers:
        check_trigger(trigger)
    for type, row in ((row.resource, row) for row in table.canFilterBy):
        check_type(type, topic)
        for parameter in row.filterParameter:
            check_filter(type, parameter, row.modifier)
    for shape in table.notificationShape:
        check_type(shape.resource, topic)
        parse(shape.resource, topic.shape(shape.resource))


def check_trigger(trigger: Trigger) -> None:
    table = trigger.table
    if table.resource not in fhir.RESOURCE_TYPES:
        raise Invalid(f"resource {table.resource!r} is not a resource type of FHIR R4")
    if not table.supportedInteraction or set(table.supportedInteraction) - set(ACTS):
        raise Invalid(f"supportedInteraction: use {', '.join(ACTS)}")
    asked = table.queryCriteria
    if asked and {asked.resultForCreate, asked.resultForDelete} - PASSES.keys():
        raise Invalid(f"resultForCreate and resultForDelete: use {' or '.join(PASSES)}")
    if asked and not (trigger.previous or trigger.current):
        raise Invalid("queryCriteria: give previous, current or both")
    if trigger.path:  # names that are unknown show when it runs
        bare = {"resourceType": table.resource}
        trigger.path.nodes(bare, variables={"previous": [], "current": bare})


def check_type(type: str, topic: Topic) -> None:
    if type not in topic.types:
        raise Invalid(f"{type} is none of the topic's resources ({', '.join(topic.types)})")


def check_filter(type: str, parameter: str, modifiers: list[str]) -> None:
    """Whether it is a parameter, and one that can be asked of a change."""
    values = {"date": "2026-01-01", "number": "1", "quantity": "1"}
    kind = fhir.parameters(type)[parameter].kind if parameter in fhir.parameters(type) else ""
    for modifier in ("", *modifiers):
        value = "true" if modifier == "missing" else values.get(kind, "x")
        condition(type, f"{parameter}:{modifier}" if modifier else parameter, value)
