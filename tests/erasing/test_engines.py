"""On every engine a store may lie in, an erasure leaves nothing and proves the rest."""

from collections.abc import Callable, Iterator

import pytest
from two_people import OFFICER, PHONES, SECRET, bodies, fill, patient, put

from salus.base.errors import Missing
from salus.privacy import SYSTEM, Purpose
from salus.records import Store, erasing
from salus.records.checking import check
from salus.records.erasing import What, Wish

TABLES = ["resource", "past", "code", "string", "audit", "txn", "erasure", "cursor", "meta", "subscriber", "bunch"]
LI = Wish("Patient", "li-forgotten", What.PATIENT)


@pytest.fixture
def place(new_place: Callable[[], str]) -> Iterator[str]:
    found = new_place()
    with Store(found) as store:
        fill(store.open(SYSTEM, Purpose.OPERATIONS))
    yield found


def left(store: Store) -> set[str]:
    """Words of the erased in any table, as texts or as bytes."""
    with store.readers.one() as reader:
        rows = [row for table in TABLES for row in reader.connection.execute(f"SELECT * FROM {table}").fetchall()]
    values = [bytes(value) for row in rows for value in row if isinstance(value, bytes | memoryview)]
    values += [value.encode() for row in rows for value in row if isinstance(value, str)]
    return {word for word in SECRET for value in values if word.casefold().encode() in value.lower()}


def test_nothing_is_left_in_any_table_and_the_rest_is_whole(place: str) -> None:
    with Store(place) as store:
        records = store.open(OFFICER, Purpose.ADMINISTRATION)
        before = bodies(store)
        assert left(store)
        told = erasing.preview(records, LI)
        report = erasing.erase(records, LI, "case 2026/17")
        assert [] == erasing.finish(store)

        assert (told.resources, told.versions) == (report.resources, report.versions)
        assert set() == left(store)
        after = {address: body for address, body in bodies(store).items() if body}
        assert not any(word.encode() in body for word in SECRET for body in after.values())
        assert {"Patient/wang/1", "Observation/hers/1", "Observation/mixed/2"} <= after.keys()
        assert all(before.get(address, body) == body for address, body in after.items())
        assert store.verify()
    assert [] == check(place).faults


def test_one_resource_and_its_old_versions_go(place: str) -> None:
    with Store(place) as store:
        records = store.open(OFFICER, Purpose.ADMINISTRATION)
        erasing.erase(records, Wish("Observation", "mixed", What.PREVIOUS), "wrong person")
        erasing.erase(records, Wish("Observation", "hers", What.EVERYTHING), "wrong person")
        assert [] == erasing.finish(store)

        assert {"Observation/mixed/2"} == {address for address in bodies(store) if "mixed" in address}
        assert b"" == bodies(store)["Observation/hers/2"]
    assert [] == check(place).faults


def test_numbers_of_what_was_erased_are_not_given_again(place: str) -> None:
    with Store(place) as store, Store(place) as other:
        theirs = other.open(SYSTEM, Purpose.OPERATIONS)
        telecom = [{"system": "phone", "value": PHONES[1]}]
        put(theirs, patient("li-forgotten", "Zhangzhang", telecom=telecom, active=True))
        erasing.erase(store.open(OFFICER, Purpose.ADMINISTRATION), LI, "case 2026/17")
        put(theirs, patient("new", "New", telecom=telecom))

        assert ["new"] == [v.id for v in theirs.search("Patient", f"phone={PHONES[1]}").versions]
        with pytest.raises(Missing):
            theirs.read("Patient", "li-forgotten")
    assert [] == check(place).faults
