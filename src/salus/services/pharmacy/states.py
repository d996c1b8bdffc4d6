"""The states of a review (a Task) and of a dispensing (a MedicationDispense), and what leads from one to another.

https://hl7.org/fhir/R4/valueset-task-status.html, https://hl7.org/fhir/R4/valueset-medicationdispense-status.html
"""

from salus.services.moves import NOTHING, Moves

REVIEW = Moves(
    {
        "ask": (frozenset({NOTHING, "requested"}), "requested"),
        "accept": (frozenset({"requested"}), "completed"),
        "refuse": (frozenset({"requested"}), "rejected"),
        "come-again": (frozenset({"rejected", "completed", "cancelled"}), "requested"),
        "withdraw": (frozenset({"requested", "rejected"}), "cancelled"),
    },
    {
        "ask": "put to the pharmacist",
        "accept": "accepted",
        "refuse": "refused",
        "come-again": "put to the pharmacist again",
        "withdraw": "withdrawn",
    },
)
DISPENSE = Moves(
    {
        "prepare": (frozenset({NOTHING}), "preparation"),
        "hand-over": (frozenset({"preparation"}), "completed"),
        "put-back": (frozenset({"preparation"}), "cancelled"),
        "take-back": (frozenset({"completed"}), "completed"),
        "mistake": (frozenset({"completed"}), "entered-in-error"),
    },
    {
        "prepare": "prepared",
        "hand-over": "handed over",
        "put-back": "put back on the shelf",
        "take-back": "taken back",
        "mistake": "marked as a mistake",
    },
)
