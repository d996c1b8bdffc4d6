"""FHIRPath: expressions compiled once and run over plain JSON. Knows R4's types; no store, no person, no network.

https://hl7.org/fhirpath/N1/ and https://hl7.org/fhir/R4/fhirpath.html
"""

from salus.fhir.fhirpath.expression import Expression, compile
from salus.fhir.fhirpath.fhir import by_type, near
from salus.fhir.fhirpath.nodes import Held, Node, plain, resource

__all__ = ["Expression", "Held", "Node", "by_type", "compile", "near", "plain", "resource"]
