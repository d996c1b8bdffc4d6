"""FHIR R4 as data: definitions, decode and validate, search extraction. Knows no store, no person, no purpose."""

from salus.fhir.definitions import RESOURCE_TYPES
from salus.fhir.reading import Decoded, decode

__all__ = ["RESOURCE_TYPES", "Decoded", "decode"]
