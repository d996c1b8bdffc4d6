"""References in JSON: find them, and put real addresses in the place of `urn:uuid:` ones.

https://hl7.org/fhir/R4/http.html#trules
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

_REFERENCE = re.compile(rb'("reference"\s*:\s*)"((?:[^"\\]|\\.)*)"')
_KEPT = re.compile(rb'"(?:fullUrl|value|valueString|id|system|display|text)"\s*:\s*\Z')  # keys that keep their urn


def references(resource: Any) -> Iterator[dict[str, Any]]:
    """Every Reference with a literal `reference` in a JSON resource, in document order, at any depth."""
    waiting = [resource]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            if isinstance(part.get("reference"), str):
                yield part
            waiting.extend(reversed(part.values()))
        elif isinstance(part, list):
            waiting.extend(reversed(part))


def rewrite(data: bytes, mapping: Mapping[str, str]) -> bytes:
    """The (valid) JSON bytes with each reference (and each text that is a whole urn) that the mapping names replaced.

    Bundle.entry.fullUrl and identifier values stay; all other bytes stay as they are.

    >>> rewrite(b'{"subject": {"reference": "urn:uuid:1"}}', {"urn:uuid:1": "Patient/7"})
    b'{"subject": {"reference": "Patient/7"}}'
    """
    return Rewriting(mapping)(data)


class Rewriting:
    """`rewrite` for many JSON texts under one mapping."""

    def __init__(self, mapping: Mapping[str, str]) -> None:
        urns = {old: new for old, new in mapping.items() if old.startswith("urn:")}
        self._urns = {old[4:].encode(): new.encode() for old, new in urns.items()}
        self._others = {old: new for old, new in mapping.items() if old not in urns}

    def __call__(self, data: bytes) -> bytes:
        if self._urns:
            data = self._without_urns(data)
        return _REFERENCE.sub(self._of_reference, data) if self._others else data

    def _without_urns(self, data: bytes) -> bytes:
        before, *rest = data.split(b'"urn:')
        pieces = [before]
        for piece in rest:
            end = piece.find(b'"')
            new = self._urns.get(piece[:end]) if end > 0 else None
            if new is not None and (before.endswith(b'"reference":') or may_change(before)):
                pieces += (b'"', new, piece[end:])
            else:
                pieces += (b'"urn:', piece)
            before = piece
        return b"".join(pieces)

    def _of_reference(self, found: re.Match[bytes]) -> bytes:
        new = self._others.get(json.loads(b'"%b"' % found[2]))
        return found[0] if new is None else b'%b"%b"' % (found[1], new.encode())


def may_change(before: bytes) -> bool:
    """Whether a urn may be replaced that stands behind this: not within a longer text, nor behind certain keys."""
    return not before.endswith(b"\\") and not _KEPT.search(before, max(0, len(before) - 40))
