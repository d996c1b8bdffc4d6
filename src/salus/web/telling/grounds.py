"""Why somebody comes, in the words that they or the desk wrote: of a walk-in on the Encounter, else on its booking."""

from typing import Any

from salus.records import Records
from salus.services.looking import looked_up


def why(records: Records, encounter: str) -> str:
    """`encounter`: a reference; empty where nobody said."""
    found = looked_up(records, encounter)
    booked = (looked_up(records, one["reference"]) for one in found.get("appointment", []) if "reference" in one)
    return said(found) or next((words for one in booked if (words := said(one))), "")


def said(told: dict[str, Any]) -> str:
    """
    >>> said({"description": "thirst"}), said({"reasonCode": [{"text": "dizzy"}, {"coding": []}]}), said({})
    ('thirst', 'dizzy', '')
    """
    return str(told.get("description") or " ".join(one["text"] for one in told.get("reasonCode", []) if "text" in one))
