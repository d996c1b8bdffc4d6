"""The states of a booking and what leads from one to another.

https://hl7.org/fhir/R4/valueset-appointmentstatus.html
"""

from salus.services.moves import Moves

BOOKING = Moves(
    {
        "confirm": (frozenset({"pending"}), "booked"),
        "move": (frozenset({"pending", "booked"}), "booked"),
        "take-back": (frozenset({"booked"}), "booked"),
        "offer": (frozenset({"waitlist"}), "pending"),
        "accept": (frozenset({"pending"}), "booked"),
        "decline": (frozenset({"pending"}), "waitlist"),
        "lapse": (frozenset({"pending"}), "waitlist"),
        "expire": (frozenset({"pending"}), "cancelled"),
        "cancel": (frozenset({"pending", "booked", "arrived", "checked-in", "waitlist", "proposed"}), "cancelled"),
        "restore": (frozenset({"cancelled"}), "booked"),
        "arrive": (frozenset({"booked"}), "arrived"),
        "check-in": (frozenset({"booked", "arrived"}), "checked-in"),
        "not-here": (frozenset({"arrived", "checked-in"}), "booked"),
        "fulfil": (frozenset({"arrived", "checked-in"}), "fulfilled"),
        "no-show": (frozenset({"booked"}), "noshow"),
        "mistake": (
            frozenset({"pending", "booked", "cancelled", "noshow", "arrived", "checked-in"}),
            "entered-in-error",
        ),
    },
    {
        "confirm": "confirmed",
        "move": "moved",
        "take-back": "moved back",
        "offer": "offered a time",
        "accept": "accepted",
        "decline": "declined",
        "lapse": "taken back unanswered",
        "expire": "let go unconfirmed",
        "cancel": "cancelled",
        "restore": "taken up again",
        "arrive": "noted as arrived",
        "check-in": "checked in",
        "not-here": "noted as not here after all",
        "fulfil": "ended",
        "no-show": "noted as not come",
        "mistake": "marked as a mistake",
    },
)
