"""Who is likely to be here twice is found once, and remembered when it is no pair."""

from pathlib import Path

import pytest

from salus.base.errors import Conflict, Forbidden, Invalid, Malformed
from salus.base.settings import settings
from salus.privacy import Actor, Purpose, Role
from salus.services.reception.joining import pairs
from salus.services.reception.joining.joining import join
from salus.services.reception.joining.parting import part
from salus.services.rounds import House


@pytest.fixture
def rounds(store, tmp_path: Path):
    return lambda: pairs.look_on(House(store, settings({}, tmp_path / "none.toml", folder=tmp_path)))


def waiting(desk) -> list[tuple[str, str]]:
    found = [each for grade in pairs.GRADES for each in pairs.pairs(*desk, grade)[0]]
    return sorted((one.one, one.other) for one in found)


def test_a_pair_is_found_once(desk, store, rounds, put, shapes):
    rounds()
    put(shapes["who"]("old", "111", active=True, telecom=[{"system": "phone", "value": "13800138000"}]))
    rounds()

    assert [("new", "old")] == waiting(desk)
    assert {"same": 1, "perhaps": 0} == pairs.counted(store)


def test_what_nobody_wrote_since_is_not_looked_at_again(store, rounds):
    rounds()
    before = store.last_transaction()
    rounds()

    assert before == store.last_transaction()


def test_two_people_are_remembered(desk, rounds, put, shapes):
    rounds()
    pairs.tell_apart(*desk, "old", "new", "mother and daughter")
    put(shapes["who"]("old", "112"))
    rounds()

    assert [] == waiting(desk)


def test_one_person_is_settled_and_a_third_is_asked_of_the_one_that_stands(desk, rounds, put, shapes):
    put(shapes["who"]("third", "333"))
    rounds()
    done = join(*desk, "old", "new", "the same card")
    rounds()
    after = waiting(desk)
    with pytest.raises(Conflict, match="joined"):
        pairs.tell_apart(*desk, "old", "new", "mother and daughter")
    part(*desk, done.id, "mother and daughter")
    rounds()

    assert [("new", "third")] == after
    assert [("new", "third"), ("old", "third")] == waiting(desk)


def test_only_the_desk_says_so_and_says_why(desk, store):
    nurse = Actor("Practitioner/n", Role.NURSE)
    with pytest.raises(Forbidden):
        pairs.pairs(store, nurse, Purpose.TREATMENT, "same")
    with pytest.raises(Forbidden):
        pairs.tell_apart(store, nurse, Purpose.TREATMENT, "old", "new", "mother and daughter")
    with pytest.raises(Invalid, match="reason"):
        pairs.tell_apart(*desk, "old", "new", "")


def test_the_list_goes_on_page_by_page_and_nothing_else_can_be_asked_by_it(desk, rounds, put, shapes, monkeypatch):
    put(shapes["who"]("third", "333"))
    rounds()
    monkeypatch.setattr(pairs, "PAGE", 1)
    first, following = pairs.pairs(*desk, "same")
    second = pairs.pairs(*desk, "same", following or "")[0]

    assert following and 2 == len({(one.one, one.other) for one in (*first, *second)})
    with pytest.raises(Malformed):
        pairs.pairs(*desk, "same", "status=completed")
