"""Somebody who has arrived sees their number, how many are before them and how long it takes; then where to go."""

import re
from typing import Any

from salus.privacy import Actor, Purpose, Role
from salus.records import Store
from salus.services.reception.arriving import walk_in
from salus.services.reception.queue import call_next, finish, queue, skip

DESK = Actor("Practitioner/desk", Role.DESK)
SERVICE, DOCTOR = "ent-centre", "PractitionerRole/doctor-ent-centre-1"
ASKED = (DESK, Purpose.OPERATIONS)


def arrive(ward: Store, who: str) -> str:
    """Somebody came without a booking; their number as it is called."""
    return walk_in(ward, *ASKED, f"Patient/{who}", SERVICE).ticket.said


def test_a_turn_is_shown_from_the_number_to_the_room(phone: Any, phone_in: Any, ward: Store):
    assert 'id="turn"' in phone.see("/mine") and "Your number" not in phone.see("/mine")
    others = [arrive(ward, "showcase-2"), arrive(ward, "showcase-3")]
    number = arrive(ward, "showcase-1")

    page = phone.see("/mine")
    assert number in page and "2 before you" in page
    low, high = (int(found) for found in re.search(r"Probably (\d+) to (\d+) minutes", page).groups())  # type: ignore[union-attr]
    assert 0 <= low < high
    assert "前面有2人" in phone_in("zh").see("/mine/turn")

    for said in others:
        called = call_next(ward, *ASKED, SERVICE, DOCTOR)
        assert said == called.said
        finish(ward, *ASKED, called.id)
    assert "You are next" in phone.see("/mine/turn")
    called = call_next(ward, *ASKED, SERVICE, DOCTOR, "Location/services-centre")
    assert "It is your turn: please go to Kangcheng Central Hospital, clinics." in phone.see("/mine/turn")
    skip(ward, *ASKED, called.id)
    assert "Set aside" in phone.see("/mine")


def test_a_page_that_asks_again_and_again_says_of_when_it_speaks_and_stops_when_it_is_over(phone: Any, ward: Store):
    for one in queue(ward, *ASKED, SERVICE):
        if one.stands:
            finish(ward, *ASKED, one.id)
    number = arrive(ward, "showcase-1")
    assert number in phone.see("/mine/turn") and "This is how it was at" in phone.see("/mine/turn")
    finish(ward, *ASKED, call_next(ward, *ASKED, SERVICE, DOCTOR).id)
    assert number not in phone.see("/mine/turn", 286)
