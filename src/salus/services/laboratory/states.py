"""The steps of an order through the laboratory, the states of a result that must be told, and what leads on.

A step is told by three resources together: the ServiceRequest, its DiagnosticReport and the Specimen in it.
https://hl7.org/fhir/R4/valueset-diagnostic-report-status.html, https://hl7.org/fhir/R4/valueset-task-status.html
"""

from salus.services.moves import NOTHING, Moves

STEPS = Moves(
    {
        "collect": (frozenset({"ordered", "rejected"}), "collected"),
        "receive": (frozenset({"collected"}), "received"),
        "reject": (frozenset({"collected", "received", "entered"}), "rejected"),
        "enter": (frozenset({"received", "entered"}), "entered"),
        "verify": (frozenset({"entered"}), "verified"),
        "correct": (frozenset({"verified", "corrected"}), "corrected"),
        "cancel": (frozenset({"ordered", "collected", "received", "entered", "rejected"}), "cancelled"),
    },
    {
        "collect": "collected",
        "receive": "received",
        "reject": "rejected",
        "enter": "given results",
        "verify": "verified",
        "correct": "corrected",
        "cancel": "cancelled",
    },
)
# of the Task that a critical or a corrected result opens
TELLING = Moves(
    {
        "open": (frozenset({NOTHING}), "requested"),
        "call": (frozenset({"requested", "in-progress"}), "received"),
        "escalate": (frozenset({"requested", "received", "in-progress"}), "in-progress"),
        "acknowledge": (frozenset({"requested", "received", "in-progress"}), "completed"),
        "withdraw": (frozenset({"requested", "received", "in-progress"}), "cancelled"),
    },
    {
        "open": "opened",
        "call": "told by telephone",
        "escalate": "escalated",
        "acknowledge": "acknowledged",
        "withdraw": "withdrawn",
    },
)
WAITING = tuple(sorted(TELLING.table["acknowledge"][0]))
