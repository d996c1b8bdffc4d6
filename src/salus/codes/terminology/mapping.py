"""Concept maps: from a code in one system to codes in another. https://hl7.org/fhir/R4/conceptmap.html"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

import msgspec

from salus.codes import tables
from salus.codes.tables import Term

SALUS = "https://salus.example/ConceptMap/"
NO_MATCH = {"unmatched", "disjoint"}
# an equivalence seen from the other side: https://hl7.org/fhir/R4/valueset-concept-map-equivalence.html
INVERSE = {"wider": "narrower", "narrower": "wider", "subsumes": "specializes", "specializes": "subsumes"}


class Target(NamedTuple):
    code: str
    display: str
    equivalence: str


class Group(msgspec.Struct):
    """From one system to another; `unmapped` is how a code that is not in `elements` goes (mode, code, display)."""

    source: str
    target: str
    elements: dict[str, list[Target]]
    unmapped: tuple[str, str, str] | None = None


class ConceptMap(msgspec.Struct):
    """`source` and `target`: the value sets that it is between, where it says so."""

    url: str
    groups: list[Group]
    source: str = ""
    target: str = ""
    version: str = ""


class Match(NamedTuple):
    """A target, and the concept map that says so. `equivalence`: how the target is to the source."""

    equivalence: str
    system: str
    code: str
    display: str
    map: str


def concept_map_of(resource: Mapping[str, Any]) -> ConceptMap:
    """A ConceptMap resource in our shape."""
    return ConceptMap(
        resource.get("url", ""),
        [group_of(row) for row in resource.get("group", [])],
        side(resource, "source"),
        side(resource, "target"),
        resource.get("version", ""),
    )


def side(resource: Mapping[str, Any], name: str) -> str:
    """The value set on one side of the map, "" where it does not say."""
    return str(resource.get(f"{name}Canonical") or resource.get(f"{name}Uri") or "")


def group_of(row: Mapping[str, Any]) -> Group:
    elements: dict[str, list[Target]] = {}
    for element in row.get("element", []):
        targets = [
            Target(each.get("code", ""), each.get("display", ""), each.get("equivalence", "equivalent"))
            for each in element.get("target", [])
        ]
        elements.setdefault(element.get("code", ""), []).extend(targets)
    left = row.get("unmapped")
    unmapped = (left.get("mode", ""), left.get("code", ""), left.get("display", "")) if left else None
    return Group(row.get("source", ""), row.get("target", ""), elements, unmapped)


def translate(
    maps: Iterable[ConceptMap], system: str, code: str, target_system: str | None = None, reverse: bool = False
) -> list[Match]:
    """Where the code leads, by any of the maps; each target once."""
    found: dict[tuple[str, str], Match] = {}
    for one in maps:
        for group in one.groups:
            for match in backward(one, group, system, code) if reverse else forward(one, group, system, code):
                if target_system in (None, match.system):
                    found.setdefault((match.system, match.code), match)
    return list(found.values())


def forward(one: ConceptMap, group: Group, system: str, code: str) -> Iterator[Match]:
    if group.source != system:
        return
    if code in group.elements:
        for target in group.elements[code]:
            yield Match(target.equivalence, group.target, target.code, target.display, one.url)
    elif group.unmapped:
        mode, fixed, display = group.unmapped
        if mode == "provided":
            yield Match("equal", group.target, code, "", one.url)
        elif mode == "fixed":
            yield Match("inexact", group.target, fixed, display, one.url)


def backward(one: ConceptMap, group: Group, system: str, code: str) -> Iterator[Match]:
    if group.target != system:
        return
    for source, targets in group.elements.items():
        for target in targets:
            if target.code == code:
                yield Match(INVERSE.get(target.equivalence, target.equivalence), group.source, source, "", one.url)


@cache
def ours() -> list[ConceptMap]:
    """The maps of our tables: SNOMED CT to ICD-10 and ATC to RxNorm, and each the other way."""
    pairs = (
        ("snomed-icd10", tables.CONDITIONS, "icd10", tables.SNOMED, tables.ICD10),
        ("atc-rxnorm", tables.MEDICINES, "rxnorm", tables.ATC, tables.RXNORM),
    )
    made = []
    for name, table, key, source, target in pairs:
        there = between(name, table, key, source, target)
        made += [there, turned("-".join(reversed(name.split("-"))), there, table)]
    return made


def between(name: str, table: Mapping[str, Term], key: str, source: str, target: str) -> ConceptMap:
    """A map by one column of a table. A target that several codes lead to is wider than each of them."""
    shared = Counter(term.more[key] for term in table.values() if key in term.more)
    elements = {
        code: [Target(to, tables.name(target, to, "en") or "", "wider" if shared[to] > 1 else "relatedto")]
        for code, term in table.items()
        if (to := term.more.get(key))
    }
    return ConceptMap(SALUS + name, [Group(source, target, elements)])


def turned(name: str, there: ConceptMap, table: Mapping[str, Term]) -> ConceptMap:
    """The same map from the other end."""
    group = there.groups[0]
    elements: dict[str, list[Target]] = {}
    for code, targets in group.elements.items():
        for target in targets:
            said = Target(code, table[code].en, INVERSE.get(target.equivalence, target.equivalence))
            elements.setdefault(target.code, []).append(said)
    return ConceptMap(SALUS + name, [Group(group.target, group.source, elements)])
