"""Which slice an item belongs to. https://hl7.org/fhir/R4/profiling.html#discriminator"""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from salus.base.errors import SalusError
from salus.fhir.fhirpath import Node, compile
from salus.fhir.fhirpath.nodes import kinds
from salus.fhir.places import Place
from salus.fhir.profiles.bindings import codings
from salus.fhir.profiles.elements import core_type
from salus.fhir.profiles.rules import Kind, Rule, Slicing, Value
from salus.fhir.profiles.values import meets

if TYPE_CHECKING:
    from salus.fhir.profiles.checks import Check

Answer = bool | None  # None: it cannot be told
STEP = re.compile(r"extension\('[^']*'\)|[A-Za-z]+\([^)]*\)|[^.]+")
BY_TYPE = Slicing((("type", "$this"),), "open", False)
BY_URL = Slicing((("value", "url"),), "open", False)


def slicing_of(rule: Rule) -> Slicing:
    """As the profile says; extensions by their url and choices by their type where it says nothing."""
    if rule.slicing is not None:
        return rule.slicing
    return BY_URL if rule.name in ("extension", "modifierExtension") else BY_TYPE


def belongs(check: "Check", slicing: Slicing, slice: Rule, item: Place) -> Answer:
    """Whether the item is of the slice: by every discriminator."""
    unsure = not slicing.discriminators
    for kind, path in slicing.discriminators:
        answer = told_by(check, kind, path, slice, item)
        if answer is False:
            return False
        unsure = unsure or answer is None
    return None if unsure else True


def told_by(check: "Check", kind: str, path: str, slice: Rule, item: Place) -> Answer:
    check.spend()
    rules = described(check, slice, path)
    look = LOOKS.get(kind)
    try:
        resolve = check.named if kind == "type" else check.resolve
        nodes = compile(path).nodes(item.node, whole=item.whole, root=item.root, resolve=resolve)
    except SalusError:
        return None
    if kind == "exists":
        return exists(rules, nodes)
    if not nodes:
        return None if "resolve()" in path and item.node.value else False
    if not rules or look is None:
        return None
    answers = [look(check, rules, node, path, item) for node in nodes]
    return True if True in answers else None if None in answers else False


def described(check: "Check", slice: Rule, path: str) -> list[Rule]:
    """What the slice says of the element at a discriminator's path; through the profiles of its types where need be."""
    found = [slice]
    for step in STEP.findall(path):
        if step == "$this" or step.endswith("()") or step.startswith("ofType("):
            continue
        found = [below for rule in found for below in stepped(check, rule, step)]
    return found


def stepped(check: "Check", rule: Rule, step: str) -> list[Rule]:
    if step.startswith("extension("):
        url = step[len("extension('") : -2]
        slices = rule.children["extension"].slices.values() if "extension" in rule.children else ()
        return [slice for slice in slices if any(url in kind.profiles for kind in slice.kinds)]
    name = step.partition("[")[0]
    if name == "url" and (urls := [url.partition("|")[0] for kind in rule.kinds for url in kind.profiles]):
        return [Rule("url", value=Value(True, url)) for url in urls]  # an extension is known by its definition
    if name in rule.children:
        child = rule.children[name]
        return [child, *(slice for slice in child.slices.values() if slice.least)]
    if rule.value is not None and isinstance(rule.value.wanted, dict) and name in rule.value.wanted:
        wanted = rule.value.wanted[name]
        return [Rule(name, value=Value(rule.value.is_fixed, one)) for one in listed(wanted)]
    inside = (check.profiles.known(url) for kind in rule.kinds for url in (*kind.profiles, *kind.targets))
    return [root.children[name] for root in inside if root and name in root.children]


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def exists(rules: list[Rule], nodes: list[Node]) -> Answer:
    if not rules:
        return None
    return bool(nodes) != (rules[0].most == 0) if rules[0].most == 0 or rules[0].least else None


def by_value(check: "Check", rules: list[Rule], node: Node, path: str, item: Place) -> Answer:
    answers = [fits(check, rule, Place(node, item.element, item.path, item.whole, item.root)) for rule in rules]
    return True if True in answers else False if False in answers else None


def fits(check: "Check", rule: Rule, place: Place) -> Answer:
    """Whether a value is what the rule, or what stands below it, says of values; None where they say nothing."""
    answers: list[Answer] = []
    if rule.value is not None:
        answers.append(meets(rule.value, place.node.value))
    elif rule.binding is not None:
        told = codings(place.node) or []
        known = [check.value_sets.holds(rule.binding[1], coding) for coding in told]
        answers.append(True if True in known else None if None in known else False)
    for name, child in rule.children.items():
        if says_value(child):
            below = [fits(check, child, part) for part in check.parts(place, name)]
            answers.append(True if True in below else None if None in below else False)
    return False if False in answers else True if True in answers else None


def says_value(rule: Rule) -> bool:
    return rule.value is not None or any(says_value(child) for child in rule.children.values())


def by_kind(check: "Check", rules: list[Rule], node: Node, path: str, item: Place) -> Answer:
    wanted = [kind for rule in rules for kind in rule.kinds]
    if not wanted:
        return None
    if "resolve()" in path:
        return any(is_target(check, url, node) for kind in wanted for url in kind.targets)
    return any(is_kind(check, kind, node) for kind in wanted)


def is_kind(check: "Check", kind: Kind, node: Node) -> bool:
    return kind.code in kinds(node.kind)


def is_target(check: "Check", url: str, node: Node) -> bool:
    return (core_type(url) or check.profiles.type_of(url) or "") in kinds(node.kind)


def by_profile(check: "Check", rules: list[Rule], node: Node, path: str, item: Place) -> Answer:
    kinds = [kind for rule in rules for kind in rule.kinds]
    urls = [url for kind in kinds for url in (kind.targets if "resolve()" in path else kind.profiles)]
    place = Place(node, node.kind, item.path, node, item.root if node.kind != "Bundle" else node)
    answers = [check.conforms(url, place) for url in urls]
    return True if True in answers else None if None in answers or not urls else False


LOOKS: dict[str, Callable[..., Answer]] = {
    "value": by_value,
    "pattern": by_value,
    "type": by_kind,
    "profile": by_profile,
}
