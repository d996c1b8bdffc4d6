"""What a profile says, as a tree of rules made once. https://hl7.org/fhir/R4/elementdefinition.html"""

from dataclasses import dataclass, field
from functools import cache
from math import inf
from typing import Any, NamedTuple

from salus.base.errors import Invalid
from salus.fhir.definitions import Constraint, definitions, elements
from salus.fhir.fhirpath import Expression, compile
from salus.fhir.profiles.elements import Json

SYSTEM_TYPE = "http://hl7.org/fhirpath/"
BINDS = ("required", "extensible")
# Constraints of R4's own profiles whose expression says more than their words.
CORRECTED = {"vs-1": "$this is dateTime implies $this.toString().length() >= 8"}


class Kind(NamedTuple):
    """A type that is allowed, the profiles of which its value must meet one, and what a reference may point at."""

    code: str
    profiles: tuple[str, ...]
    targets: tuple[str, ...]


class Value(NamedTuple):
    """What a value must be (`is_fixed`) or hold."""

    is_fixed: bool
    wanted: Any


class Slicing(NamedTuple):
    """How items are told apart, and what those are that are in no slice: open, closed, openAtEnd."""

    discriminators: tuple[tuple[str, str], ...]  # (type, path)
    rules: str
    ordered: bool


class Invariant(NamedTuple):
    """A constraint, compiled; `fault` says why it cannot be looked at."""

    rule: Constraint
    expression: Expression | None
    fault: str


@dataclass(slots=True)
class Rule:
    """What is said of an element, or of one slice of it; `children` by name without [x]."""

    name: str
    least: int = 0
    most: float = inf
    kinds: tuple[Kind, ...] = ()
    value: Value | None = None
    limits: tuple[tuple[str, Any], ...] = ()
    binding: tuple[str, str] | None = None
    invariants: tuple[Invariant, ...] = ()
    must_support: bool = False
    slicing: Slicing | None = None
    slices: dict[str, "Rule"] = field(default_factory=dict)
    children: dict[str, "Rule"] = field(default_factory=dict)


@cache
def known_constraints() -> frozenset[str]:
    """The keys of R4's own constraints: they are looked at elsewhere."""
    return frozenset(row[0] for rows in definitions()["constraints"].values() for row in rows) | {"ele-1", "txt-2"}


def tree(table: dict[str, Json]) -> Rule:
    """The rules of a profile, from its elements by id."""
    root = Rule(next(iter(table)).partition(".")[0])
    for id, row in table.items():
        lay(place(root, id), row)
    return root


def place(root: Rule, id: str) -> Rule:
    """The rule at an id such as Patient.identifier:mrn.system, made where it is not there yet."""
    found, owner = root, root.name
    for part in id.split(".")[1:]:
        name, _, slice = part.partition(":")
        bare = name.removesuffix("[x]")
        choices = choices_of(owner)
        stem = choices[bare][0] if bare in choices else bare
        found = found.children.setdefault(stem, Rule(stem))
        for end in ends(slice or (bare if bare in choices else "")):
            kinds = (Kind(choices[end][1], (), ()),) if end in choices else ()
            found = found.slices.setdefault(end, Rule(stem, kinds=kinds))
        owner = f"{owner}.{stem}"
    return found


@cache
def choices_of(owner: str) -> dict[str, tuple[str, str]]:
    """The fields of a type's choices: the element's name, and the type.

    >>> choices_of("Observation")["valueQuantity"]
    ('value', 'Quantity')
    """
    known = elements(owner) if owner in definitions()["types"] else ()
    choices = [element for element in known if element.name.endswith("[x]")]
    return {field: (one.name.removesuffix("[x]"), kind) for one in choices for field, kind in one.fields}


def ends(slice: str) -> list[str]:
    """A slice of a slice stands in that.

    >>> ends("a/b"), ends("")
    (['a', 'a/b'], [])
    """
    parts = slice.split("/") if slice else []
    return ["/".join(parts[: n + 1]) for n in range(len(parts))]


def lay(rule: Rule, row: Json) -> None:
    """What the ElementDefinition says, into the rule."""
    rule.least = row.get("min", 0)
    most = row.get("max", "*")
    rule.most = inf if most == "*" else int(most)
    told = [kind for kind in row.get("type", []) if not kind["code"].startswith(SYSTEM_TYPE)]
    if told:
        rule.kinds = tuple(
            Kind(kind["code"], tuple(kind.get("profile", ())), tuple(kind.get("targetProfile", ()))) for kind in told
        )
    rule.value = value_of(row)
    rule.limits = tuple((k, v) for k, v in row.items() if k == "maxLength" or k.startswith(("minValue", "maxValue")))
    binding = row.get("binding", {})
    if binding.get("strength") in BINDS and "valueSet" in binding:
        rule.binding = (binding["strength"], binding["valueSet"])
    rule.invariants = tuple(
        invariant(row) for row in row.get("constraint", []) if row["key"] not in known_constraints()
    )
    rule.must_support = row.get("mustSupport", False)
    if "slicing" in row:
        rule.slicing = slicing_of(row["slicing"])


def value_of(row: Json) -> Value | None:
    for key, wanted in row.items():
        if key.startswith(("fixed", "pattern")):
            return Value(key.startswith("fixed"), wanted)
    return None


def slicing_of(row: Json) -> Slicing:
    told = tuple((one["type"], one["path"]) for one in row.get("discriminator", []))
    return Slicing(told, row.get("rules", "open"), row.get("ordered", False))


def invariant(row: Json) -> Invariant:
    expression = CORRECTED.get(row["key"], row.get("expression", ""))
    rule = Constraint(row["key"], row["severity"], str(expression), row.get("human", ""))
    if not rule.expression:
        return Invariant(rule, None, "it has no FHIRPath")
    try:
        return Invariant(rule, compile(rule.expression), "")
    except Invalid as error:
        return Invariant(rule, None, str(error))
