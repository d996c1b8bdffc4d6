"""References in JSON: find them, and put real addresses in the place of `urn:uuid:` ones.

https://hl7.org/fhir/R4/http.html#trules
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

_URN = re.compile(rb'"(urn:(?:uuid|oid):[^"\\]*)"')
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

    def of_urn(found: re.Match[bytes]) -> bytes:
        new = mapping.get(found[1].decode())
        start = found.start()
        inside = data[start - 1 : start] == b"\\"  # the quote is one of a longer text's own
        if new is None or inside or _KEPT.search(data, max(0, start - 40), start):
            return found[0]
        return b'"%b"' % new.encode()

    def of_reference(found: re.Match[bytes]) -> bytes:
        new = mapping.get(json.loads(b'"%b"' % found[2]))
        return found[0] if new is None else b'%b"%b"' % (found[1], new.encode())

    rewritten = _URN.sub(of_urn, data)
    if all(old.startswith("urn:") for old in mapping):
        return rewritten
    return _REFERENCE.sub(of_reference, rewritten)
