"""Patches: from what a client sends to a change of a body. Knows FHIR's shapes; must not know the store.

https://hl7.org/fhir/R4/http.html#patch
"""

from salus.base.errors import WrongMedia
from salus.records.patches.fhirpath_patch import fhirpath_patch
from salus.records.patches.json_patch import json_patch
from salus.records.patches.merge_patch import merge_patch
from salus.records.patches.text import Patch, patched, read


def json_of_some_kind(data: bytes) -> Patch:
    """What clients send as plain JSON: a list is a JSON Patch, Parameters are a FHIRPath Patch, else it is merged."""
    sent = read(data)
    if isinstance(sent, list):
        return json_patch(data)
    named = isinstance(sent, dict) and sent.get("resourceType") == "Parameters"
    return fhirpath_patch(data) if named else merge_patch(data)


READERS = {
    "application/json-patch+json": json_patch,
    "application/fhir+json": fhirpath_patch,
    "application/merge-patch+json": merge_patch,
    "application/json": json_of_some_kind,
}


def patch(media: str, data: bytes) -> Patch:
    """The change that `data` asks for. Raises WrongMedia, Malformed, Invalid."""
    kind = media.partition(";")[0].strip().lower()
    if kind not in READERS:
        raise WrongMedia(f"A patch as {kind[:60]} is not served: send {' or '.join(list(READERS)[:3])}")
    return READERS[kind](data)


__all__ = ["Patch", "patch", "patched"]
