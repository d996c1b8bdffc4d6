"""Doors for machines: FHIR, CDS Hooks, notices of payments. Knows protocols and who knocks; must not know medicine nor
how records lie.
"""
