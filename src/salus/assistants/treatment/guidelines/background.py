"""All that conditions may ask of one patient, by name: facts, problems, medicines, scores."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from time import perf_counter
from typing import Any

from salus.assistants.suggestion import Name
from salus.assistants.treatment.guidelines import rows
from salus.assistants.treatment.guidelines.facts import facts_of, groups_of, medicine_named, unread
from salus.assistants.treatment.guidelines.rows import Source
from salus.assistants.treatment.screen.orders import medicine_of
from salus.assistants.treatment.screen.person import Person, Value, label, reference
from salus.base.errors import Invalid
from salus.codes import name
from salus.fhir.fhirpath import Node, compile, resource
from salus.fhir.fhirpath.parsing import parse
from salus.fhir.fhirpath.tree import Variable

Resource = Mapping[str, Any]
SECONDS = 5.0  # of all conditions of one plan together
LONGEST = 5000  # characters of a condition


@dataclass(frozen=True, slots=True)
class ItemFound:
    """An item of a score: whether it holds, None where it is not known."""

    said: Name
    points: int
    holds: bool | None


@dataclass(frozen=True, slots=True)
class Score:
    """`total` is None as long as an item is not known; `least` is what is known of it."""

    key: str
    said: Name
    source: Source
    items: tuple[ItemFound, ...]
    missing: tuple[Name, ...]

    @property
    def least(self) -> int:
        return sum(one.points for one in self.items if one.holds)

    @property
    def total(self) -> int | None:
        return None if any(one.holds is None for one in self.items) else self.least


@dataclass(frozen=True)
class Background:
    """`said`: how the facts of a name are told; `missing`: why a name has no value; `unread`: what is not read."""

    patient: str
    at: datetime
    resources: list[Resource]
    bundle: Node
    variables: dict[str, Any]
    said: dict[str, tuple[Name, ...]]
    missing: dict[str, tuple[Name, ...]]
    unread: tuple[Name, ...] = ()
    scores: dict[str, Score] = field(default_factory=dict)

    def holds(self, expression: str, until: float, more: Mapping[str, Any] | None = None) -> bool | None:
        """A condition; None where it cannot be told. Raises Invalid as FHIRPath does."""
        if len(expression) > LONGEST:
            raise Invalid(f"A condition has more than {LONGEST} characters: make it narrower")
        if perf_counter() > until:
            raise Invalid(f"The conditions together take more than {SECONDS:.0f} seconds: make them fewer")
        variables = self.variables | dict(more or {})
        return compile(expression).holds(self.bundle, variables=variables, until=until)

    def lacking(self, expression: str) -> tuple[Name, ...]:
        """Why the names that a condition asks for have no value."""
        return once(one for name in names_in(expression) for one in self.missing.get(name, ()))

    def told(self, expression: str) -> tuple[Name, ...]:
        """What is known of the names that a condition asks for."""
        return once(one for name in names_in(expression) for one in self.said.get(name, ()))


def background_of(
    resources: Iterable[Resource], patient: str, at: datetime, person: Person | None = None
) -> Background:
    """What the resources of one patient say at a moment; `person`: what the screen knows, where it was read already."""
    every = [one for one in resources if one.get("status") != "entered-in-error"]
    facts, missing = facts_of(every, at, person)
    groups = groups_of(every, at)
    about = next((one for one in every if one["resourceType"] == "Patient"), None)
    found = Background(
        patient,
        at,
        every,
        resource({"resourceType": "Bundle", "type": "collection", "entry": [{"resource": one} for one in every]}),
        {name: plain(fact.value) for name, fact in facts.items()}
        | dict.fromkeys(missing)
        | groups
        | {"patient": about},
        {name: (fact.said,) for name, fact in facts.items()} | {name: called(*group) for name, group in groups.items()},
        {name: (why,) for name, why in missing.items()},
        unread(every),
    )
    for key, row in rows.scores().items():
        add_score(found, key, row)
    return found


def plain(value: Value) -> Any:
    """A number so that 6.5 is 6.5, whatever a conversion of units left behind it."""
    return Decimal(f"{value:.6g}") if isinstance(value, float) else value


def called(*resources: Resource) -> tuple[Name, ...]:
    """The names of problems or medicines in both languages, from our tables as far as they have them."""
    return once(map(name_of, resources))


def name_of(found: Resource) -> Name:
    if found["resourceType"].startswith("Medication"):
        return medicine_named(medicine_of(found))
    concept = found.get("code", {})
    pairs = ((one.get("system", ""), one.get("code", "")) for one in concept.get("coding", []))
    tabled = ((name(*pair, "en"), name(*pair, "zh")) for pair in pairs)
    said = next(((en, zh) for en, zh in tabled if en and zh), None)
    shown = label(found) or reference(found)
    return Name(*said) if said else Name(shown, shown)


def add_score(background: Background, key: str, row: rows.ScoreRow) -> None:
    """The score, and its names for conditions."""
    until = perf_counter() + SECONDS
    items = tuple(ItemFound(one.said, one.points, background.holds(one.when, until)) for one in row.items)
    asked = zip(row.items, items, strict=True)
    missing = once(why for one, found in asked if found.holds is None for why in background.lacking(one.when))
    score = Score(key, row.said, rows.sources()[row.source], items, missing)
    background.scores[key] = score
    background.variables.update({key: score.total, f"{key}_least": score.least})
    shown = score.least if score.total is None else score.total
    sign = "≥" if score.total is None else ""
    background.said[key] = background.said[f"{key}_least"] = (
        Name(f"{row.en} {sign}{shown}", f"{row.zh} {sign}{shown}"),
    )
    if missing:
        background.missing[key] = missing


@lru_cache(4096)
def names_in(expression: str) -> tuple[str, ...]:
    """The %names that an expression asks for, in their order. Raises Invalid."""
    return tuple(dict.fromkeys(walk(parse(expression))))


def walk(tree: Any) -> Iterable[str]:
    if isinstance(tree, Variable):
        yield tree.name
    elif isinstance(tree, tuple):
        for part in tree:
            for one in part if type(part) is tuple else (part,):
                if isinstance(one, tuple):
                    yield from walk(one)


def once(names: Iterable[Name]) -> tuple[Name, ...]:
    return tuple(dict.fromkeys(names))
