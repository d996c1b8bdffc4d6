"""The steps of an order, told by the ServiceRequest and its Procedure together.

https://hl7.org/fhir/R4/valueset-request-status.html, https://hl7.org/fhir/R4/valueset-event-status.html
"""

from collections.abc import Mapping
from typing import Any

from salus.services.moves import Moves

STEPS = Moves(
    {
        "carry-out": (frozenset({"ordered"}), "done"),
        "leave": (frozenset({"ordered"}), "not-done"),
        "take-back": (frozenset({"done", "not-done"}), "ordered"),
        "cancel": (frozenset({"ordered"}), "cancelled"),
        "again": (frozenset({"cancelled"}), "ordered"),
    },
    {
        "carry-out": "carried out",
        "leave": "noted as not done",
        "take-back": "set waiting again",
        "cancel": "cancelled",
        "again": "ordered again",
    },
    {"not-done": "noted as not done"},
)
TOLD = {"completed": "done", "not-done": "not-done"}  # by its Procedure
ASKED = {"active": "ordered", "completed": "done", "revoked": "cancelled"}  # by the order itself


def step_of(order: Mapping[str, Any], procedure: Mapping[str, Any] | None) -> str:
    """
    >>> step_of({"status": "active"}, None), step_of({"status": "revoked"}, {"status": "not-done"})
    ('ordered', 'not-done')
    """
    if procedure and procedure["status"] in TOLD:
        return TOLD[procedure["status"]]
    return ASKED.get(order["status"], str(order["status"]))
