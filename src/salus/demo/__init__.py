"""A small synthetic city: people, illnesses, visits and what was written down about them, with the truth beside.

Knows FHIR only as plain dictionaries and writes files; must not open a store, train a model or read real data. Only
`today.py` lets a house that is open live through a day, by its own services.
"""
