"""FHIR as XML: to JSON and back, by the same definitions. https://hl7.org/fhir/R4/xml.html

Knows the form only: what is valid is decided on the JSON, and in its words.
"""

from salus.fhir.xml.reading import read
from salus.fhir.xml.writing import write

__all__ = ["read", "write"]
