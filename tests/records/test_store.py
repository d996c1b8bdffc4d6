"""The store as one who works with it sees it."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from salus.base.errors import Gone, Invalid, Missing, Stale, Unsupported
from salus.records import Records, Store


def patient(family: str = "Maier", **more: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "name": [{"family": family}], **more}


def test_what_was_created_is_read_with_id_version_and_time(records: Records) -> None:
    made = records.create("Patient", patient())

    read = records.read("Patient", made.id)

    assert made == read
    assert ("1", made.id) == (read.json()["meta"]["versionId"], read.json()["id"])


def test_decimals_keep_their_zeros(records: Records) -> None:
    made = records.create(
        "Observation",
        b'{"resourceType": "Observation", "status": "final", "code": {"text": "K"}, "valueQuantity": {"value": 4.10}}',
    )

    assert b'"value":4.10}' in records.read("Observation", made.id).body


def test_an_update_is_a_version_and_the_same_content_again_is_none(records: Records) -> None:
    made = records.create("Patient", patient())
    changed = records.update("Patient", made.id, patient("Huber", id=made.id))
    same = records.update("Patient", made.id, patient("Huber"))

    assert (2, 2, True) == (changed.version, same.version, same.unchanged)
    assert made.body == records.vread("Patient", made.id, 1).body
    assert [2, 1] == [version.version for version in records.history("Patient", made.id).versions]


def test_an_update_of_a_version_that_is_not_current_is_stale(records: Records) -> None:
    made = records.create("Patient", patient())
    records.update("Patient", made.id, patient("Huber"), if_match=1)

    with pytest.raises(Stale, match="at version 2, not 1"):
        records.update("Patient", made.id, patient("Wrong"), if_match=1)


def test_a_deleted_resource_is_gone_and_comes_back_as_a_new_version(records: Records) -> None:
    made = records.update("Patient", "p1", patient())
    records.delete("Patient", "p1")

    with pytest.raises(Gone):
        records.read("Patient", "p1")
    with pytest.raises(Gone):
        records.delete("Patient", "p1")
    assert [] == records.search("Patient", "name=maier").versions
    assert made.version + 2 == records.update("Patient", "p1", patient()).version
    assert [3, 2, 1] == [version.version for version in records.history("Patient", "p1").versions]


def test_nothing_stands_where_nothing_was_put(records: Records) -> None:
    for ask in (
        lambda: records.read("Patient", "no"),
        lambda: records.vread("Patient", "no", 1),
        lambda: records.history("Patient", "no"),
        lambda: records.delete("Patient", "no"),
    ):
        with pytest.raises(Missing):
            ask()


def test_an_unknown_search_parameter_is_refused_by_name(records: Records) -> None:
    with pytest.raises(Unsupported, match="colour"):
        records.search("Patient", "colour=red")


def test_a_bad_resource_is_refused_with_path_and_nothing_is_stored(store: Store, records: Records) -> None:
    with pytest.raises(Invalid) as caught:
        records.create("Patient", patient(gender="blue"))

    assert "Patient.gender" == caught.value.issues[0].path
    assert 0 == store.last_transaction()


def test_of_many_who_create_the_same_at_once_one_does(store: Store, records: Records) -> None:
    body = patient(identifier=[{"system": "urn:ward", "value": "7"}])
    with ThreadPoolExecutor(16) as people:
        made = list(people.map(lambda _: records.create("Patient", body, "identifier=urn:ward|7"), range(64)))

    assert 1 == len({version.id for version in made})
    assert 1 == sum(not version.unchanged for version in made)
    assert 1 == store.count()["Patient"]


def test_of_many_who_change_the_same_version_one_does(store: Store, records: Records) -> None:
    records.update("Patient", "eva", patient())

    def change(n: int) -> bool:
        try:
            records.update("Patient", "eva", patient(f"F{n}"), if_match=1)
        except Stale:
            return False
        return True

    with ThreadPoolExecutor(16) as people:
        assert 1 == sum(people.map(change, range(64)))
    assert 2 == records.read("Patient", "eva").version


def test_who_reads_while_others_write_sees_whole_transactions(store: Store, records: Records) -> None:
    entry = {"resource": patient(), "request": {"method": "POST", "url": "Patient"}}
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry] * 10}
    writing = [records.submit(bundle) for _ in range(20)]
    seen = set()
    while not all(future.done() for future in writing):
        seen.add(records.search("Patient", "_summary=count").total)
    seen.add(records.search("Patient", "_summary=count").total)

    assert {0} == {total % 10 for total in seen if total is not None}
    assert 200 == max(total or 0 for total in seen)


def test_a_listener_goes_on_where_it_stopped(store: Store, records: Records) -> None:
    for n in range(5):
        records.update("Patient", f"p{n}", patient())
    store.set_cursor("events", store.outbox(0, limit=2)[-1].t)

    assert ["p2", "p3", "p4"] == [change.id for change in store.outbox(store.cursor("events"))]
    assert 0 == store.cursor("other")
    assert 5 == store.wait(4, timeout=0)
    assert [f"p{n}" for n in range(5)] == list(store.patients())
