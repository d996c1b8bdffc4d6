"""Conditional references such as `Practitioner?identifier=system|value`: who is meant, once that is known.

https://hl7.org/fhir/R4/http.html#trules allows them in transactions; bulk exports carry them too. One whose target is
in the store or came earlier in this import becomes `Type/id`; any other is kept as an identifier, so nothing is lost.
"""

import json
import re
from collections.abc import Callable, Iterator
from urllib.parse import unquote

import msgspec

from salus.exchange.shapes import Aside, Found, Item

CONDITIONAL = re.compile(rb'"reference"\s*:\s*"([A-Z][A-Za-z]+)\?identifier=([^"\\&]*)"')
TARGETS = frozenset({"Organization", "Location", "Practitioner", "PractitionerRole", "Patient", "Device", "Medication"})
MOST = 1_000_000  # identifiers kept in memory
Search = Callable[[str, str, str], str | None]


class Identifier(msgspec.Struct):
    system: str = ""
    value: str = ""


class Identified(msgspec.Struct):
    identifier: list[Identifier] = []


identified = msgspec.json.Decoder(Identified).decode


class Links:
    """The identifiers met so far. `search(type, system, value)` asks the store for an id."""

    def __init__(self, search: Search) -> None:
        self._search = search
        self._known: dict[tuple[str, str, str], str | None] = {}

    def learned(self, things: Iterator[Found | Aside]) -> Iterator[Found | Aside]:
        """The same things, learned from as they pass."""
        for thing in things:
            if isinstance(thing, Item):
                self.learn(thing)
            yield thing

    def learn(self, item: Item) -> None:
        """Remember the identifiers of a thing that others may point at."""
        if item.type not in TARGETS or len(self._known) > MOST:
            return
        try:
            found = identified(item.body)
        except (msgspec.DecodeError, RecursionError):
            return
        for identifier in found.identifier:
            self._known[item.type, identifier.system, identifier.value] = item.id

    def known(self, type: str, search: str) -> str | None:
        """The id that `identifier=system|value` finds; None for any other search."""
        name, _, token = search.removeprefix("?").partition("=")
        system, _, value = unquote(token).rpartition("|")
        return self.id_for(type, system, value) if name == "identifier" and "&" not in token else None

    def id_for(self, type: str, system: str, value: str) -> str | None:
        key = (type, system, value)
        if key not in self._known:
            self._known[key] = self._search(type, system, value)
        return self._known[key]

    def resolved(self, item: Item) -> Item:
        """The item with its conditional references resolved."""
        if b"?identifier=" not in item.body:
            return item
        body = CONDITIONAL.sub(self._literal, item.body)
        while match := CONDITIONAL.search(body):
            logical = as_identifier(body, match)
            if logical is None:
                break
            body = logical
        return item._replace(body=body)

    def _literal(self, match: re.Match[bytes]) -> bytes:
        type, system, value = meant(match)
        found = self.id_for(type, system, value)
        return f'"reference":"{type}/{found}"'.encode() if found else match[0]


def meant(match: re.Match[bytes]) -> tuple[str, str, str]:
    """(type, system, value); the system is empty when only a value is given."""
    system, _, value = unquote(match[2].decode()).rpartition("|")
    return match[1].decode(), system, value


def as_identifier(body: bytes, match: re.Match[bytes]) -> bytes | None:
    """The body with `type` and `identifier` in place of the `reference` matched; None when its object is not found."""
    start = match.start()
    while (start := body.rfind(b"{", 0, start)) >= 0:
        text = body[start:].decode()
        try:
            reference, length = json.JSONDecoder().raw_decode(text)
        except json.JSONDecodeError:
            return None
        if start + len(text[:length].encode()) > match.end():
            break
    else:
        return None
    type, system, value = meant(match)
    reference.pop("reference")
    named = {"system": system, "value": value} if system else {"value": value}
    plain = {"type": type, "identifier": named} | reference
    return body[:start] + json.dumps(plain, ensure_ascii=False).encode() + body[start + len(text[:length].encode()) :]
