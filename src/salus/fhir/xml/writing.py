"""A valid resource in JSON as XML: elements in the order of the definitions, numbers as they were written.

https://hl7.org/fhir/R4/xml.html
"""

import json
import re
from collections.abc import Iterator
from html.entities import html5
from itertools import zip_longest
from typing import Any
from xml.parsers import expat

from salus.base.errors import NotAcceptable
from salus.fhir.definitions import RESOURCE_TYPES, elements
from salus.fhir.primitives import PRIMITIVES

Json = dict[str, Any]
FHIR = "http://hl7.org/fhir"
ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\n": "&#10;", "\r": "&#13;", "\t": "&#9;"}
SPECIAL = re.compile('[&<>"\n\r\t]')
NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
ENTITY = re.compile(r"&([A-Za-z][A-Za-z0-9]*;)")
OWN = ("amp;", "lt;", "gt;", "quot;", "apos;")  # the entities that XML has itself


def write(data: bytes) -> bytes:
    """The XML of a resource in JSON. Raises NotAcceptable where a text cannot stand in XML."""
    body = json.loads(data, parse_float=str, parse_int=str)
    return b'<?xml version="1.0" encoding="UTF-8"?>' + "".join(resource(body, f' xmlns="{FHIR}"')).encode()


def resource(body: Json, more: str = "") -> Iterator[str]:
    name = body["resourceType"]
    yield f"<{name}{more}>"
    yield from children(name, body)
    yield f"</{name}>"


def children(kind: str, body: Json) -> Iterator[str]:
    """The elements of a value; what stands in its attributes is left out."""
    for element in elements(kind):
        for field, inner in element.fields:
            if is_attribute(kind, field):
                continue
            if inner in PRIMITIVES:
                yield from primitives(field, inner, body.get(field), body.get("_" + field))
            elif field in body:
                for value in body[field] if element.repeats else [body[field]]:
                    yield from part(field, inner, value)


def is_attribute(kind: str, field: str) -> bool:
    """Element.id and Extension.url are attributes; the id of a resource is an element."""
    return (field == "id" and kind not in RESOURCE_TYPES) or (kind == "Extension" and field == "url")


def part(field: str, kind: str, value: Json) -> Iterator[str]:
    if kind == "Resource":
        yield f"<{field}>"
        yield from resource(value)
    else:
        yield f"<{field}{attributes(kind, value)}>"
        yield from children(kind, value)
    yield f"</{field}>"


def attributes(kind: str, value: Json) -> str:
    known = ((name, value.get(name)) for name in ("id", "url") if is_attribute(kind, name))
    return "".join(f' {name}="{escaped(text)}"' for name, text in known if isinstance(text, str))


def primitives(field: str, kind: str, values: Any, siblings: Any) -> Iterator[str]:
    lists = [one if isinstance(one, list) else [one] for one in (values, siblings)]
    for value, sibling in zip_longest(*lists):
        if value is not None or sibling is not None:
            yield xhtml(value) if kind == "xhtml" and value is not None else primitive(field, value, sibling or {})


def primitive(field: str, value: Any, sibling: Json) -> str:
    text = "" if value is None else f' value="{escaped(str(value).lower() if isinstance(value, bool) else value)}"'
    inside = "".join(children("Element", sibling))
    head = f"<{field}{attributes('Element', sibling)}{text}"
    return f"{head}>{inside}</{field}>" if inside else f"{head}/>"


def escaped(text: str) -> str:
    """
    >>> escaped('a < "b"')
    'a &lt; &quot;b&quot;'
    """
    if found := NO_XML.search(text):
        raise NotAcceptable(f"A text holds the character U+{ord(found[0]):04X}, which XML cannot hold: ask for JSON")
    return SPECIAL.sub(lambda sign: ESCAPES[sign[0]], text)


def xhtml(text: str) -> str:
    """A narrative as it is, without HTML's own entities. Raises NotAcceptable where it is not well-formed."""
    told = ENTITY.sub(lambda found: found[0] if found[1] in OWN else html5.get(found[1], found[0]), text.strip())
    try:
        expat.ParserCreate("UTF-8").Parse(told.encode(), True)
    except expat.ExpatError as fault:
        raise NotAcceptable(f"A narrative is no XHTML ({fault}): ask for JSON") from None
    return told
