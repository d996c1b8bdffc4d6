"""How the fields of the schema are filled: by the records, as the actor who asks, within what one query may read.

https://hl7.org/fhir/R4/graphql.html
"""

from collections.abc import Callable
from typing import Any

import orjson
from graphql import GraphQLResolveInfo

from salus import fhir
from salus.base.errors import Forbidden, Gone, Malformed, Missing, TooLarge, Unsupported
from salus.fhir import fhirpath
from salus.records import Page, Records, Version

MOST_LOOKS = 500  # reads and searches of one query
MOST_RESOURCES = 5000
MOST_BYTES = 32 << 20  # of their bodies
Json = dict[str, Any]
Info = GraphQLResolveInfo[Any]
Resolver = Callable[..., Any]
GONE = (Missing, Gone, Forbidden)  # what an optional reference may lead to


class Reading:
    """What one query has read so far. `fault`: why it may read no more."""

    def __init__(self, records: Records) -> None:
        self.records = records
        self.fault: TooLarge | None = None
        self._looks, self._resources, self._bytes = MOST_LOOKS, MOST_RESOURCES, MOST_BYTES

    def read(self, type: str, id: str) -> Json:
        self._look()
        return self._opened(self.records.read(type, id))

    def search(self, type: str, pairs: list[tuple[str, str]]) -> tuple[Page, list[Json]]:
        self._look()
        page = self.records.search(type, pairs)
        return page, [self._opened(version) for version in page.versions]

    def _look(self) -> None:
        self._looks -= 1
        if self.fault or self._looks < 0:
            raise self._full(f"{MOST_LOOKS} reads and searches")

    def _opened(self, version: Version) -> Json:
        self._resources -= 1
        self._bytes -= len(version.body)
        if self._resources < 0 or self._bytes < 0:
            raise self._full(f"{MOST_RESOURCES} resources or {MOST_BYTES} bytes")
        found: Json = orjson.loads(version.body)
        return found

    def _full(self, what: str) -> TooLarge:
        self.fault = self.fault or TooLarge(f"This query needs more than {what}: ask for less, by _count or in parts")
        return self.fault


def listed(type: str) -> Resolver:
    """A list of a datatype within a resource, of which the arguments leave some: `name(use: official)`."""

    def some(source: Json, info: Info, **given: Any) -> list[Any] | None:
        items = source.get(info.field_name)
        if items is None:
            return None
        begin, count, path = given.pop("_offset", 0), given.pop("_count", None), given.pop("fhirpath", None)
        if begin < 0 or (count is not None and count < 0):
            raise Malformed(f"{info.field_name}: _offset and _count are 0 or more")
        kept = [item for item in items if all(plain(item.get(name)) == value for name, value in given.items())]
        if path is not None:
            kept = [item for item in kept if fhirpath.compile(path).holds(fhirpath.Node(type, item))]
        return kept[begin:] if count is None else kept[begin : begin + count]

    return some


def plain(value: Any) -> str | None:
    """A value as it is written in a query."""
    return None if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def referred(source: Json, info: Info, optional: bool = False, type: str | None = None) -> Json | None:
    """What a reference names, by its `Type/id`. With `optional`, nothing where that is not here or not to be seen."""
    named = source.get("reference", "")
    kind, _, id = named.partition("/")
    if kind not in fhir.RESOURCE_TYPES or not id:
        if optional or not named:
            return None
        raise Unsupported(f"'{named[:80]}' is not read: only Type/id is; say optional: true to go on without it")
    if type not in (None, kind):
        return None
    reading: Reading = info.context
    try:
        return reading.read(kind, id.partition("/")[0])
    except GONE:
        if optional:
            return None
        raise


def one(type: str) -> Resolver:
    """`Type(id: ...)`."""

    def read(_: Any, info: Info, id: str) -> Json:
        reading: Reading = info.context
        return reading.read(type, id)

    return read


def found(type: str) -> Resolver:
    """`TypeList(...)`."""

    def search(source: Json | None, info: Info, **given: Any) -> list[Json]:
        return looked(type, source, info, given)[1]

    return search


def paged(type: str) -> Resolver:
    """`TypeConnection(...)`: a page, how many there are in all, and the cursor of the next."""

    def search(source: Json | None, info: Info, **given: Any) -> Json:
        page, bodies = looked(type, source, info, given, [("_total", "accurate")])
        edges = [{"mode": "match", "resource": body} for body in bodies]
        following = (page.next or "").rpartition("_cursor=")[2] or None
        return {"count": page.total, "pagesize": len(edges), "next": following, "edges": edges}

    return search


def looked(
    type: str, source: Json | None, info: Info, given: Json, more: list[tuple[str, str]] | None = None
) -> tuple[Page, list[Json]]:
    """A search by the arguments; within a resource, for what refers to it by `_reference`."""
    reading: Reading = info.context
    reference = given.pop("_reference", None)
    pairs = [*pairs_of(type, given), *(more or [])]
    if reference is not None and source is not None:
        known = fhir.parameters(type).get(reference)
        if known is None or known.kind != "reference" or source["resourceType"] not in known.targets:
            raise Unsupported(f"_reference: {reference[:40]} of {type} does not refer to {source['resourceType']}")
        pairs.append((reference, f"{source['resourceType']}/{source['id']}"))
    return reading.search(type, pairs)


def pairs_of(type: str, given: Json) -> list[tuple[str, str]]:
    """The arguments as the parameters of a search; several values of one must all hold."""
    names = {name.replace("-", "_"): name for name in fhir.parameters(type)}
    named = [(names.get(name, name), value) for name, value in given.items() if value is not None]
    return [(name, one) for name, value in named for one in (value if isinstance(value, list) else [value])]
