"""Erasure by law, and of what was entered for the wrong patient: what goes, and what stays so that the rest can still
be proved. Knows the store's tables; must not know what others have made of them: who keeps copies of records hears of
it through the outbox and says when its copies are clean (`finishing`).

docs/decisions/0035-erasure.md. Law: https://gdpr-info.eu/art-17-gdpr/, PIPL article 47.
"""

from salus.records.erasing.finishing import COPY, Pending, Sweep, finish, keep_up, pending
from salus.records.erasing.remembering import (
    ENDING,
    Gone,
    apply_again,
    collected,
    listed,
    put,
    remember,
    remember_beside,
)
from salus.records.erasing.shapes import Preview, Report, What, Wish
from salus.records.erasing.verbs import erase, preview

__all__ = [
    "COPY",
    "ENDING",
    "Gone",
    "Pending",
    "Preview",
    "Report",
    "Sweep",
    "What",
    "Wish",
    "apply_again",
    "collected",
    "erase",
    "finish",
    "keep_up",
    "listed",
    "pending",
    "preview",
    "put",
    "remember",
    "remember_beside",
]
