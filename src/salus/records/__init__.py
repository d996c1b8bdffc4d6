"""One patient at a time: the FHIR R4 store. Knows versions, search, history and who asked; opens only for an Actor
with a Purpose. Must not know what the records mean for anybody's health.
"""

from salus.records.answers import known_already, searchset
from salus.records.bundles import etag
from salus.records.engines import check_there
from salus.records.patches import patch as change_of
from salus.records.records import Records
from salus.records.search import served
from salus.records.shapes import Audited, Change, Outcome, Page, Version
from salus.records.store import Store

__all__ = [
    "Audited",
    "Change",
    "Outcome",
    "Page",
    "Records",
    "Store",
    "Version",
    "change_of",
    "check_there",
    "etag",
    "known_already",
    "searchset",
    "served",
]
