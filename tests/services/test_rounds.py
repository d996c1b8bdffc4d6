"""Listeners hear every change in order, one that cannot be heard holds up nothing, chores come when they are due."""

import logging
from datetime import timedelta
from pathlib import Path

import pytest

from salus.base.errors import Busy
from salus.base.settings import settings
from salus.privacy import SYSTEM, Purpose
from salus.records import Store
from salus.services.rounds import Chore, House, Listener, Rounds, begin, catch_up


@pytest.fixture
def house(tmp_path: Path):
    told = settings({}, tmp_path / "none.toml", folder=tmp_path)
    with Store(told.store) as store:
        register(House(store, told), "before")
        begin(store)
        yield House(store, told)


def register(house: House, *ids: str) -> None:
    records = house.store.open(SYSTEM, Purpose.OPERATIONS)
    for id in ids:
        records.update("Patient", id, {"resourceType": "Patient", "id": id, "active": True})


def test_a_listener_hears_its_own_types_in_order_nothing_twice_and_nothing_of_before(house):
    heard: list[str] = []
    ear = Listener("ear", frozenset({"Patient"}), lambda _, change: heard.append(change.id))
    register(house, "a", "b")
    house.store.open(SYSTEM, Purpose.OPERATIONS).create("Basic", {"resourceType": "Basic", "code": {"text": "x"}})

    assert 3 == catch_up(house, [ear])
    register(house, "c")

    assert 1 == catch_up(house, [ear])
    assert ["a", "b", "c"] == heard


def test_of_a_store_that_was_empty_the_first_change_is_heard(tmp_path):
    told = settings({}, tmp_path / "none.toml", folder=tmp_path)
    heard: list[str] = []
    with Store(told.store) as store:
        house = House(store, told)
        begin(store)
        register(house, "first")
        catch_up(house, [Listener("ear", frozenset({"Patient"}), lambda _, change: heard.append(change.id))])

    assert ["first"] == heard


def test_what_cannot_be_heard_is_named_in_the_log_and_holds_up_nothing(house, caplog):
    heard: list[str] = []

    def hear(_, change) -> None:
        if change.id == "b":
            raise ValueError("the patient's name is Li")
        heard.append(change.id)

    register(house, "a", "b", "c")
    with caplog.at_level(logging.ERROR):
        catch_up(house, [Listener("ear", frozenset({"Patient"}), hear)])

    assert ["a", "c"] == heard
    assert "ear could not hear Patient/b: ValueError" in caplog.text and "Li" not in caplog.text


def test_a_store_that_is_busy_is_asked_again_from_where_one_was(house):
    heard: list[str] = []

    def hear(_, change) -> None:
        heard.append(change.id)
        if len(heard) == 2:
            raise Busy("the store is busy")

    ear = Listener("ear", frozenset({"Patient"}), hear)
    register(house, "a", "b")
    with pytest.raises(Busy):
        catch_up(house, [ear])
    catch_up(house, [ear])

    assert ["a", "b", "a", "b"] == heard


def test_a_chore_is_done_at_once_and_then_when_it_is_due(house):
    done: list[str] = []
    rare = Chore("rare", timedelta(hours=1), lambda _: done.append("rare"))
    often = Chore("often", timedelta(0), lambda _: done.append("often"))
    rounds = Rounds(house, (), (rare, often))

    rounds.go()
    rounds.go()

    assert ["rare", "often", "often"] == done
