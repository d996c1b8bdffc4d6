"""The second stage: bindings, targets of references and invariants of a resource whose structure is right.

https://hl7.org/fhir/R4/validation.html; docs/decisions/0031-two-stages-of-validation.md
"""

import json
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from functools import cache
from itertools import chain
from typing import TYPE_CHECKING, Any

from salus.base.errors import Invalid, Issue, Malformed, SalusError, Unsupported
from salus.fhir import definitions as r4
from salus.fhir.fhirpath import Expression, by_type, compile, near
from salus.fhir.fhirpath.nodes import lineage
from salus.fhir.places import Place, places
from salus.fhir.primitives import PRIMITIVES
from salus.fhir.reading import decode
from salus.fhir.verdicts import first, shown, some
from salus.fhir.walker import MOST

if TYPE_CHECKING:
    from salus.fhir.profiles import Profiles, Resolve

Rules = tuple[tuple[r4.Constraint, Expression], ...]


def validate(
    data: bytes,
    level: str = "invariants",
    expected: str | None = None,
    *,
    profiles: "Profiles | None" = None,
    named: Sequence[str] = (),
    resolve: "Resolve | None" = None,
) -> list[Issue]:
    """The issues of a resource; none where all is well. A wrong structure is told alone, without the later stages.

    Levels, each with those before: "structure" (what storing asks), "bindings" (codings of required bindings, and as a
    warning of extensible ones; types that references point at), "invariants" (R4's constraints). With `profiles` also
    what those ask that are `named` or claimed (`Profiles.issues`). Raises Malformed where the bytes are no JSON object,
    Unsupported for another level, Missing for a profile that is named and not held.
    """
    if level not in LEVELS:
        raise Unsupported(f"{level!r} is no level of validation: write one of {', '.join(LEVELS)}")
    try:
        decode(data, expected)
    except Malformed:
        raise
    except SalusError as error:
        return error.issues
    body = json.loads(data, parse_float=Decimal)
    found = (issue for place in places(body) for check in LEVELS[level] for issue in check(place))
    more = profiles.issues(body, named, resolve) if profiles else ()
    return list(chain(first(found, MOST), more))


def of_bindings(place: Place) -> Iterator[Issue]:
    """A coding must come from the value set that its element is bound to."""
    bound = r4.binding(place.element)
    if bound is None or place.node.kind not in ("CodeableConcept", "Coding"):
        return
    value = place.node.value
    codings = value.get("coding", []) if place.node.kind == "CodeableConcept" else [value]
    if codings and not any(coding.get("code") in bound.codes.get(coding.get("system"), ()) for coding in codings):
        first = codings[0]
        given = f"{first.get('system') or 'no system'}|{first.get('code') or 'no code'}"
        codes = [f"{system}|{code}" for system, known in bound.codes.items() for code in sorted(known)]
        text = f"{place.path} is {shown(given)}, not in {bound.value_set}: write one of {some(tuple(codes))}"
        yield Issue("code-invalid", place.path, text, "error" if bound.strength == "required" else "warning")


def of_targets(place: Place) -> Iterator[Issue]:
    """A reference must point at a type that its element allows, as far as that type can be told."""
    allowed = r4.targets(place.element) if place.node.kind == "Reference" else ()
    given = place.node.value.get("reference") if allowed else None
    found = (near(given, place.root) or by_type(given) or {}) if given else {}
    if (named := found.get("resourceType")) and named not in allowed:
        text = f"{place.path}.reference is {shown(given)} ({named}): point at {' or '.join(allowed)}"
        yield Issue("value", f"{place.path}.reference", text)


def of_invariants(place: Place) -> Iterator[Issue]:
    """The constraints of the element, of its type, and of what the type is a kind of."""
    node = place.node
    if is_hollow(node.value, node.more, node.kind):
        yield Issue("invariant", place.path, f"{place.path} breaks ele-1: it must have a value or children")
    for rule, expression in rules(place.element, node.kind):
        try:
            holds = expression.holds(node, whole=place.whole, root=place.root)
        except Invalid as error:
            text = f"{place.path}: {rule.key} could not be looked at: {error}"
            yield Issue("processing", place.path, text, "warning")
            continue
        if holds is False or (holds is None and rule.severity == "error"):  # advice needs a plain no
            yield Issue("invariant", place.path, f"{place.path} breaks {rule.key}: {rule.text}", rule.severity)


def is_hollow(value: Any, more: Any, kind: str) -> bool:
    """ele-1: nothing but an `id`."""
    if kind in PRIMITIVES:
        return value is None and more.keys() == {"id"}
    return isinstance(value, dict) and value.keys() == {"id"} and kind not in r4.RESOURCE_TYPES


@cache
def rules(element: str, kind: str) -> Rules:
    """The constraints that speak of an element of this type, compiled."""
    names = dict.fromkeys([element, *lineage(kind)])
    return tuple((rule, compile(rule.expression)) for name in names for rule in r4.constraints(name))


LEVELS: dict[str, tuple[Callable[[Place], Iterator[Issue]], ...]] = {
    "structure": (),
    "bindings": (of_bindings, of_targets),
    "invariants": (of_bindings, of_targets, of_invariants),
}
