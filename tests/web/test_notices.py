"""The administrator sees who is told of what, and sends again what failed."""

import pytest

from salus.base.outbound import Rules
from salus.privacy import Actor, Purpose, Role
from salus.records import Store
from salus.records.notices import Notices
from salus.subscriptions.steward import TELLER, Steward
from salus.subscriptions.topics import topics

DOCTOR = Actor("Practitioner/doc", Role.CLINICIAN)
CONTENT = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-payload-content"
WISH = {
    "resourceType": "Subscription",
    "status": "requested",
    "reason": "to hear of it",
    "criteria": "https://salus.example/SubscriptionTopic/lab-result",
    "channel": {
        "type": "rest-hook",
        "endpoint": "https://lab.example/in",
        "payload": "application/fhir+json",
        "_payload": {"extension": [{"url": CONTENT, "valueCode": "id-only"}]},
        "header": ["X-Key: sesame"],
    },
}


@pytest.fixture
def failing(tmp_path):
    """A store with a Subscription whose endpoint does not answer."""
    with Store(
        tmp_path / "records.db", {"Subscription": Steward(topics(), Rules(), "https://ward.example/fhir")}
    ) as store:
        made = store.open(DOCTOR, Purpose.TREATMENT).create("Subscription", WISH)
        body = made.json() | {"status": "error", "error": "answered 503"}
        store.open(TELLER, Purpose.OPERATIONS).update("Subscription", made.id, body)
        Notices(store).fail(made.id, "answered 503")
        yield store, made.id


def test_the_page_says_what_is_told_to_whom_and_what_stands_in_the_way(failing, house_of, browser_of, settings):
    store, _ = failing
    browser = browser_of(house_of(store, settings)).sign_in("administrator")
    english, chinese = browser.get("/notices").text, browser.speaking("zh").get("/notices").text

    words = (
        "New laboratory result",
        "Practitioner/doc",
        "https://lab.example/in",
        "failing",
        "answered 503",
        "failures: 1",
    )
    assert [] == [one for one in words if one not in english]
    assert [] == [one for one in ("新检验结果", "失败", "重新发送") if one not in chinese]
    assert "sesame" not in english


def test_send_again_requests_it_anew(failing, house_of, browser_of, settings):
    store, id = failing
    browser = browser_of(house_of(store, settings)).sign_in("administrator")
    answer = browser.send_form("/notices", f"/notices/{id}/again")

    version = store.open(DOCTOR, Purpose.TREATMENT).read("Subscription", id)
    assert (303, "requested", None) == (answer.status_code, version.json()["status"], version.json().get("error"))
    assert {"X-Key": "sesame"} == Notices(store).subscriber(id).secrets
    assert DOCTOR == Notices(store).subscriber(id).actor
