"""Bundles of every kind as single items: ids given, references between the entries made plain.

https://hl7.org/fhir/R4/bundle.html#references  An import takes each entry by itself: one that is refused does not hold
back the others, unlike a transaction over HTTP.
"""

import re
from collections.abc import Iterator
from typing import IO

import msgspec

from salus.exchange.identity import id_of_content, id_of_url
from salus.exchange.lines import Head, item_of
from salus.exchange.shapes import Found, Refusal

MAX_BUNDLE = 1 << 30  # bytes
REFERENCE = re.compile(rb'("(?:reference|url)"\s*:\s*")((?:urn:|https?:)[^"\\]*)"')
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


decode = msgspec.json.Decoder(Bundle).decode
head = msgspec.json.Decoder(Head).decode


def items_in_bundle(name: str, stream: IO[bytes]) -> Iterator[Found]:
    """The entries of a Bundle, or the one resource that the file is."""
    data = stream.read(MAX_BUNDLE + 1)
    if len(data) > MAX_BUNDLE:
        yield Refusal(f"{name}:1", "Bundle", "", f"is larger than {MAX_BUNDLE} bytes: split it, or give NDJSON")
        return
    try:
        bundle = decode(data.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        yield Refusal(
            f"{name}:{line_of_fault(data, fault)}", "", "", f"is not a JSON resource ({fault}): mend the file"
        )
        return
    if bundle.resourceType != "Bundle":
        yield item_of(data, f"{name}:1")
    elif bundle.type == "history":
        yield Refusal(f"{name}:1", "Bundle", "Bundle.type", "'history' holds old versions: give a 'collection' instead")
    else:
        yield from entries(name, data, bundle)


def line_of_fault(data: bytes, fault: Exception) -> int:
    """The line that msgspec's "(byte 123)" means; 1 when it names none."""
    found = re.search(r"byte (\d+)", str(fault))
    return data.count(b"\n", 0, int(found[1])) + 1 if found else 1


def entries(name: str, data: bytes, bundle: Bundle) -> Iterator[Found]:
    """Each entry with its line. Positions are looked up in order, so the whole costs one walk over the text."""
    addresses = addresses_in(bundle)
    at = line = 1
    byte = 0
    for number, entry in enumerate(bundle.entry):
        raw = bytes(entry.resource)
        start = data.find(raw, byte) if raw else byte
        line += data.count(b"\n", byte, start)
        byte, at = start, line
        where = f"{name}:{at}"
        refusal = without_content(entry, where, number)
        yield refusal or addressed(raw, where, entry, addresses)


def without_content(entry: Entry, where: str, number: int) -> Refusal | None:
    """The refusal of an entry that asks for something else than to be kept."""
    method = entry.request.method if entry.request else ""
    if bytes(entry.resource) and method not in NO_CONTENT:
        return None
    what = NO_CONTENT.get(method, "an entry without a resource")
    return Refusal(where, "", f"Bundle.entry[{number}]", f"is {what}: an import takes only resources to keep")


def addresses_in(bundle: Bundle) -> dict[bytes, bytes]:
    """fullUrl -> Type/id, for the references between the entries."""
    found = {}
    for entry in bundle.entry:
        if entry.fullUrl and (kind := head_of(entry)) and kind.resourceType:
            found[entry.fullUrl.encode()] = f"{kind.resourceType}/{id_of(entry, kind)}".encode()
    return found


def head_of(entry: Entry) -> Head | None:
    try:
        return head(entry.resource)
    except msgspec.DecodeError:
        return None


def id_of(entry: Entry, kind: Head) -> str:
    """Its own id, that of the address it is put at, that of its fullUrl, or one made from its content."""
    if kind.id:
        return kind.id
    address = entry.request.url.split("?")[0] if entry.request and entry.request.method == "PUT" else ""
    if address.startswith(f"{kind.resourceType}/"):
        return address.rsplit("/", 1)[1]
    return id_of_url(entry.fullUrl) if entry.fullUrl else id_of_content(bytes(entry.resource))


def addressed(raw: bytes, where: str, entry: Entry, addresses: dict[bytes, bytes]) -> Found:
    kind = head_of(entry)
    return item_of(relinked(raw, addresses), where, id_of(entry, kind) if kind else None)


def relinked(raw: bytes, addresses: dict[bytes, bytes]) -> bytes:
    """The references to other entries as Type/id.

    >>> relinked(b'{"reference": "urn:uuid:1"}', {b"urn:uuid:1": b"Patient/1"})
    b'{"reference": "Patient/1"}'
    """
    return REFERENCE.sub(lambda match: match[1] + addresses.get(match[2], match[2]) + b'"', raw)
