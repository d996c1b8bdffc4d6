"""Searches over HTTP: of several types, of a compartment, by form and URL together, lenient ones.

https://hl7.org/fhir/R4/http.html#search
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import httpx
import pytest

from salus.api import fhir
from salus.fhir import decode
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records import Store

Ask = Callable[..., httpx.Response]
PEOPLE = {
    b"system": (SYSTEM, Purpose.OPERATIONS),
    b"eva": (Actor("Patient/eva", Role.PATIENT, "eva"), Purpose.PATIENT_REQUEST),
    b"desk": (Actor("Practitioner/desk", Role.DESK), Purpose.OPERATIONS),
}
FORM = {"content-type": "application/x-www-form-urlencoded"}


def identify(headers: Mapping[bytes, bytes]) -> tuple[Actor, Purpose]:
    return PEOPLE[headers[b"authorization"]]


def observation(n: int, patient: str) -> dict[str, Any]:
    code = {"coding": [{"system": "http://loinc.org", "code": "2823-3"}]}
    subject = {"reference": f"Patient/{patient}"}
    body = {"resourceType": "Observation", "id": f"o{n}", "status": "final", "code": code, "subject": subject}
    return body | {"effectiveDateTime": f"2026-03-0{n + 1}", "valueQuantity": {"value": n}}


@pytest.fixture(scope="module")
def ask(new_place: Callable[[], str]) -> Iterator[Ask]:
    loop = asyncio.new_event_loop()
    path = new_place()
    with Store(path) as store:
        records = store.open(SYSTEM, Purpose.OPERATIONS)
        for name in ("eva", "adam"):
            records.update("Patient", name, {"resourceType": "Patient", "name": [{"family": name}]})
        for n in range(6):
            records.update("Observation", f"o{n}", observation(n, "eva" if n % 3 else "adam"))
        transport = httpx.ASGITransport(fhir.door(store, identify))

        async def send(method: str, url: str, who: str, headers: dict[str, str], content: str) -> httpx.Response:
            async with httpx.AsyncClient(transport=transport, base_url="http://ward") as client:
                sent = {"authorization": who, **headers}
                return await client.request(method, f"/fhir{url}", headers=sent, content=content)

        def asked(method: str, url: str, who: str = "system", content: str = "", **headers: str) -> httpx.Response:
            answer = loop.run_until_complete(send(method, url, who, headers, content))
            decode(answer.content)  # whatever is answered is valid FHIR itself
            return answer

        yield asked
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


def found(answer: httpx.Response, mode: str = "match") -> list[str]:
    entries = answer.json().get("entry", [])
    return [entry["resource"].get("id", "") for entry in entries if entry["search"]["mode"] == mode]


def links(answer: httpx.Response) -> dict[str, str]:
    return {link["relation"]: link["url"].removeprefix("http://ward/fhir") for link in answer.json()["link"]}


def test_a_compartment_is_searched_by_a_form(ask: Ask) -> None:
    page = ask("POST", "/Patient/eva/Observation/_search?_sort=-date", content="code=2823-3&_count=3", **FORM)
    rest = ask("GET", links(page)["next"])

    assert ["o5", "o4", "o2"] == found(page)
    assert ["o1"] == found(rest)
    assert 405 == ask("GET", "/Patient/eva/Observation/_search").status_code
    assert 404 == ask("POST", "/Patient/eva/Shoe/_search", content="", **FORM).status_code
    assert ["o1", "o2", "o4", "o5"] == sorted(
        set(found(ask("POST", "/Patient/eva/*/_search", content="", **FORM))) - {"eva"}
    )
    assert 405 == ask("GET", "/Patient/_search").status_code


def test_a_compartment_is_searched_page_by_page(ask: Ask) -> None:
    page = ask("GET", "/Patient/eva/Observation?code=2823-3&_sort=-date&_count=3")
    rest = ask("GET", links(page)["next"])

    assert ["o5", "o4", "o2"] == found(page)
    assert ["o1"] == found(rest)
    assert links(page)["next"].startswith("/Patient/eva/Observation?")
    assert "_compartment" not in page.text
    assert "/Patient/eva/Observation?code=2823-3&_sort=-date&_count=3" == links(page)["self"]
    assert {"eva", "o1", "o2", "o4", "o5"} == set(found(ask("GET", "/Patient/eva/*")))


def test_a_compartment_of_another_is_empty_for_an_account(ask: Ask) -> None:
    assert [] == found(ask("GET", "/Patient/adam/Observation", who="eva"))
    assert 4 == len(found(ask("GET", "/Patient/eva/Observation", who="eva")))


@pytest.mark.parametrize(
    ("url", "status", "words"),
    [
        ("/Patient/eva/Elephant", 404, "Elephant"),
        ("/Patient/eva/Practitioner", 400, "no Patient's compartment"),
        ("/Location/1/Observation", 400, "Location/1"),
        ("/Observation?_compartment=Patient/eva", 400, "_compartment"),
        ("/?_type=Elephant", 400, "Elephant"),
        ("/?colour=red&_type=Patient", 400, "colour"),
        ("/Patient?_has:Observation:patient:colour=red", 400, "colour"),
        ("/Observation?patient.colour=red", 400, "colour"),
    ],
)
def test_what_cannot_be_searched_is_refused_by_name(ask: Ask, url: str, status: int, words: str) -> None:
    answer = ask("GET", url)

    assert status == answer.status_code
    assert words in answer.json()["issue"][0]["diagnostics"]


def test_several_types_are_searched_from_the_root(ask: Ask) -> None:
    page = ask("GET", "/?_type=Patient,Observation&_count=5&_total=accurate")
    rest = ask("GET", links(page)["next"])

    assert (8, 8) == (page.json()["total"], rest.json()["total"])
    assert ["eva", "adam", *(f"o{n}" for n in range(6))] == found(page) + found(rest)
    assert found(page) == found(ask("POST", "/_search", content="_type=Patient,Observation&_count=5", **FORM))
    assert 403 == ask("GET", "/?_type=Patient,Observation", who="desk").status_code
    assert ["eva"] == found(ask("GET", "/?_type=Patient", who="eva"))


def test_a_form_and_the_url_make_one_search(ask: Ask) -> None:
    answer = ask("POST", "/Observation/_search?patient=eva", content="date=ge2026-03-03&_sort=-date", **FORM)

    assert ["o5", "o4", "o2"] == found(answer)


def test_chains_and_includes_go_over_http(ask: Ask) -> None:
    answer = ask("GET", "/Observation?patient.family=eva&_include=Observation:subject&code-value-quantity=2823-3$gt3")
    back = ask("GET", "/Patient?_has:Observation:patient:value-quantity=gt3&_revinclude=Observation:*&_elements=id")

    assert (["o4", "o5"], ["eva"]) == (found(answer), found(answer, "include"))
    assert (["eva"], ["o1", "o2", "o4", "o5"]) == (found(back), found(back, "include"))
    assert "SUBSETTED" == back.json()["entry"][0]["resource"]["meta"]["tag"][0]["code"]


def test_a_strict_search_refuses_what_a_lenient_one_reports(ask: Ask) -> None:
    url = "/Patient?family=eva&colour=red&_sort=shade"
    lenient = ask("GET", url, prefer="handling=lenient")

    assert 400 == ask("GET", url).status_code == ask("GET", url, prefer="handling=strict").status_code
    assert ["eva"] == found(lenient)
    assert "/Patient?family=eva" == links(lenient)["self"]
    outcome = next(entry for entry in lenient.json()["entry"] if entry["search"]["mode"] == "outcome")["resource"]
    assert ["warning", "warning"] == [issue["severity"] for issue in outcome["issue"]]
    assert "colour" in outcome["issue"][0]["diagnostics"]
    assert "shade" in outcome["issue"][1]["diagnostics"]


def test_a_lenient_search_that_finds_nothing_says_what_it_ignored(ask: Ask) -> None:
    answer = ask("GET", "/Patient?family=nobody&colour=red", prefer="return=minimal; handling=lenient")

    assert ["outcome"] == [entry["search"]["mode"] for entry in answer.json()["entry"]]
    assert 400 == ask("GET", "/Patient?birthdate=never", prefer="handling=lenient").status_code
    assert "entry" not in ask("GET", "/Patient?family=nobody", prefer="handling=lenient").json()
