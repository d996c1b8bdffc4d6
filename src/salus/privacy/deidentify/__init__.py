"""Text without those it is about: what is found by the patient's own record, by patterns, and what is left to a human.

Pure rules over text and FHIR JSON; stores nothing, reads nothing, logs nothing. Must not know who may release a text.
docs/decisions/0069-the-gate.md.
"""

from salus.privacy.deidentify.ages import Band
from salus.privacy.deidentify.cleaning import deidentify
from salus.privacy.deidentify.identity import NOBODY, Identity, Number, Person, identity_of
from salus.privacy.deidentify.shapes import Cleaned, Kind, Leftover, Span

__all__ = [
    "NOBODY",
    "Band",
    "Cleaned",
    "Identity",
    "Kind",
    "Leftover",
    "Number",
    "Person",
    "Span",
    "deidentify",
    "identity_of",
]
