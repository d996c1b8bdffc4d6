"""Subscribers are told what happened: all of it, in order, as much as they asked for, whatever breaks on the way."""

import time
from dataclasses import replace

import pytest

from salus.base.outbound import Rules
from salus.privacy import Actor, Role
from salus.records import Store
from salus.records.notices import Notices
from salus.subscriptions.courier import Pace
from salus.subscriptions.following import Follower
from salus.subscriptions.steward import Steward
from salus.subscriptions.topics import topics

STEWARD = Steward(topics(), Rules(plain=True), "https://ward.example/fhir")
DOCTOR, EVA = Actor("Practitioner/doc", Role.CLINICIAN), Actor("Patient/eva", Role.PATIENT, "eva")


def test_a_subscription_becomes_active_by_a_handshake_and_then_hears_of_each_event_in_order(any_house):
    house = any_house
    there = house.receiver()
    with house.telling(house.store):
        id = house.subscribe(there.url, header=["X-Key: sesame"])
        house.until(lambda: house.status(id) == "active")
        told = house.report(*[house.result(value=n) for n in range(20)])
        house.until(lambda: len(there.numbers) == 20)

    assert "handshake" == there.heard[0].kind
    assert (list(range(1, 21)), told) == (there.numbers, there.foci)
    assert {"sesame"} == {one.headers["X-Key"] for one in there.heard}
    assert {"application/fhir+json; charset=utf-8"} == {one.headers["Content-Type"] for one in there.heard}
    assert "20" == there.heard[-1].one("events-since-subscription-start")


def test_what_happened_between_the_request_and_the_handshake_is_told_too(house):
    there = house.receiver()
    there.answers = [500, 503]
    id = house.subscribe(there.url)
    told = house.report(house.result(), house.result())
    with house.telling(house.store):
        house.until(lambda: len(there.numbers) == 2)

    assert ("active", ["handshake"], told) == (house.status(id), [b.kind for b in there.heard[:1]], there.foci)


@pytest.mark.parametrize(
    ("content", "topic", "focus", "resources"),
    [("empty", None, False, 0), ("id-only", True, True, 0), ("full-resource", True, True, 1)],
)
def test_a_notification_has_as_much_in_it_as_was_asked_for(house, content, topic, focus, resources):
    there = house.receiver()
    with house.telling(house.store):
        house.subscribe(there.url, content=content)
        house.report(house.result(value=7))
        house.until(lambda: there.events)
    [told] = there.events

    assert (bool(topic), focus) == (bool(told.one("topic")), "focus" in told.events[0])
    assert [7.0] * resources == [one["valueQuantity"]["value"] for one in told.resources]


def test_what_the_topic_says_comes_along_as_far_as_it_may_be_read(house):
    there = house.receiver()
    critical = {
        "coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation", "code": "HH"}]
    }
    with house.telling(house.store):
        house.subscribe(there.url, topic="critical-result", content="full-resource")
        house.report(house.result(), house.result(interpretation=[critical]))
        house.until(lambda: there.events)
    [told] = there.events

    assert ["Observation", "Patient"] == [one["resourceType"] for one in told.resources]
    assert "additional-context" in told.events[0]


def test_only_what_passes_the_filters_is_an_event(house):
    there, all_of_it = house.receiver(), house.receiver()
    with house.telling(house.store):
        house.subscribe(
            there.url, filters=["Observation?patient=Patient/eva&value-quantity=gt6", "code=http://loinc.org|2345-7"]
        )
        house.subscribe(all_of_it.url)
        told = house.report(house.result("wang", 9), house.result("eva", 5), house.result("eva", 9))
        house.until(lambda: len(all_of_it.numbers) == 3 and there.numbers)
        time.sleep(0.1)

    assert ([1], told[2:]) == (there.numbers, there.foci)


def test_events_that_wait_come_together_up_to_the_count_that_was_asked_for(house):
    there = house.receiver()
    house.subscribe(there.url, most=7)
    house.report(*[house.result(value=n) for n in range(20)])
    with house.telling(house.store):
        house.until(lambda: len(there.numbers) == 20)

    assert [7, 7, 6] == [len(one.numbers) for one in there.events]


def test_an_endpoint_that_fails_is_tried_again_is_said_to_fail_and_loses_nothing(any_house):
    house = any_house
    there = house.receiver()
    with house.telling(house.store):
        id = house.subscribe(there.url)
        house.until(lambda: house.status(id) == "active")
        there.answers = [500, 500, 302, 500, 429]
        told = house.report(house.result(), house.result(), house.result())
        house.until(lambda: house.status(id) == "error")
        assert "answered" in house.records.read("Subscription", id).json()["error"]
        house.until(lambda: len(there.numbers) == 3 and house.status(id) == "active")

    assert (told, None) == (there.foci, Notices(house.store).subscriber(id).fault)
    assert "error" not in house.records.read("Subscription", id).json()


def test_a_dead_endpoint_holds_up_nobody_else(house):
    dead, slow, well = house.receiver(), house.receiver(), house.receiver()
    url = dead.url
    slow.open.clear()
    dead.close()
    house.receivers.remove(dead)
    with house.telling(house.store):
        gone = [house.subscribe(url) for _ in range(5)]
        waiting = [house.subscribe(slow.url, timeout=60) for _ in range(5)]
        house.subscribe(well.url)
        house.report(house.result())
        house.until(lambda: well.numbers == [1])
        assert not any(Notices(house.store).subscriber(id).failures for id in waiting)  # nobody's minute is over
        house.until(lambda: all(Notices(house.store).subscriber(id).failures for id in gone))
        slow.open.set()
        house.until(lambda: slow.numbers == [1] * 5)


def test_an_endpoint_that_comes_back_on_its_port_hears_all_that_it_missed(house):
    there = house.receiver()
    with house.telling(house.store):
        id = house.subscribe(there.url)
        house.until(lambda: house.status(id) == "active")
        port = there.server.server_port
        there.close()
        house.receivers.remove(there)
        told = house.report(*[house.result(value=n) for n in range(5)])
        house.until(lambda: Notices(house.store).subscriber(id).failures >= 2)
        again = house.receiver(port)
        house.until(lambda: len(again.numbers) == 5)

    assert told == again.foci


def test_one_that_is_requested_again_is_told_on_at_once(house):
    there = house.receiver()
    there.answers = [500] * 9
    with house.telling(house.store, Pace(30.0, 60.0, 1)):
        id = house.subscribe(there.url)
        house.until(lambda: house.status(id) == "error")
        there.answers = []
        body = house.records.read("Subscription", id).json() | {"status": "requested"}
        house.of(DOCTOR).update("Subscription", id, body)
        house.until(lambda: house.status(id) == "active")


def test_one_that_is_off_or_over_hears_nothing(house):
    there = house.receiver()
    with house.telling(house.store):
        id = house.subscribe(there.url)
        house.until(lambda: house.status(id) == "active")
        house.of(DOCTOR).update("Subscription", id, house.records.read("Subscription", id).json() | {"status": "off"})
        house.report(house.result())
        gone = house.subscribe(there.url)
        house.until(lambda: house.status(gone) == "active")
        house.of(DOCTOR).delete("Subscription", gone)
        house.report(house.result())
        house.until(lambda: house.store.cursor("notices") == house.store.last_transaction())
        time.sleep(0.1)

    assert [] == there.events
    assert [0] == [who.numbered for who in Notices(house.store).subscribers()]


def test_one_whose_topic_is_no_longer_served_is_turned_off_saying_why(house):
    there = house.receiver()
    id = house.subscribe(there.url)
    fewer = {url: topic for url, topic in STEWARD.topics.items() if topic.name != "lab-result"}
    stewards = {"Subscription": replace(STEWARD, topics=fewer)}
    with Store(house.place, stewards) as store, house.telling(store):
        house.until(lambda: house.status(id) == "off")

    assert "is not a topic of this server" in house.records.read("Subscription", id).json()["error"]
    assert [] == there.heard


def test_an_endpoint_that_the_site_no_longer_allows_is_not_spoken_to(house):
    there = house.receiver()
    id = house.subscribe(there.url)
    stewards = {"Subscription": replace(STEWARD, rules=Rules(("*.ward.example",)))}
    with Store(house.place, stewards) as store, house.telling(store):
        house.until(lambda: house.status(id) == "off")

    assert [] == there.heard


def test_a_silence_is_broken_by_a_heartbeat_that_has_no_number(house):
    there = house.receiver()
    with house.telling(house.store):
        house.subscribe(there.url, heartbeat=1)
        house.until(lambda: any(one.kind == "heartbeat" for one in there.heard))
    beat = next(one for one in there.heard if one.kind == "heartbeat")

    assert ([], "0") == (beat.events, beat.one("events-since-subscription-start"))
    assert 1 == sum(line.act == "notify" for line in house.store.audit(0, 1000))  # the handshake


# --- rights ---


def test_a_patients_account_hears_of_a_result_when_it_is_released_and_not_before(house):
    there, ward = house.receiver(), house.receiver()
    sign = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation", "code": "HH"}
    critical = {"interpretation": [{"coding": [sign]}]}
    house.subscribe(there.url, EVA, topic="critical-result", content="full-resource")
    house.subscribe(ward.url, topic="critical-result")
    with house.telling(house.store):
        [told] = house.report(house.result("eva", 7.9, status="preliminary", **critical))
        house.until(lambda: [told] == ward.foci)
        assert [] == there.events
        house.records.update("Observation", told.partition("/")[2], house.result("eva", 7.1, **critical))
        house.until(lambda: there.events)

    assert ([1], [told]) == (there.numbers, there.foci)
    values = [
        one["valueQuantity"]["value"] for one in there.events[0].resources if one["resourceType"] == "Observation"
    ]
    assert [7.1] == values


def test_a_patients_account_hears_of_its_own_record_only_and_nothing_tells_how_much_else_there_was(house):
    there = house.receiver()
    with house.telling(house.store):
        id = house.subscribe(there.url, EVA, content="full-resource")
        told = house.report(house.result("wang"), house.result("eva"), house.result("wang"), house.result("eva"))
        house.until(lambda: len(there.numbers) == 2)

    assert ([1, 2], [told[1], told[3]]) == (there.numbers, there.foci)
    assert "2" == there.heard[-1].one("events-since-subscription-start")
    assert EVA == Notices(house.store).subscriber(id).actor


def test_what_may_no_longer_be_read_when_it_is_told_is_told_as_a_number_alone(any_house):
    house = any_house
    there = house.receiver()
    house.subscribe(there.url, EVA, content="full-resource")
    moved, stays, gone = house.report(house.result("eva", 1), house.result("eva", 2), house.result("eva", 3))
    number_all(house)
    house.records.update("Observation", moved.partition("/")[2], house.result("wang", 1))  # it was filed wrongly
    house.records.delete("Observation", gone.partition("/")[2])
    with house.telling(house.store):
        house.until(lambda: len(there.numbers) >= 3)

    assert ([1, 2, 3], [None, stays, gone]) == (there.numbers[:3], there.foci[:3])
    assert [2.0] == [one["valueQuantity"]["value"] for bundle in there.events for one in bundle.resources]


def number_all(house) -> None:
    follower = Follower(house.store, house.store.stewards["Subscription"], lambda id, changed: None)
    follower.load()
    while follower.step():
        pass


def test_each_telling_is_audited_as_the_subscribers_own_act(house):
    there = house.receiver()
    with house.telling(house.store):
        id = house.subscribe(there.url)
        [told] = house.report(house.result())
        house.until(lambda: house.store.cursor("notices") == 5 and Notices(house.store).subscriber(id).sent == 1)
    lines = [line for line in house.store.audit(0, 10_000) if line.act == "notify"]

    assert {("Practitioner/doc", "TREAT")} == {(line.who, line.purpose) for line in lines}
    assert [f"Subscription/{id} handshake", f"Subscription/{id} events 1 to 1: {told}"] == [line.what for line in lines]
    house.store.verify()
