"""NDJSON: one resource a line. https://hl7.org/fhir/uv/bulkdata/export.html#file-requests"""

from collections.abc import Iterator
from typing import IO

import msgspec

from salus.exchange.identity import id_of_content
from salus.exchange.shapes import Found, Item, Refusal

MAX_LINE = 16 << 20  # bytes


class Head(msgspec.Struct):
    """As much of a resource as the door must know."""

    resourceType: str = ""
    id: str | None = None


head = msgspec.json.Decoder(Head).decode
NO_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def items_in_lines(name: str, stream: IO[bytes]) -> Iterator[Found]:
    """Each line as an item or a refusal; empty lines and a byte order mark are passed over."""
    number = 0
    while line := stream.readline(MAX_LINE + 1):
        number += 1
        where = f"{name}:{number}"
        if len(line) > MAX_LINE:
            yield Refusal(where, "", "", f"The line is longer than {MAX_LINE} bytes: put attachments into Binary")
            while line and not line.endswith(b"\n"):
                line = stream.readline(MAX_LINE)
        elif text := line.strip().removeprefix(b"\xef\xbb\xbf"):
            yield item_of(text, where)


def item_of(body: bytes, where: object) -> Found:
    """The item that these bytes are; an id is made from its content when it has none."""
    try:
        found = head(body)
    except NO_JSON as fault:
        return Refusal(str(where), "", "", f"{body[:60].decode('utf-8', 'replace')!r} is not a JSON resource ({fault})")
    if not found.resourceType:
        return Refusal(str(where), "", "resourceType", "There is no resourceType: every line must be one FHIR resource")
    if found.id is not None:
        return Item(found.resourceType, found.id, body, where)
    made = id_of_content(body)
    return Item(found.resourceType, made, with_id(body, made), where)


def with_id(body: bytes, id: str) -> bytes:
    """
    >>> with_id(b' {"resourceType": "Patient"}', "7")
    b'{"id":"7","resourceType": "Patient"}'
    """
    return b'{"id":"' + id.encode() + b'",' + body.lstrip()[1:].lstrip()
