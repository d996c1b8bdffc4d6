"""One patient at a time: the FHIR R4 store. Knows versions, search, history and who asked; opens only for an Actor
with a Purpose. Must not know what the records mean for anybody's health.
"""

from salus.records.records import Records
from salus.records.shapes import Change, Outcome, Page, Version
from salus.records.store import Store

__all__ = ["Change", "Outcome", "Page", "Records", "Store", "Version"]
