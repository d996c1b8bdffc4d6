"""Conditional writes: decided where they are written, so nobody comes between."""

import json
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from salus.base.errors import Conflict, Forbidden, Invalid, Malformed, Missing, SalusError, Stale, Unsupported
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records import Records, Store, Version, change_of

CLIENTS = 8
ROUNDS = 1000
IN_FLIGHT = 50


def patient(number: int | str | None = None, **more: Any) -> dict[str, Any]:
    identifier = [] if number is None else [{"system": "urn:ward", "value": str(number)}]
    return {"resourceType": "Patient", **({"identifier": identifier} if identifier else {}), **more}


def query(number: int | str) -> str:
    return f"identifier=urn:ward|{number}"


def race(store: Store, rounds: int) -> list[Version]:
    """One client: creates each patient unless it is there, some requests in flight."""
    records = store.open(SYSTEM, Purpose.OPERATIONS)
    made: list[Version] = []
    waiting: list[Future[Version]] = []
    for number in range(rounds):
        waiting.append(records.creating("Patient", json.dumps(patient(number)).encode(), query(number)))
        if len(waiting) == IN_FLIGHT or number == rounds - 1:
            made += [future.result() for future in waiting]
            waiting.clear()
    return made


def test_eight_clients_race_a_thousand_conditional_creates_and_each_is_made_once(new_place: Callable[[], str]) -> None:
    """Half of the clients write through a second writer on the same file, as another process would."""
    place = new_place()
    with Store(place) as one, Store(place) as other, ThreadPoolExecutor(CLIENTS) as pool:
        racers = [pool.submit(race, (one, other)[n % 2], ROUNDS) for n in range(CLIENTS)]
        answers = [racer.result() for racer in racers]
        created = Counter(number for made in answers for number, version in enumerate(made) if not version.unchanged)
        ids = [{made[number].id for made in answers} for number in range(ROUNDS)]

        assert dict.fromkeys(range(ROUNDS), 1) == dict(created)
        assert {1} == {len(same) for same in ids}
        assert {"Patient": ROUNDS} == one.count()
        assert ROUNDS == one.verify()


def test_conditional_updates_that_race_make_one_resource(store: Store) -> None:
    def put(client: int) -> list[Version]:
        records = store.open(SYSTEM, Purpose.OPERATIONS)
        some = [records.updating_where("Patient", query(n), patient(n, active=bool(client % 2))) for n in range(40)]
        return [future.result() for future in some]

    with ThreadPoolExecutor(CLIENTS) as pool:
        answers = list(pool.map(put, range(CLIENTS)))

    assert {"Patient": 40} == store.count()
    assert {1} == {len({made[n].id for made in answers}) for n in range(40)}


def test_a_conditional_update_makes_what_is_not_there_and_updates_what_is(records: Records) -> None:
    first = records.updating_where("Patient", query(7), patient(7)).result()
    second = records.updating_where("Patient", query(7), patient(7, active=True)).result()
    named = records.updating_where("Patient", query(8), patient(8, id="eight")).result()
    again = records.updating_where("Patient", query(8), patient(8, id="eight", active=True), if_match=1).result()

    assert (first.id, 1, 2) == (second.id, first.version, second.version)
    assert ("eight", 1) == (named.id, named.version)
    assert ("eight", 2) == (again.id, again.version)


def refused(records: Records, number: str, body: dict[str, Any], **more: Any) -> SalusError:
    with pytest.raises(SalusError) as caught:
        records.updating_where("Patient", number, body, **more).result()
    return caught.value


def test_a_conditional_update_is_refused_where_it_is_not_clear_what_it_means(records: Records, store: Store) -> None:
    records.update("Patient", "a", patient(7))
    records.update("Patient", "b", patient(8))
    records.update("Patient", "c", patient(8))

    assert isinstance(refused(records, query(8), patient(8)), Stale)
    assert isinstance(refused(records, query(7), patient(7, id="x")), Malformed)
    assert isinstance(refused(records, query(9), patient(9, id="a")), Conflict)
    assert isinstance(refused(records, query(7), patient(7), if_match=4), Stale)
    assert isinstance(refused(records, query(9), patient(9), if_match=1), Stale)
    assert isinstance(refused(records, "colour=red", patient(9)), Unsupported)
    assert isinstance(refused(records, query(9), patient(9, gender="blue")), Invalid)
    assert 3 == store.last_transaction()


@pytest.mark.parametrize(
    "empty", ["", "_count=5", "_sort=name", f"{query(7)}&_summary=count", f"{query(7)}&_total=none"]
)
def test_a_condition_that_says_nothing_or_how_to_show_it_is_refused(records: Records, store: Store, empty: str) -> None:
    records.update("Patient", "a", patient(7))
    for attempt in (
        lambda: records.updating_where("Patient", empty, patient()).result(),
        lambda: records.patching_where("Patient", empty, change_of("application/json-patch+json", b"[]")).result(),
        lambda: records.deleting_where("Patient", empty).result(),
        lambda: records.create("Patient", patient(), empty or "_sort=name"),
    ):
        with pytest.raises(Unsupported):
            attempt()
    assert 1 == store.last_transaction()


def test_a_conditional_delete_takes_one_and_several_only_when_asked(records: Records, store: Store) -> None:
    for id in "abc":
        records.update("Patient", id, patient(8))
    records.update("Patient", "d", patient(7))

    assert ["d"] == [gone.id for gone in records.deleting_where("Patient", query(7)).result()]
    assert [] == records.deleting_where("Patient", query(7)).result()
    for count in ("", "&_count=2"):
        with pytest.raises(Stale):
            records.deleting_where("Patient", query(8) + count).result()
    with pytest.raises(Malformed, match="1 to 1000"):
        records.deleting_where("Patient", f"{query(8)}&_count=x").result()
    assert {"Patient": 3} == store.count()
    gone = records.deleting_where("Patient", f"_count=3&{query(8)}").result()
    assert ["a", "b", "c"] == sorted(version.id for version in gone)
    assert {} == store.count()


def entry(method: str, url: str, resource: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    full = {"fullUrl": more.pop("full")} if "full" in more else {}
    made = {"request": {"method": method, "url": url, **more}, **full}
    return made | ({"resource": resource} if resource else {})


def bundle(*entries: dict[str, Any], kind: str = "transaction") -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


def statuses(answer: dict[str, Any]) -> list[str]:
    return [told["response"]["status"][:3] for told in answer["entry"]]


@pytest.mark.parametrize("kind", ["transaction", "batch"])
def test_conditions_travel_in_bundles(records: Records, store: Store, kind: str) -> None:
    for id, number in (("a", 1), ("b", 2), ("c", 3), ("d", 3), ("e", 5)):
        records.update("Patient", id, patient(number))
    answer = records.bundle(
        bundle(
            entry("PUT", f"Patient?{query(1)}", patient(1, active=True)),
            entry("PUT", f"Patient?{query(9)}", patient(9)),
            entry("DELETE", f"Patient?{query(2)}"),
            entry("DELETE", f"Patient?{query(8)}"),
            entry("DELETE", f"Patient?{query(3)}&_count=2"),
            entry("POST", "Patient", patient(5), ifNoneExist=query(5)),
            kind=kind,
        )
    )

    assert ["200", "201", "204", "204", "200", "200"] == statuses(answer)
    assert "Patient/a/_history/2" == answer["entry"][0]["response"]["location"]
    assert "2 resources" in answer["entry"][4]["response"]["outcome"]["issue"][0]["diagnostics"]
    assert {"Patient": 3} == store.count()
    assert 5 + {"transaction": 1, "batch": 4}[kind] == store.verify()
    assert [2, True] == [records.read("Patient", "a").version, records.read("Patient", "a").json()["active"]]


def test_what_a_conditional_update_finds_or_makes_may_be_referred_to(records: Records) -> None:
    records.update("Patient", "old", patient(1))

    def observation(urn: str) -> dict[str, Any]:
        subject = {"reference": urn}
        return {"resourceType": "Observation", "status": "final", "code": {"text": "k"}, "subject": subject}

    answer = records.bundle(
        bundle(
            entry("PUT", f"Patient?{query(1)}", patient(1), full="urn:uuid:a"),
            entry("PUT", f"Patient?{query(2)}", patient(2), full="urn:uuid:b"),
            entry("POST", "Observation", observation("urn:uuid:a")),
            entry("POST", "Observation", observation("urn:uuid:b")),
        )
    )
    places = [told["response"]["location"].split("/")[:2] for told in answer["entry"]]

    assert "Patient/old" == records.read(*places[2]).json()["subject"]["reference"]
    assert "/".join(places[1]) == records.read(*places[3]).json()["subject"]["reference"]
    assert 1 == len(records.search("Observation", f"subject={'/'.join(places[1])}").versions)


TWICE = [
    (entry("PUT", f"Patient?{query(1)}", patient(1)), entry("PUT", "Patient/a", patient(1, id="a"))),
    (entry("DELETE", f"Patient?{query(1)}"), entry("PUT", "Patient/a", patient(1, id="a"))),
    (entry("DELETE", "Patient?_id=a,b&_count=2"), entry("PUT", "Patient/b", patient(1, id="b"))),
    (entry("PUT", f"Patient?{query(9)}", patient(9)), entry("PUT", f"Patient?{query(9)}", patient(9))),
    (entry("POST", "Patient", patient(9), ifNoneExist=query(9)),) * 2,
]  # fmt: skip


@pytest.mark.parametrize("entries", TWICE, ids=range(len(TWICE)))
def test_a_transaction_that_writes_the_same_resource_twice_is_refused(
    records: Records, store: Store, entries: tuple[dict[str, Any], ...]
) -> None:
    records.update("Patient", "a", patient(1))
    records.update("Patient", "b", patient(2))

    with pytest.raises(Invalid, match="entry 0 too") as caught:
        records.bundle(bundle(*entries))
    assert "Bundle.entry[1].request.url" == caught.value.issues[0].path
    assert 2 == store.last_transaction()


def test_a_condition_is_a_look_and_stands_in_the_audit(store: Store, records: Records) -> None:
    records.update("Patient", "a", patient(1))
    eva = store.open(Actor("Patient/eva", Role.PATIENT, "eva"), Purpose.PATIENT_REQUEST)
    for attempt in (
        lambda: eva.updating_where("Patient", query(1), patient(1)),
        lambda: eva.patching_where("Patient", query(1), change_of("application/json-patch+json", b"[]")),
        lambda: eva.deleting_where("Patient", query(1)),
        lambda: eva.bundle(bundle(entry("PUT", f"Patient?{query(1)}", patient(1)))),
    ):
        with pytest.raises(Forbidden):
            attempt()
    records.deleting_where("Patient", query(1)).result()
    with pytest.raises(Missing):
        records.patching_where("Patient", query(1), change_of("application/json-patch+json", b"[]")).result()
    assert ("delete", f"Patient?{query(1)}", 2) in [(line.act, line.what, line.t) for line in store.audit()]
