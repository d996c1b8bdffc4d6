"""Bundles of every kind as single items: ids given, references between the entries made plain.

https://hl7.org/fhir/R4/bundle.html#references  An import takes each entry by itself: one that is refused does not hold
back the others, unlike a transaction over HTTP.
"""

import re
from collections.abc import Callable, Iterator
from typing import IO, NamedTuple

import msgspec

from salus.exchange.identity import id_of_content, id_of_url
from salus.exchange.lines import NO_JSON, Head, item_of, with_id
from salus.exchange.shapes import Already, Found, Item, Refusal

MAX_BUNDLE = 1 << 28  # bytes, twice which are held in memory
REFERENCE = re.compile(rb'("(?:reference|url)"\s*:\s*")((?:urn:|https?:)[^"\\]*)"')
NEWLINE = b"\n"
NO_CONTENT = {"GET": "a search", "HEAD": "a search", "DELETE": "a deletion", "PATCH": "a patch"}


class Request(msgspec.Struct):
    method: str = ""
    url: str = ""
    ifNoneExist: str | None = None


class Entry(msgspec.Struct):
    fullUrl: str | None = None
    resource: msgspec.Raw = msgspec.Raw()
    request: Request | None = None


class Bundle(msgspec.Struct):
    resourceType: str = ""
    type: str = ""
    entry: list[Entry] = []


Known = Callable[[str, str], str | None]
decode = msgspec.json.Decoder(Bundle).decode
head = msgspec.json.Decoder(Head).decode


def items_in_bundle(name: str, stream: IO[bytes], known: Known) -> Iterator[Found]:
    """The entries of a Bundle, or the one resource that the file is. `known(type, search)` gives an id or None."""
    data = stream.read(MAX_BUNDLE + 1)
    if len(data) > MAX_BUNDLE:
        yield Refusal(f"{name}:1", "Bundle", "", f"is larger than {MAX_BUNDLE} bytes: split it, or give NDJSON")
        return
    try:
        bundle = decode(data.removeprefix(b"\xef\xbb\xbf"))
    except NO_JSON as fault:
        yield Refusal(
            f"{name}:{line_of_fault(data, fault)}", "", "", f"is not a JSON resource ({fault}): mend the file"
        )
        return
    if bundle.resourceType != "Bundle":
        yield item_of(data, f"{name}:1")
    elif bundle.type == "history":
        yield Refusal(f"{name}:1", "Bundle", "Bundle.type", "'history' holds old versions: give a 'collection' instead")
    else:
        yield from entries(name, data, bundle, known)


def line_of_fault(data: bytes, fault: Exception) -> int:
    """The line that msgspec's "(byte 123)" means; 1 when it names none."""
    found = re.search(r"byte (\d+)", str(fault))
    return data.count(b"\n", 0, int(found[1])) + 1 if found else 1


class Spot:
    """Where an entry stands in its file; its line is counted only when somebody asks, which is when it is refused."""

    __slots__ = ("_data", "_name", "_raw")

    def __init__(self, name: str, data: bytes, raw: bytes) -> None:
        self._name, self._data, self._raw = name, data, raw

    def __str__(self) -> str:
        at = max(0, self._data.find(self._raw))
        return f"{self._name}:{self._data.count(NEWLINE, 0, at) + 1}"


class Told(NamedTuple):
    """What is known of an entry before it is read as a whole. `already`: its id is that of something that is here."""

    type: str
    id: str
    has_id: bool
    already: bool


def entries(name: str, data: bytes, bundle: Bundle, known: Known) -> Iterator[Found]:
    """Each entry as an item or a refusal."""
    heads = [told_of(entry, known) for entry in bundle.entry]
    addresses = {
        entry.fullUrl.encode(): f"{told.type}/{told.id}".encode()
        for entry, told in zip(bundle.entry, heads, strict=True)
        if entry.fullUrl and told
    }
    for number, (entry, told) in enumerate(zip(bundle.entry, heads, strict=True)):
        raw = bytes(entry.resource)
        where = Spot(name, data, raw)
        method = entry.request.method if entry.request else ""
        if not raw or method in NO_CONTENT:
            yield without_content(method, where, number)
        elif told is None:
            yield item_of(raw, where)
        elif told.already:
            yield Already(told.type, where)
        else:
            body = relinked(raw, addresses)
            yield Item(told.type, told.id, body if told.has_id else with_id(body, told.id), where)


def told_of(entry: Entry, known: Known) -> Told | None:
    """None when it is no resource."""
    try:
        kind = head(entry.resource)
    except NO_JSON:
        return None
    if not kind.resourceType:
        return None
    id = id_of(entry, kind)
    search = entry.request.ifNoneExist if entry.request else None
    here = known(kind.resourceType, search) if search else None
    return Told(kind.resourceType, here or id, bool(kind.id), here is not None and here != id)


def without_content(method: str, where: Spot, number: int) -> Refusal:
    """The refusal of an entry that asks for something else than to be kept."""
    what = NO_CONTENT.get(method, "an entry without a resource")
    return Refusal(str(where), "", f"Bundle.entry[{number}]", f"is {what}: an import takes only resources to keep")


def id_of(entry: Entry, kind: Head) -> str:
    """Its own id, that of the address it is put at, that of its fullUrl, or one made from its content."""
    if kind.id:
        return kind.id
    address = entry.request.url.split("?")[0] if entry.request and entry.request.method == "PUT" else ""
    if address.startswith(f"{kind.resourceType}/"):
        return address.rsplit("/", 1)[1]
    return id_of_url(entry.fullUrl) if entry.fullUrl else id_of_content(bytes(entry.resource))


def relinked(raw: bytes, addresses: dict[bytes, bytes]) -> bytes:
    """The references to other entries as Type/id.

    >>> relinked(b'{"reference": "urn:uuid:1"}', {b"urn:uuid:1": b"Patient/1"})
    b'{"reference": "Patient/1"}'
    """
    return REFERENCE.sub(lambda match: match[1] + addresses.get(match[2], match[2]) + b'"', raw)
