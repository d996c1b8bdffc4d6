"""The primitive types: how each is read and what is refused. https://hl7.org/fhir/R4/datatypes.html#primitive

A text type that needs a look (code, uri, dates ...) is a `str` subclass; msgspec hands each such text to `read`, which
remembers the ones it has seen, so that a code, a system or a day is checked once and shared.
"""

import binascii
import operator
import re
from collections.abc import Callable
from typing import Annotated, Any, NamedTuple

from msgspec import Meta

from salus.fhir.dates import HINT, span
from salus.fhir.definitions import RESOURCE_TYPES

REMEMBERED = 20_000  # texts per type; the memory is emptied when full
LONGEST = 256  # characters of a text worth remembering


class Code(str):
    """A code: no space at either end, single spaces inside."""

    __slots__ = ()


class Id(str):
    """A logical id."""

    __slots__ = ()


class Uri(str):
    """A uri, url or canonical: no space at all."""

    __slots__ = ()


class Oid(str):
    """An OID as urn:oid:..."""

    __slots__ = ()


class Uuid(str):
    """A UUID as urn:uuid:..."""

    __slots__ = ()


class Moment(str):
    """A date, dateTime or instant with its range: low <= t < high in UTC microseconds."""

    __slots__ = ("high", "low")
    low: int
    high: int


class Date(Moment):
    """A date: YYYY, YYYY-MM or YYYY-MM-DD."""

    __slots__ = ()


class DateTime(Moment):
    """A date or a moment with its zone."""

    __slots__ = ()


class Instant(Moment):
    """A moment with its zone."""

    __slots__ = ()


class Clock(str):
    """A time of day: hh:mm:ss."""

    __slots__ = ()


class Base64(str):
    """Bytes as base64."""

    __slots__ = ()


class Xhtml(str):
    """A narrative: one <div>, nothing that runs, loads or asks. https://hl7.org/fhir/R4/narrative.html#security"""

    __slots__ = ()


class Link(str):
    """A literal reference. `Type/id`: its `type` and `id`; `#contained`: None and ""; else None and the whole text."""

    __slots__ = ("id", "type")
    type: str | None
    id: str


_CODE = re.compile(r"\S+(?:\s\S+)*", re.ASCII)
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_URI = re.compile(r"\S+", re.ASCII)
_OID = re.compile(r"urn:oid:[0-2](?:\.(?:0|[1-9][0-9]*))+")
_UUID = re.compile(r"urn:uuid:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_CLOCK = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\.[0-9]+)?")
_ZONED = re.compile(r".{10}T.{8}.*(?:Z|[+-].{5})").fullmatch  # of what is a date already
_LITERAL = re.compile(r"([A-Za-z0-9\-.]{1,64})(?:/_history/[A-Za-z0-9\-.]{1,64})?")
_OTHER_LINK = re.compile(r"#\S*|[A-Z][A-Za-z]{2,40}\?\S+|[a-z][a-z0-9+.\-]*:\S+")
_DIV = re.compile(r"\s*<div[\s/>].*>\s*", re.DOTALL)
_ACTIVE = re.compile(
    r"<\s*(?:script|iframe|frame|frameset|object|embed|applet|form|input|button|base|link|head|body|meta)\b"
    r"|<[^<>]*\s(?:on\w+|formaction)\s*=|<[^<>]*=[\s\"']*(?:javascript|vbscript)\s*:",
    re.IGNORECASE,
)


def _whole(pattern: re.Pattern[str]) -> Callable[[Any, str], Any]:
    def check(kind: Any, text: str) -> Any:
        if not pattern.fullmatch(text):
            raise ValueError(text)
        return kind(text)

    return check


def _date(kind: Any, text: str) -> Any:
    moment = kind(text)
    moment.low, moment.high = span(text)
    if len(text) <= 10:
        if kind is Instant:
            raise ValueError(text)
    elif kind is Date or not _ZONED(text):
        raise ValueError(text)
    return moment


def _xhtml(kind: Any, text: str) -> Any:
    if not _DIV.fullmatch(text) or _ACTIVE.search(text):
        raise ValueError(text)
    return kind(text)


def _base64(kind: Any, text: str) -> Any:
    if not text.strip():
        raise ValueError(text)
    binascii.a2b_base64("".join(text.split()), strict_mode=True)  # binascii.Error is a ValueError
    return kind(text)


def _link(kind: Any, text: str) -> Any:
    link = kind(text)
    type, _, id = text.partition("/")
    if type in RESOURCE_TYPES and (found := _LITERAL.fullmatch(id)):
        link.type, link.id = type, found[1]
    elif _OTHER_LINK.fullmatch(text):
        link.type, link.id = None, "" if text[0] == "#" else text
    else:
        raise ValueError(text)
    return link


CHECKS: dict[type, Callable[[Any, str], Any]] = {
    Code: _whole(_CODE),
    Id: _whole(_ID),
    Uri: _whole(_URI),
    Oid: _whole(_OID),
    Uuid: _whole(_UUID),
    Clock: _whole(_CLOCK),
    Date: _date,
    DateTime: _date,
    Instant: _date,
    Base64: _base64,
    Xhtml: _xhtml,
    Link: _link,
}
ONCE = (Id, Base64, Xhtml)  # texts that seldom come again


class Memory(dict[str, Any]):
    """The texts of one type that were looked at, each with its value; a text that is not among them is looked at."""

    def __init__(self, kind: Any) -> None:
        self._kind, self._check = kind, CHECKS[kind]

    def __missing__(self, text: Any) -> Any:
        """Raises ValueError where the type refuses it. Another thread may empty the memory at any time."""
        if type(text) is not str:
            raise ValueError("not a text")
        try:
            value = self._check(self._kind, text)
        except OverflowError:
            raise ValueError(text) from None
        if len(text) <= LONGEST and self._kind not in ONCE:
            if len(self) >= REMEMBERED:
                self.clear()
            self[text] = value
        return value


for _kind in CHECKS:  # a bound method of C: `Code["final"]` takes 40 ns, a function of ours five times that
    _kind.__class_getitem__ = Memory(_kind).__getitem__  # type: ignore[attr-defined]

# msgspec's `dec_hook`: `read(Code, text)` is the text as its type. Raises ValueError where the type refuses it,
# TypeError where it is a list or an object.
read: Callable[[Any, Any], Any] = operator.getitem


class Primitive(NamedTuple):
    """`shape` for msgspec, the Python type of the JSON value, and what to write instead."""

    shape: Any
    json: type
    hint: str


TEXT = Annotated[str, Meta(min_length=1)]
_WITH_ZONE = "write YYYY-MM-DDThh:mm:ss+zz:zz with the zone, and a day that the calendar has"
PRIMITIVES: dict[str, Primitive] = {
    "boolean": Primitive(bool, bool, "write true or false, without quotes"),
    "integer": Primitive(Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)], int, "write a whole number of 32 bits"),
    "positiveInt": Primitive(Annotated[int, Meta(ge=1, le=2**31 - 1)], int, "write a whole number from 1"),
    "unsignedInt": Primitive(Annotated[int, Meta(ge=0, le=2**31 - 1)], int, "write a whole number from 0"),
    "decimal": Primitive(float, float, "write a number, without quotes"),
    "string": Primitive(TEXT, str, "write a text of at least one character, or leave the element out"),
    "markdown": Primitive(TEXT, str, "write a text of at least one character, or leave the element out"),
    "xhtml": Primitive(Xhtml, str, "write one <div> of XHTML without scripts, forms, frames and events"),
    "code": Primitive(Code, str, "write a code without spaces at its ends or doubled inside"),
    "id": Primitive(Id, str, "write 1 to 64 letters, digits, '-' or '.'"),
    "uri": Primitive(Uri, str, "write a URI without spaces"),
    "url": Primitive(Uri, str, "write a URL without spaces"),
    "canonical": Primitive(Uri, str, "write a canonical URL without spaces"),
    "oid": Primitive(Oid, str, "write urn:oid: and the numbers"),
    "uuid": Primitive(Uuid, str, "write urn:uuid: and a lower-case UUID"),
    "base64Binary": Primitive(Base64, str, "write base64"),
    "time": Primitive(Clock, str, "write hh:mm:ss"),
    "date": Primitive(
        Date, str, HINT.replace(", YYYY-MM-DD or YYYY-MM-DDThh:mm:ss+zz:zz with its zone", " or YYYY-MM-DD")
    ),
    "dateTime": Primitive(DateTime, str, HINT),
    "instant": Primitive(Instant, str, _WITH_ZONE),
    "reference": Primitive(
        Link, str, "write Type/id with an R4 type, an absolute URL, urn:uuid:..., or #id of a contained resource"
    ),
}
