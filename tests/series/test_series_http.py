"""Courses of visits over FHIR: found, booked, moved and let go as one; what is not free is told with what is near."""

import asyncio
from collections.abc import Callable

import httpx
import pytest

from salus.api import fhir
from salus.fhir import decode
from salus.records import Store
from salus.services.appointments.series import Series

RULE = "FREQ=WEEKLY;BYDAY=MO,WE;COUNT=4"
Ask = Callable[..., httpx.Response]


@pytest.fixture
def ask(store: Store, desk: Series, li: Series) -> Ask:
    people = {"desk": (desk.actor, desk.purpose), "li": (li.actor, li.purpose)}

    def asked(path: str, who: str = "desk", method: str = "POST", **given: str) -> httpx.Response:
        door = fhir.door(store, lambda headers: people[headers[b"authorization"].decode()])

        async def once() -> httpx.Response:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(door), base_url="http://ward") as client:
                parts = [{"name": name, "valueString": value} for name, value in given.items()]
                body = {"resourceType": "Parameters", "parameter": parts} if parts else None
                query = {"params": given} if method == "GET" else {"json": body} if body else {}
                headers = {"authorization": who, "content-type": "application/fhir+json"}
                return await client.request(method, f"/fhir/Appointment/{path}", headers=headers, **query)

        answer = asyncio.run(once())
        decode(answer.content)
        return answer

    return asked


def modes(answer: httpx.Response) -> list[str]:
    return [entry["search"]["mode"] for entry in answer.json()["entry"]]


def book(ask: Ask, who: str = "desk", **more: str) -> httpx.Response:
    given = {"service": "dialysis", "start": "2026-03-02T09:00:00", "rule": RULE, "key": "hd"}
    return ask("$book-series", who, **(given | ({"patient": "li"} if who == "desk" else {}) | more))


def test_a_course_is_found_then_booked_then_moved_then_let_go(ask: Ask):
    free = ask("$find-series", method="GET", service="dialysis", start="2026-03-02T01:00:00Z", rule=RULE)
    assert free.json()["total"] == 4 and free.json()["entry"][0]["resource"]["status"] == "proposed"
    made = book(ask)
    assert made.status_code == 201 and modes(made) == ["match"] * 4
    first = made.json()["entry"][0]["resource"]["id"]
    moved = ask(f"{first}/$move", service="dialysis", start="2026-03-03T10:00:00+08:00", scope="series")
    assert [one["resource"]["start"][8:13] for one in moved.json()["entry"]] == ["03T02", "05T02", "10T02", "12T02"]
    gone = ask(f"{first}/$cancel", scope="following", reason="prov")
    assert {one["resource"]["status"] for one in gone.json()["entry"]} == {"cancelled"}


def test_what_is_not_free_is_refused_whole_or_told_beside_what_was_booked(ask: Ask):
    for key, actor in (("a", "PractitionerRole/dialysis-1"), ("b", "PractitionerRole/dialysis-2")):
        taken = book(ask, key=key, actor=actor, rule="FREQ=DAILY;COUNT=1", start="2026-03-04T09:00:00", patient="wang")
        assert taken.status_code == 201
    refused = book(ask)
    assert refused.status_code == 409 and refused.json()["issue"][0]["expression"] == ["occurrence[2]"]
    partly = book(ask, partly="true")
    assert partly.status_code == 201 and partly.json()["total"] == 3
    assert modes(partly) == ["match"] * 3 + ["include"] * 3 + ["outcome"]


def test_a_patient_books_a_course_for_herself_alone(ask: Ask):
    assert book(ask, "li").status_code == 201
    assert book(ask, "li", patient="wang", key="his").status_code == 403
    others = book(ask, patient="wang", key="others").json()["entry"][0]["resource"]["id"]
    assert ask(f"{others}/$cancel", "li", scope="series").status_code == 404


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"start": "soon"}, "is no time"),
        ({"rule": "FREQ=SOMETIMES"}, "no recurrence rule"),
        ({"rule": "FREQ=WEEKLY"}, "has an end"),
        ({"holidays": "work"}, "can be chosen"),
        ({"actor": "PractitionerRole/x"}, "does not give this service"),
        ({"partly": "maybe"}, "give true or false"),
    ],
)
def test_what_cannot_be_a_course_is_said(ask: Ask, told: dict[str, str], words: str):
    answer = book(ask, **told)
    assert 400 <= answer.status_code < 500 and words in answer.text
