"""The states of a booking and what leads from one to another. This table drives the checks and the words of refusals.

https://hl7.org/fhir/R4/valueset-appointmentstatus.html
"""

from salus.base.errors import Conflict

# verb -> (the states it may be done in, the state afterwards)
VERBS: dict[str, tuple[frozenset[str], str]] = {
    "confirm": (frozenset({"pending"}), "booked"),
    "move": (frozenset({"pending", "booked"}), "booked"),
    "offer": (frozenset({"waitlist"}), "pending"),
    "accept": (frozenset({"pending"}), "booked"),
    "decline": (frozenset({"pending"}), "waitlist"),
    "lapse": (frozenset({"pending"}), "waitlist"),
    "expire": (frozenset({"pending"}), "cancelled"),
    "cancel": (frozenset({"pending", "booked", "arrived", "checked-in", "waitlist", "proposed"}), "cancelled"),
    "restore": (frozenset({"cancelled"}), "booked"),
    "arrive": (frozenset({"booked"}), "arrived"),
    "check-in": (frozenset({"booked", "arrived"}), "checked-in"),
    "fulfil": (frozenset({"arrived", "checked-in"}), "fulfilled"),
    "no-show": (frozenset({"booked"}), "noshow"),
    "mistake": (frozenset({"pending", "booked", "cancelled", "noshow", "arrived", "checked-in"}), "entered-in-error"),
}


def after(verb: str, state: str, what: str) -> str:
    """The state that a verb leads to. Raises Conflict, naming the states in which it may be done.

    >>> after("cancel", "booked", "Appointment/1")
    'cancelled'
    """
    allowed, found = VERBS[verb]
    if state not in allowed:
        raise Conflict(
            f"{what} is {state}: only what is {' or '.join(sorted(allowed))} can be {DONE[verb]}", path="status"
        )
    return found


DONE = {
    "confirm": "confirmed",
    "move": "moved",
    "offer": "offered a time",
    "accept": "accepted",
    "decline": "declined",
    "lapse": "taken back unanswered",
    "expire": "let go unconfirmed",
    "cancel": "cancelled",
    "restore": "taken up again",
    "arrive": "noted as arrived",
    "check-in": "checked in",
    "fulfil": "ended",
    "no-show": "noted as not come",
    "mistake": "marked as a mistake",
}


def diagram() -> str:
    """The table as a Mermaid state diagram, for the docs. https://mermaid.js.org/syntax/stateDiagram.html"""
    arrows = [
        f"    {one.replace('-', '_')} --> {to.replace('-', '_')}: {verb}"
        for verb, (states, to) in VERBS.items()
        for one in sorted(states)
    ]
    return "\n".join(["stateDiagram-v2", *arrows])
