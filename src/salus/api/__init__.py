"""Doors for machines: FHIR, CDS Hooks. Knows protocols and who knocks; must not know medicine nor how records lie."""
