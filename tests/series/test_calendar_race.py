"""However often a new address of a calendar is asked for at once, one address leads there afterwards."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from salus.base.errors import Missing
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records import Store
from salus.services.appointments.brochure import Brochure
from salus.services.appointments.feeds import Feeds

LI = Actor("Patient/li", Role.PATIENT, "li")
WANG = Actor("Patient/wang", Role.PATIENT, "wang")
SECRET, ASK = b"s" * 64, Purpose.PATIENT_REQUEST
AT_ONCE = 8


def opens(feeds: Feeds, token: str) -> bool:
    try:
        return bool(feeds.read(token))
    except Missing:
        return False


def pressed(feeds: list[Feeds], act: Callable[[Feeds], str]) -> list[str]:
    """What each press of a button gives, all at once; every other one in another process, as it were."""
    ready = Barrier(AT_ONCE)

    def press(number: int) -> str:
        ready.wait()
        return act(feeds[number % len(feeds)])

    with ThreadPoolExecutor(AT_ONCE) as presses:
        return list(presses.map(press, range(AT_ONCE)))


def test_of_presses_at_once_one_address_is_left_and_nobody_elses_is_touched(new_place: Callable[[], str]) -> None:
    place = new_place()
    with Store(place) as one, Store(place) as other:
        records = one.open(SYSTEM, Purpose.OPERATIONS)
        for id in ("li", "wang"):
            records.update("Patient", id, {"resourceType": "Patient"})
        feeds = [Feeds(store, SECRET, Brochure(store)) for store in (one, other)]
        others = feeds[0].begin(WANG, ASK, "en")
        for _ in range(3):
            made = pressed(feeds, lambda feed: feed.begin(LI, ASK, "en"))

            assert AT_ONCE == len(set(made))
            assert [feeds[0].current(LI)] == [token for token in made if opens(feeds[1], token)]
        assert 2 == records.search("Basic", "_summary=count").total
        assert opens(feeds[1], others)


def test_an_address_that_is_taken_back_at_once_with_a_new_one_is_that_one_or_none(new_place: Callable[[], str]) -> None:
    with Store(new_place()) as store:
        store.open(SYSTEM, Purpose.OPERATIONS).update("Patient", "li", {"resourceType": "Patient"})
        feeds = Feeds(store, SECRET, Brochure(store))
        first = feeds.begin(LI, ASK, "en")
        with ThreadPoolExecutor(2) as presses:
            new, end = presses.submit(feeds.begin, LI, ASK, "en"), presses.submit(feeds.end, LI, ASK)
        end.result()

        assert not opens(feeds, first)
        assert feeds.current(LI) == (new.result() if opens(feeds, new.result()) else None)
        feeds.end(LI, ASK)
        with pytest.raises(Missing):
            feeds.read(new.result())
