"""What FHIR adds to FHIRPath. https://hl7.org/fhir/R4/fhirpath.html#functions"""

from collections.abc import Callable

from salus.base.clock import instant
from salus.fhir.definitions import RESOURCE_TYPES
from salus.fhir.fhirpath.collections import Eager
from salus.fhir.fhirpath.narrative import is_safe
from salus.fhir.fhirpath.nodes import Json, Node, resource, step
from salus.fhir.fhirpath.scope import Nodes, Scope, text, told
from salus.fhir.fhirpath.texts import texted

UNSERVED = {
    "conformsTo": "profiles are checked by $validate",
    "memberOf": "ask a terminology service ($validate-code)",
    "subsumes": "ask a terminology service ($subsumes)",
    "subsumedBy": "ask a terminology service ($subsumes)",
    "elementDefinition": "the definitions carry no such texts",
    "slice": "profiles are checked by $validate",
    "checkModifiers": "modifier extensions are not interpreted",
}


def extension(scope: Scope, items: Nodes, url: Nodes) -> Nodes:
    found: Nodes = []
    wanted = texted(url)
    for node in items:
        step(node, "extension", found)
    return [node for node in found if node.value.get("url") == wanted]


def has_value(scope: Scope, items: Nodes) -> Nodes:
    return told(len(items) == 1 and type(items[0].value) not in (dict, type(None)))


def value_of(scope: Scope, items: Nodes) -> Nodes:
    return items if has_value(scope, items)[0].value else []


def html_checks(scope: Scope, items: Nodes) -> Nodes:
    return told(all(node.value is None or is_safe(str(node.value)) for node in items))


def reference_of(node: Node) -> str | None:
    value = node.value.get("reference") if type(node.value) is dict else node.value
    return value if isinstance(value, str) else None


def resolve(scope: Scope, items: Nodes) -> Nodes:
    """The resources that references name: contained ones, entries of the Bundle, else by the callback."""
    scope.spend(len(items))
    found = (resolved(scope, reference) for node in items if (reference := reference_of(node)))
    return [resource(body) for body in found if body]


def resolved(scope: Scope, reference: str) -> Json | None:
    return near(reference, scope.root) or (scope.resolve(reference) if scope.resolve else None)


def near(reference: str, root: Node) -> Json | None:
    """The resource that a reference names inside its own %rootResource: contained, or an entry of the Bundle."""
    if reference[0] == "#":
        inside = root.value.get("contained", [])
        whole: Json | None = root.value if reference == "#" else None
        return next((body for body in inside if body.get("id") == reference[1:]), whole)
    for entry in root.value.get("entry", []) if root.kind == "Bundle" else ():
        url = entry.get("fullUrl", "")
        if url == reference or url.endswith("/" + reference):
            body: Json | None = entry.get("resource")
            return body
    return None


def by_type(reference: str) -> Json | None:
    """A stand-in of the type that a literal reference names: enough for `resolve() is Patient`.

    >>> by_type("https://example.org/fhir/Patient/1/_history/2")
    {'resourceType': 'Patient', 'id': '1'}
    """
    parts = reference.partition("/_history/")[0].split("/")
    return {"resourceType": parts[-2], "id": parts[-1]} if len(parts) > 1 and parts[-2] in RESOURCE_TYPES else None


def resource_key(scope: Scope, items: Nodes) -> Nodes:
    """`getResourceKey()` of SQL on FHIR: Type/id."""
    return [
        found
        for node in items
        if type(node.value) is dict and node.value.get("id")
        for found in text(f"{node.kind}/{node.value['id']}")
    ]


def reference_key(items: Nodes, wanted: str | None) -> Nodes:
    """`getReferenceKey(Type)` of SQL on FHIR: the key of the resource named, where it is of that type."""
    found = [by_type(reference) for node in items if (reference := reference_of(node))]
    named = [body for body in found if body and wanted in (None, body["resourceType"])]
    return [node for body in named for node in text(f"{body['resourceType']}/{body['id']}")]


def moment(kind: str, cut: Callable[[str], str]) -> Eager:
    return lambda scope, items: [Node("System." + kind, cut(instant(scope.now())))]


EAGER: dict[str, tuple[Eager, int, int]] = {
    "extension": (extension, 1, 1),
    "hasValue": (has_value, 0, 0),
    "getValue": (value_of, 0, 0),
    "htmlChecks": (html_checks, 0, 0),
    "resolve": (resolve, 0, 0),
    "getResourceKey": (resource_key, 0, 0),
    "now": (moment("DateTime", str), 0, 0),
    "today": (moment("Date", lambda moment: moment[:10]), 0, 0),
    "timeOfDay": (moment("Time", lambda moment: moment[11:23]), 0, 0),
}
