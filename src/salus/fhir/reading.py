"""Bytes to resource: decode and validate in one pass. https://hl7.org/fhir/R4/json.html

msgspec reads and checks; where it refuses, or where the bytes hold something it cannot judge (null, an empty object, a
key given twice, a `_sibling`), the walker reads again, slowly, and names every fault.
"""

import re
from itertools import accumulate
from typing import Any, NamedTuple

import msgspec

from salus.base.errors import Invalid, Issue, Malformed, SalusError
from salus.fhir import walker
from salus.fhir.definitions import RESOURCE_TYPES
from salus.fhir.shapes import decoder
from salus.fhir.verdicts import shown
from salus.fhir.walker import DEEPEST, LONGEST

_HEAD = re.compile(rb'\s*\{\s*"resourceType"\s*:\s*"([A-Za-z]{1,60})"')
_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_NO_BRACKETS = bytes(set(range(256)) - set(b"{}[]"))
_NO_STRUCTURE = bytes(set(range(256)) - set(b'{}[]"'))
_NO_OBJECTS = bytes(set(range(256)) - set(b"{}:"))
_ZEROS = bytes.maketrans(b"123456789", b"000000000")
_RUN = b"0" * (LONGEST // 3)
_LONG_NUMBER = re.compile(rb"[-+.0-9eE]{%d,}" % (LONGEST + 1))
SAVED = LONGEST - 24  # bytes by which a number that is too long gets shorter when it is written again
_encoder = msgspec.json.Encoder(enc_hook=str)  # the texts of `primitives` as plain ones


class Decoded(NamedTuple):
    """A valid resource: its type, its id where it has one, and the Struct."""

    type: str
    id: str | None
    resource: Any


class _Head(msgspec.Struct):
    resourceType: Any = None


_head = msgspec.json.Decoder(_Head)


def decode(data: bytes, expected: str | None = None) -> Decoded:
    """The resource in these bytes. Raises Malformed where they are not JSON, Invalid with all issues otherwise."""
    name = resource_type(data, expected)
    try:
        resource, full = shaped(data, name)
    except msgspec.ValidationError as error:
        raise refusal(data, name, str(error)) from None
    except SalusError as error:  # a nested resource: read again for the whole path
        raise refusal(data, name, str(error), isinstance(error, Malformed)) from None
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise malformed(error, data) from None
    objects = data.translate(None, _NO_OBJECTS)
    if too_deep(data, name, objects):
        raise malformed(RecursionError(), data)
    if (full or doubtful(data, resource, objects)) and (issues := walker.walk(data, name, nested=False)):
        raise Invalid(issues[0].text, issues=issues)
    return Decoded(name, resource.id, resource)


def shaped(data: bytes, name: str) -> tuple[Any, bool]:
    """The Struct, and whether only the full shape fits, which the walker has to look at. Raises what msgspec raises."""
    try:
        return decoder(name, False).decode(data), False
    except msgspec.ValidationError:
        if b'"_' not in data and b"null" not in data and b"\\u" not in data:
            raise
        return decoder(name, True).decode(data), True


def resource_type(data: bytes, expected: str | None) -> str:
    """The `resourceType`, which must be known and, where one is expected, that one."""
    found = _HEAD.match(data)
    name = found[1].decode() if found else read_type(data)
    if not isinstance(name, str) or name not in RESOURCE_TYPES:
        text = f"resourceType is {shown(name)}: write {expected or 'the name of an R4 resource type'}"
        raise Invalid(text, path="resourceType")
    if expected and name != expected:
        raise Invalid(
            f"resourceType is {shown(name)} where {expected} belongs: send it to /{name}", path="resourceType"
        )
    return name


def read_type(data: bytes) -> Any:
    try:
        return _head.decode(data).resourceType
    except msgspec.ValidationError:
        raise Malformed("The body is JSON but no object: send one FHIR resource") from None
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise malformed(error, data) from None


def malformed(error: Exception, data: bytes) -> Malformed:
    if isinstance(error, RecursionError):
        return Malformed(f"The body nests too deeply: keep to {DEEPEST} levels")
    if path := walker.no_character(data):
        told = (
            f"{path} holds what is no character: half of a surrogate pair, or bytes that are not UTF-8: write it anew"
        )
        return Malformed(told, path=path)
    return Malformed(f"The body is not JSON: {error}")


def refusal(data: bytes, name: str, reason: str, is_malformed: bool = False) -> SalusError:
    """Every fault that the walker finds; msgspec's own words where it finds none."""
    if is_malformed and walker.no_character(data):
        return malformed(ValueError(reason), data)
    try:
        issues = walker.walk(data, name)
    except SalusError as error:
        return error
    issues = issues or [Issue("invalid", name, reason)]
    return Invalid(issues[0].text, issues=issues)


def doubtful(data: bytes, resource: Any, objects: bytes) -> bool:
    """True where msgspec may have passed over something: then the walker decides. `objects`: the `{`, `}` and `:`."""
    again = _encoder.encode(resource)
    return (
        len(again.translate(None, _NO_OBJECTS)) != len(objects)  # a key twice: one colon too many
        or (b"{}" in objects and b"{}" in again)  # a unit may be {score}
        or (b"\\" in data and (b"\\u003" in data or b"\\u007" in data))  # one of the three written as an escape
        or (len(data) - len(again) > SAVED and has_long_number(data))
    )


def has_long_number(data: bytes) -> bool:
    """Whether a number is longer than `walker.LONGEST`: one of its parts has many digits in a row."""
    return _RUN in data.translate(_ZEROS) and _LONG_NUMBER.search(_STRINGS.sub(b'""', data)) is not None


def too_deep(data: bytes, name: str, objects: bytes) -> bool:
    """True over `DEEPEST` levels. A Bundle adds three to its resources, each of which was looked at by itself."""
    if name == "Bundle" and data.count(b'"Bundle"') == 1:
        return False
    if objects.count(b"{") <= DEEPEST // 2:  # FHIR has no list of lists: at least half of the levels are objects
        return False
    return not surely_shallow(data) and depth(data) > DEEPEST


def surely_shallow(data: bytes) -> bool:
    """A quick look: True only where the depth is at most `DEEPEST`."""
    if b"\\" in data:
        return False
    rest = data.translate(None, _NO_STRUCTURE).replace(b'""', b"")
    for _ in range(DEEPEST // 2):  # each round takes away one or two levels
        rest = rest.replace(b"{}", b"").replace(b"[]", b"")
        if not rest:
            return True
    return False


def depth(data: bytes) -> int:
    """How deeply objects and arrays nest.

    >>> depth(b'{"a": [{"b": "[[["}]}')
    3
    """
    brackets = _STRINGS.sub(b"", data).translate(None, _NO_BRACKETS)
    return max(accumulate(1 if c in b"{[" else -1 for c in brackets), default=0)
