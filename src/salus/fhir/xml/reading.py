"""A resource in XML as JSON; whether it is valid is for `salus.fhir.decode` to say.

https://hl7.org/fhir/R4/xml.html  Nothing is fetched and nothing expands: a document type, which entities need, is
refused.
"""

import re
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from typing import Any, NoReturn
from xml.parsers import expat

import msgspec

from salus.base.errors import Malformed
from salus.fhir.definitions import RESOURCE_TYPES, definitions, elements
from salus.fhir.primitives import PRIMITIVES
from salus.fhir.verdicts import cut
from salus.fhir.walker import DEEPEST, LONGEST
from salus.fhir.xml.writing import FHIR, is_attribute

Json = dict[str, Any]
XHTML = "http://www.w3.org/1999/xhtml"
NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?")
WHOLE = re.compile(r"-?(?:0|[1-9][0-9]*)")
NUMBERS = {"decimal": NUMBER, "integer": WHOLE, "positiveInt": WHOLE, "unsignedInt": WHOLE}
_encoder = msgspec.json.Encoder(decimal_format="number")


def read(data: bytes) -> bytes:
    """The JSON of a resource in XML (UTF-8). Raises Malformed, with the line, for what cannot be read."""
    try:
        data.decode()  # the parser would take other encodings, too
    except UnicodeDecodeError as fault:
        raise Malformed(f"The XML is not UTF-8 at byte {fault.start}: send it in UTF-8") from None
    return _encoder.encode(Reader(data).body())


@cache
def rows(kind: str) -> dict[str, tuple[str, bool]]:
    """Element name in XML -> (type, does it repeat)."""
    known = elements(kind) if kind in definitions()["types"] else ()
    return {name: (inner, one.repeats) for one in known for name, inner in one.fields if not is_attribute(kind, name)}


@dataclass(slots=True)
class Part:
    """An element that is open: of a primitive, `value` is its text and `body` its id and extensions."""

    name: str
    kind: str
    repeats: bool
    value: Any = None
    body: Json = field(default_factory=dict)
    lists: dict[str, list[tuple[Any, Any]]] = field(default_factory=dict)  # of primitives that repeat


class Reader:
    """Reads one document."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.open: list[Part] = [Part("", "Resource", False)]
        self.inside, self.start = 0, 0  # elements open in a narrative, and where it begins
        self.parser = expat.ParserCreate("UTF-8", " ")
        self.parser.buffer_text = True
        self.parser.StartElementHandler, self.parser.EndElementHandler = self.begin, self.end
        self.parser.CharacterDataHandler = self.text
        self.parser.StartDoctypeDeclHandler = self.doctype

    def body(self) -> Json:
        try:
            self.parser.Parse(self.data, True)
        except expat.ExpatError as fault:
            raise Malformed(f"The body is not XML: {fault}") from None
        found: Json = self.open[0].body["resource"]
        return found

    def wrong(self, why: str) -> NoReturn:
        raise Malformed(f"Line {self.parser.CurrentLineNumber} of the XML: {why}")

    def doctype(self, *_: Any) -> None:
        self.wrong("a document type is not read: leave out <!DOCTYPE ...>")

    def begin(self, name: str, given: dict[str, str]) -> None:
        space, _, local = name.rpartition(" ")
        if self.inside:
            self.inside += 1
            return
        above = self.open[-1]
        if space == XHTML and local == "div" and rows(above.kind).get("div", ("", False))[0] == "xhtml":
            self.inside, self.start = 1, self.parser.CurrentByteIndex
            return
        if space != FHIR:
            self.wrong(f"<{cut(local)}> is in the namespace {cut(space) or 'of none'}: write {FHIR}")
        if len(self.open) > DEEPEST:
            self.wrong(f"it nests too deeply: keep to {DEEPEST} levels")
        self.open.append(self.part(above, local, given))

    def part(self, above: Part, name: str, given: dict[str, str]) -> Part:
        """The element that begins; one that is unknown is kept, for its fault to be told by path."""
        if above.kind == "Resource":
            if name not in RESOURCE_TYPES or above.body or given:
                self.wrong(f"<{cut(name)}> stands where one resource belongs, without attributes")
            return Part(name, name, False, body={"resourceType": name})
        owner = "Element" if above.kind in PRIMITIVES else above.kind
        kind, repeats = rows(owner).get(name, ("", False))
        made = Part(name, kind, repeats)
        for key, text in given.items():
            if key == "value" and (kind in PRIMITIVES or not kind):
                made.value = value(kind, text)
            elif key == "id" or (key == "url" and kind == "Extension"):
                made.body[key] = text
            else:
                self.wrong(f"<{cut(name)}> has the attribute {cut(key)}: leave it out")
        return made

    def text(self, text: str) -> None:
        if not self.inside and text.strip():
            self.wrong(f"the text '{cut(text.strip())}' stands between elements: put it into value=\"...\"")

    def end(self, name: str) -> None:
        if self.inside:
            self.inside -= 1
            if not self.inside:
                self.open[-1].body["div"] = self.narrative()
            return
        part = self.open.pop()
        close(part)
        above = self.open[-1]
        if above.kind == "Resource":
            above.body["resource"] = part.body
        elif part.kind in PRIMITIVES:
            hang(above, part, part.value, part.body or None)
        else:
            hang(above, part, inner(part), None)

    def narrative(self) -> str:
        """The <div> as it stands."""
        end = self.parser.CurrentByteIndex
        if self.data[end : end + 2] == b"</":
            end = self.data.index(b">", end) + 1
        found = self.data[self.start : end].decode()
        if not found.startswith("<div"):
            self.wrong(f'a narrative begins with <div xmlns="{XHTML}">')
        return found


def value(kind: str, text: str) -> Any:
    """A value as JSON has it; one that cannot be so stays a text, for its fault to be told."""
    if kind == "boolean" and text in ("true", "false"):
        return text == "true"
    if kind in NUMBERS and len(text) <= LONGEST and NUMBERS[kind].fullmatch(text):
        return Decimal(text) if kind == "decimal" else int(text)
    return text


def inner(part: Part) -> Any:
    if part.kind == "Resource":
        return part.body.get("resource", {})
    return part.body if part.kind or part.body else part.value


def hang(above: Part, part: Part, value: Any, more: Any) -> None:
    """Into the object above: a list grows; what may stand once and comes again becomes one, which is then refused."""
    if part.repeats and part.kind in PRIMITIVES:
        above.lists.setdefault(part.name, []).append((value, more))
        return
    for key, one in ((part.name, value), ("_" + part.name, more)):
        if one is None:
            continue
        if part.repeats:
            above.body.setdefault(key, []).append(one)
        elif isinstance(before := above.body.get(key), list):
            before.append(one)
        else:
            above.body[key] = [before, one] if key in above.body else one


def close(part: Part) -> None:
    """The lists of primitives: values, and beside them ids and extensions, with null in the gaps."""
    for name, pairs in part.lists.items():
        for key, side in ((name, [value for value, _ in pairs]), ("_" + name, [more for _, more in pairs])):
            if any(one is not None for one in side):
                part.body[key] = side
