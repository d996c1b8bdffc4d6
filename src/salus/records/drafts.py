"""A resource on its way in: checked, indexed, and cut so that the writer only fills in id, version and time.

The JSON that came in is kept member by member as text, so a decimal such as 1.10 stays 1.10; only white space goes.
"""

import re
from collections.abc import Callable, Iterable

import msgspec
import orjson

from salus import fhir
from salus.base.errors import Invalid, Malformed
from salus.privacy import release
from salus.records import joined
from salus.records.ids import check_id
from salus.records.shapes import Document

Members = dict[str, msgspec.Raw]


class OnlyMeta(msgspec.Struct):
    meta: msgspec.Raw = msgspec.Raw()


_only_meta = msgspec.json.Decoder(OnlyMeta)
_members = msgspec.json.Decoder(Members)
REFERENCE = re.compile(rb'"reference":"([^"#\\]*[:?][^"\\]*)"')
MAX_BODY = 16 << 20  # bytes of JSON in one resource


class Draft(msgspec.Struct):
    """`head` + id + `meta` + version + time + `rest` make the body; `indexed` is what the search will know of it;
    `withheld`: whether the patient's own account may not see it (None: as the version before it)."""

    type: str
    id: str | None
    meta: bytes
    rest: bytes
    indexed: fhir.Indexed
    withheld: bool | None

    def stamped(self, id: str, version: int, at: str) -> bytes:
        """The body as stored. `at` is a FHIR instant."""
        return b"".join((head(self.type, id, version, at), b'"', self.meta, b"}", self.rest, b"}"))

    def redirect(self, mapping: Callable[[str], str]) -> None:
        """Replace each reference that is a URL or a search by what `mapping` says of it; it may raise Invalid."""

        def put(match: re.Match[bytes]) -> bytes:
            return b'"reference":"%b"' % mapping(match[1].decode()).encode()

        self.rest = REFERENCE.sub(put, self.rest)
        for n, (path, kind, text) in enumerate(self.indexed.references):
            if kind is None:
                self.indexed.references[n] = aim(path, mapping(text))


def head(type: str, id: str, version: int, at: str) -> bytes:
    """How a body begins, up to the end of the time."""
    return f'{{"resourceType":"{type}","id":"{id}","meta":{{"versionId":"{version}","lastUpdated":"{at}'.encode()


def aim(path: int, reference: str) -> tuple[int, str | None, str]:
    """A reference as the search knows it."""
    kind, _, id = reference.partition("/")
    return (path, kind, id) if kind in fhir.RESOURCE_TYPES and "/" not in id else (path, None, reference)


def as_bytes(body: Document) -> bytes:
    """JSON text of what was given."""
    return body if isinstance(body, bytes) else orjson.dumps(body)


def members(data: bytes, compact: bool) -> Members:
    """The members of a JSON object as text without white space. Raises Malformed."""
    try:
        return _members.decode(data if compact else msgspec.json.format(data, indent=-1))
    except (msgspec.DecodeError, RecursionError, ValueError) as fault:
        raise Malformed(f"This is not a JSON object: {fault}") from None


def _meta(raw: msgspec.Raw | None) -> bytes:
    if raw is None:
        return b""
    text = bytes(raw)
    if b"versionId" not in text and b"lastUpdated" not in text:
        return b",%b" % text[1:-1]
    kept = _members.decode(text)
    return b"".join(
        b',"%b":%b' % (name.encode(), bytes(value))
        for name, value in kept.items()
        if name not in ("versionId", "lastUpdated", "_versionId", "_lastUpdated")
    )


def draft(body: Document, expected: str | None = None, compact: bool = False) -> Draft:
    """Check and index one resource; `compact` says that there is no white space between its tokens.

    Raises Malformed when it is not JSON, Invalid (naming path and value) when it is not a resource of type `expected`.
    """
    data = as_bytes(body)
    if len(data) > MAX_BODY:
        raise Invalid(f"The resource has {len(data)} bytes; {MAX_BODY} are the most: put attachments into Binary")
    decoded = fhir.decode(data, expected)
    if not compact:
        data = msgspec.json.format(data, indent=-1)
    meta, rest = cut(data, decoded) or taken_apart(data)
    indexed, withheld = fhir.index(decoded.type, decoded.resource), release.withheld(decoded.type, decoded.resource)
    if joined.TOLD in meta:
        joined.mark(decoded.type, indexed, joined.also_of(data))
    return Draft(decoded.type, decoded.id, meta, rest, indexed, withheld)


def cut(data: bytes, decoded: fhir.Decoded) -> tuple[bytes, bytes] | None:
    """`meta` and `rest` where type and id stand at the beginning and one meta is found; else None."""
    id = b"" if decoded.id is None else b'"id":"%b",' % decoded.id.encode()
    head = b'{"resourceType":"%b",%b' % (decoded.type.encode(), id)
    if not data.startswith(head):
        return None
    rest = data[len(head) - 1 : -1]
    if decoded.resource.meta is None:
        return b"", rest
    raw = _only_meta.decode(data).meta
    before, _, after = rest.partition(b',"meta":%b' % bytes(raw))
    if b',"meta":' in after:  # one in a contained resource: which of them is it?
        return None
    return _meta(raw), before + after


def taken_apart(data: bytes) -> tuple[bytes, bytes]:
    """`meta` and `rest`, whatever the order."""
    parts = members(data, True)
    meta = _meta(parts.pop("meta", None))
    for name in ("resourceType", "id"):
        parts.pop(name, None)
    return meta, b"".join([b',"%b":%b' % (name.encode(), bytes(value)) for name, value in parts.items()])


def addressed(body: Document, type: str, id: str, compact: bool = False) -> Draft:
    """A draft for `PUT type/id`. Raises Invalid when the resource names another id."""
    check_id(id)
    made = draft(body, type, compact)
    if made.id is not None and made.id != id:
        raise Invalid(
            f"The resource says id '{made.id}' but is put at {type}/{id}: make them the same", path=f"{type}.id"
        )
    made.id = id
    return made


def again(type: str, body: bytes) -> fhir.Indexed:
    """What the search knows of a body that is already stored."""
    return read_again(type, body)[0]


def read_again(type: str, body: bytes) -> tuple[fhir.Indexed, bool | None]:
    """As `again`, and whether it is withheld."""
    resource = fhir.decode(body, type).resource
    indexed = fhir.index(type, resource)
    if joined.TOLD in body:
        joined.mark(type, indexed, joined.also_of(body))
    return indexed, release.withheld(type, resource)


def remarked(draft: Draft, id: str, patients: Iterable[str]) -> Draft:
    """The same, also of these patients (`joined`) and of no others."""
    draft.meta = joined.marked(draft.meta, patients)
    return addressed(draft.stamped(id, 1, "1970-01-01T00:00:00Z"), draft.type, id, compact=True)
