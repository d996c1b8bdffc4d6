"""References in JSON: find them, and put real addresses in the place of `urn:uuid:` ones.

https://hl7.org/fhir/R4/http.html#trules
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

# A literal reference, or any text that is a urn as a whole; of those, the keys below keep theirs.
_LINKS = re.compile(rb'(?:"([A-Za-z]+)"\s*:\s*)?"((?:urn:(?:uuid|oid):|(?<=:")[A-Z#]|(?<=: ")[A-Z#])[^"\\]*)"')
_KEEP = {b"fullUrl", b"value", b"valueString", b"id", b"system", b"display", b"text"}


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
    """The JSON bytes with each reference (and each text that is a whole urn) that the mapping names replaced.

    Bundle.entry.fullUrl and identifier values stay; all other bytes stay as they are.

    >>> rewrite(b'{"subject": {"reference": "urn:uuid:1"}}', {"urn:uuid:1": "Patient/7"})
    b'{"subject": {"reference": "Patient/7"}}'
    """

    def put(found: re.Match[bytes]) -> bytes:
        key, old = found[1], found[2].decode()
        if old not in mapping or key in _KEEP or (key != b"reference" and not old.startswith("urn:")):
            return found[0]
        start = found.start(2) - found.start()
        return found[0][:start] + mapping[old].encode() + b'"'

    return _LINKS.sub(put, data)
