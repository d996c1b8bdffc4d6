"""The FHIR R4 door at /fhir: one file an interaction. Knows HTTP; must not know SQL. https://hl7.org/fhir/R4/http.html"""

from salus.api.fhir.door import door

__all__ = ["door"]
