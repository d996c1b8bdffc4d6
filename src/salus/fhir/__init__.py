"""FHIR R4 as data: definitions, decode and validate, search extraction. Knows no store, no person, no purpose."""

from salus.fhir import dates, xml
from salus.fhir.definitions import RESOURCE_TYPES
from salus.fhir.extraction import Indexed, coded, index
from salus.fhir.links import Rewriting, references, rewrite
from salus.fhir.outcome import outcome
from salus.fhir.reading import Decoded, decode
from salus.fhir.search import Component, Parameter, compartment, compartments, parameters
from salus.fhir.text import normalize
from salus.fhir.validation import validate

__all__ = [
    "RESOURCE_TYPES",
    "Component",
    "Decoded",
    "Indexed",
    "Parameter",
    "Rewriting",
    "coded",
    "compartment",
    "compartments",
    "dates",
    "decode",
    "index",
    "normalize",
    "outcome",
    "parameters",
    "references",
    "rewrite",
    "validate",
    "xml",
]
