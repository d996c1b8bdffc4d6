"""What a Subscription may ask for: each refusal says where and why; whose it is, and what of it is kept secret."""

import pytest

from salus.base.errors import Forbidden, Invalid, Missing, SalusError, Unsupported
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records import change_of
from salus.records.erasing import What, Wish, erase
from salus.records.notices import Notices
from salus.subscriptions.steward import check_rights

URL = "http://127.0.0.1:9/in"
DOCTOR = Actor("Practitioner/doc", Role.CLINICIAN)
DESK, ADMIN = Actor("Practitioner/desk", Role.DESK), Actor("Practitioner/admin", Role.ADMINISTRATOR)
EVA, WANG = Actor("Patient/eva", Role.PATIENT, "eva"), Actor("Patient/wang", Role.PATIENT, "wang")

REFUSED = [
    ({"criteria": "Observation?code=1"}, "criteria", "not a topic"),
    ({"criteria": "https://salus.example/SubscriptionTopic/lab-result|99"}, "criteria", "not a topic"),
    ({"status": "active"}, "status", "say 'requested'"),
    ({"end": "2001-01-01T00:00:00Z"}, "end", "has passed"),
    ({"filters": ["Patient?name=x"]}, "criteria", "must begin with Observation"),
    ({"filters": ["Observation?status=final"]}, "criteria", "cannot be narrowed by 'status'"),
    ({"filters": ["code:in=http://x"]}, "criteria", "cannot be narrowed"),
    ({"filters": ["patient.name=eva"]}, "criteria", "cannot be narrowed"),
    ({"filters": ["date=yesterday"]}, "criteria", "cannot be read"),
    ({"filters": ["code="]}, "criteria", "cannot be read"),
    ({"filters": ["Observation?"]}, "criteria", "asks nothing"),
    ({"filters": ["code=1"] * 21}, "criteria", "too many"),
    ({"endpoint": "https://10.0.0.1/in"}, "channel.endpoint", "private network"),
    ({"endpoint": "https://169.254.169.254/"}, "channel.endpoint", "metadata"),
    ({"endpoint": "http://lab.example/in"}, "channel.endpoint", "https://"),
    ({"endpoint": "file:///etc/passwd"}, "channel.endpoint", "https://host/path"),
    ({"header": ["X: 1\r\nY: 2"]}, "channel.header", "plain characters"),
    ({"header": ["no colon"]}, "channel.header", "name of a header"),
    ({"header": ["Host: other.example"]}, "channel.header", "ours to write"),
    ({"header": ["X: 1", "x: 2"]}, "channel.header", "twice"),
    ({"header": ["X: " + "a" * 5000]}, "channel.header", "at most"),
    ({"header": ["X: ******"]}, "channel.header", "give it again"),
    ({"content": "everything"}, "channel.payload", "how much"),
    ({"most": 1000}, "channel", "backport-max-count"),
    ({"timeout": 0}, "channel", "backport-timeout"),
]


@pytest.mark.parametrize(("more", "path", "why"), REFUSED)
def test_what_is_not_served_is_refused_by_its_path_and_with_a_reason(house, more, path, why):
    with pytest.raises((Invalid, Unsupported)) as refusal:
        house.subscribe(**{"endpoint": URL, **more})
    [issue] = refusal.value.issues

    assert f"Subscription.{path}" == issue.path
    assert why in issue.text
    assert [] == Notices(house.store).subscribers()


@pytest.mark.parametrize("type", ["websocket", "email", "sms", "message"])
def test_other_channels_are_refused_by_name(house, type):
    body = house.subscription(URL)
    body["channel"]["type"] = type
    with pytest.raises(Unsupported, match=f"'{type}' is not served"):
        house.of(DOCTOR).create("Subscription", body)


def test_a_patch_a_bundle_and_an_update_are_checked_alike(house):
    id = house.subscribe(URL)
    bad = house.subscription("https://10.0.0.1/")
    entry = {"resource": bad, "request": {"method": "POST", "url": "Subscription"}}
    patch = b'[{"op":"replace","path":"/channel/endpoint","value":"https://10.0.0.1/"}]'
    for write in (
        lambda: house.of(DOCTOR).update("Subscription", id, bad),
        lambda: house.of(DOCTOR).bundle({"resourceType": "Bundle", "type": "transaction", "entry": [entry]}),
        lambda: house.of(DOCTOR).patch("Subscription", id, change_of("application/json-patch+json", patch)),
    ):
        with pytest.raises(SalusError, match="private network"):
            write()


def test_a_role_hears_only_of_what_it_may_read(house):
    encounters, results = (
        house.store.stewards["Subscription"].wish(house.subscription(URL, topic))
        for topic in ("encounter-start", "lab-result")
    )

    check_rights(encounters, DESK, Purpose.OPERATIONS)
    with pytest.raises(Forbidden):
        check_rights(results, DESK, Purpose.OPERATIONS)


# --- secrets ---


def test_the_values_of_headers_are_told_to_nobody_and_stay_when_they_are_masked(house):
    id = house.subscribe(URL, header=["Authorization: Bearer abc", "X-Key: def"])
    seen = [
        house.of(DOCTOR).read("Subscription", id).body,
        house.records.search("Subscription").versions[0].body,
        house.records.history("Subscription", id).versions[0].body,
    ]
    assert not [one for one in seen if b"abc" in one or b"def" in one]
    assert ["Authorization: ******", "X-Key: ******"] == house.records.read("Subscription", id).json()["channel"][
        "header"
    ]

    body = house.of(DOCTOR).read("Subscription", id).json() | {"reason": "another", "status": "requested"}
    house.of(DOCTOR).update("Subscription", id, body)
    assert {"Authorization": "Bearer abc", "X-Key": "def"} == Notices(house.store).subscriber(id).secrets

    body["channel"]["header"] = ["X-Key: ghi"]
    house.of(DOCTOR).update("Subscription", id, body)
    assert {"X-Key": "ghi"} == Notices(house.store).subscriber(id).secrets


def test_a_secret_does_not_follow_to_another_endpoint(house):
    id = house.subscribe(URL, header=["X-Key: def"])
    body = house.of(DOCTOR).read("Subscription", id).json() | {"status": "requested"}
    body["channel"]["endpoint"] = "http://127.0.0.1:10/elsewhere"

    with pytest.raises(Invalid, match="give it again"):
        house.store.open(ADMIN, Purpose.OPERATIONS).update("Subscription", id, body)


def test_no_secret_stands_in_the_tables_that_are_read_nor_in_the_log(house, caplog):
    there = house.receiver()
    there.answers = [500]
    caplog.set_level("DEBUG")
    with house.telling(house.store):
        id = house.subscribe(there.url, header=["X-Key: sesame"])
        house.until(lambda: house.status(id) == "active")

    assert "sesame" not in caplog.text
    assert not [line for line in house.store.audit(0, 10_000) if "sesame" in line.what]


# --- whose it is ---


def test_only_its_owner_or_an_administrator_changes_or_deletes_it(house):
    id = house.subscribe(URL)
    other = Actor("Practitioner/other", Role.CLINICIAN)
    for write in (
        lambda: house.of(other).update("Subscription", id, house.subscription(URL)),
        lambda: house.of(other).delete("Subscription", id),
    ):
        with pytest.raises(Forbidden):
            write()
    told = set()
    for there, match in ((id, None), (id, 1), (id, 7), ("nobodys", None), ("nobodys", 1)):
        for write in (
            lambda there=there, match=match: house.of(EVA).delete("Subscription", there, match),
            lambda there=there, match=match: house.of(EVA).update(
                "Subscription", there, house.subscription(URL), match
            ),
        ):
            with pytest.raises(Missing) as refused:  # a patient's account does not even learn that it is there
                write()
            told.add(str(refused.value).replace(there, "it"))
    assert 1 == len(told)
    house.store.open(ADMIN, Purpose.OPERATIONS).update("Subscription", id, house.subscription(URL, status="off"))
    assert DOCTOR == Notices(house.store).subscriber(id).actor


def test_a_patients_account_has_its_own_subscriptions_and_writes_nothing_else(house):
    id = house.subscribe(URL, EVA)

    assert "requested" == house.of(EVA).read("Subscription", id).json()["status"]
    with pytest.raises(Missing):
        house.of(WANG).read("Subscription", id)
    with pytest.raises(Forbidden):
        house.of(EVA).create("Observation", house.result())
    house.of(EVA).delete("Subscription", id)


def test_a_patients_account_cannot_ask_by_a_condition_what_others_have(house):
    house.subscribe(URL)
    eva, wish = house.of(EVA), house.subscription(URL)
    entry = {"resource": wish, "request": {"method": "PUT", "url": "Subscription?status=requested"}}
    for write in (
        lambda: eva.create("Subscription", wish, "status=requested"),
        lambda: eva.updating_where("Subscription", "status=requested", wish).result(),
        lambda: eva.deleting_where("Subscription", "status=requested").result(),
        lambda: eva.bundle({"resourceType": "Bundle", "type": "transaction", "entry": [entry]}),
    ):
        with pytest.raises(Forbidden):
            write()
    patient = {**wish, "extension": [
        {"url": "https://x.example", "valueReference": {"reference": "Patient?birthdate=ge1900"}}]}  # fmt: skip
    entry = {"resource": patient, "request": {"method": "POST", "url": "Subscription"}}
    with pytest.raises(Forbidden):
        eva.bundle({"resourceType": "Bundle", "type": "transaction", "entry": [entry]})


def test_one_account_has_so_many_and_no_more(house, monkeypatch):
    monkeypatch.setattr("salus.subscriptions.steward.MOST_OWNED", 2)
    house.subscribe(URL)
    house.subscribe(URL)
    with pytest.raises(SalusError, match="2 Subscriptions already"):
        house.subscribe(URL)
    house.subscribe(URL, Actor(SYSTEM.reference + "x", Role.SYSTEM))


def test_erasing_a_subscription_takes_its_owner_and_its_secrets_along(house):
    id = house.subscribe(URL, header=["X-Key: def"])
    erase(house.records, Wish("Subscription", id, What.EVERYTHING), "made by mistake, says the ward")

    assert [] == Notices(house.store).subscribers()
