"""`_elements` and `_summary`: only some elements of each resource, which says so by a tag.

https://hl7.org/fhir/R4/search.html#elements https://hl7.org/fhir/R4/search.html#summary

What is kept is kept to the letter: a decimal 1.10 stays 1.10.
"""

from collections.abc import Callable, Iterable
from functools import cache

from msgspec.structs import replace

from salus.base.errors import Unsupported
from salus.fhir.definitions import elements
from salus.records import drafts
from salus.records.search.summaries import summaries
from salus.records.shapes import Version

ALWAYS = frozenset({"resourceType", "id", "meta", "implicitRules"})
SUBSETTED = b'{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationValue","code":"SUBSETTED"}'
SHORT: dict[str, Callable[[str], frozenset[str]]] = {  # of a type: the elements that a `_summary` keeps
    "true": lambda type: summaries().get(type, frozenset()),
    "text": lambda type: frozenset({"text"}),
    "data": lambda type: frozenset(element.name for element in elements(type)) - {"text"},
}


@cache
def fields(type: str, names: frozenset[str]) -> frozenset[str]:
    """The JSON names of these elements and of those that no resource of the type can be without."""
    found = [element for element in elements(type) if element.least or named(element.name, names)]
    plain = {field for element in found for field, _ in element.fields}
    plain |= {field for element in elements(type) for field, _ in element.fields if field in names}
    return ALWAYS | plain | {f"_{field}" for field in plain}


def named(element: str, names: frozenset[str]) -> bool:
    return element in names or element.removesuffix("[x]") in names


def check_elements(types: Iterable[str], names: Iterable[str]) -> None:
    """Raises Unsupported for a name that is no element of any of the types."""
    known = {field for type in types for element in elements(type) for field, _ in element.fields}
    known |= {element.name.removesuffix("[x]") for type in types for element in elements(type)} | {"resourceType"}
    for name in names:
        if name.removesuffix("[x]") not in known:
            raise Unsupported(
                f"_elements={name[:80]}: {' and '.join(list(types)[:3])} has no such element at its root",
                path="_elements",
            )


def shortened(version: Version, names: frozenset[str]) -> Version:
    """The version with these elements only, tagged SUBSETTED."""
    kept = fields(version.type, names)
    members = {name: bytes(raw) for name, raw in drafts.members(version.body, compact=True).items() if name in kept}
    members["meta"] = tagged(members["meta"])
    pieces = [b'"%b":%b' % (name.encode(), raw) for name, raw in members.items()]
    return replace(version, body=b"{%b}" % b",".join(pieces))


def tagged(meta: bytes) -> bytes:
    """
    >>> tagged(b'{"versionId":"1"}').decode()[:31]
    '{"versionId":"1","tag":[{"syste'
    """
    members = {name: bytes(raw) for name, raw in drafts.members(meta, compact=True).items()}
    before = members.get("tag", b"[]")[1:-1]
    members["tag"] = b"[%b]" % b",".join(part for part in (before, SUBSETTED) if part)
    return b"{%b}" % b",".join(b'"%b":%b' % (name.encode(), raw) for name, raw in members.items())
