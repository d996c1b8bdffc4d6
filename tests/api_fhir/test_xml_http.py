"""XML in and out over HTTP. https://hl7.org/fhir/R4/http.html#mime-type"""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import orjson
import pytest

from salus.fhir import xml
from salus.records import Store

Client = Callable[..., httpx.Response]  # of conftest.py
XML = "application/fhir+xml"
EVA: dict[str, Any] = {"resourceType": "Patient", "id": "eva", "name": [{"family": "Maier"}], "active": True}


@pytest.fixture
def ask(tmp_path_factory: pytest.TempPathFactory, client_of: Callable[[Store], Any]) -> Iterator[Client]:
    with Store(tmp_path_factory.mktemp("ward") / "records.db") as store:
        client = client_of(store)
        yield client
        client.close()


def told(answer: httpx.Response) -> Any:
    """The answer's XML as JSON."""
    assert f"{XML}; charset=utf-8" == answer.headers["content-type"], answer.text
    return orjson.loads(xml.read(answer.content))


def test_what_was_sent_as_xml_is_read_as_both(ask: Client) -> None:
    sent = ask("PUT", "/Patient/eva", xml.write(orjson.dumps(EVA)), content_type=XML, accept=XML)
    read = ask("GET", "/Patient/eva", accept=XML)

    assert (201, 200) == (sent.status_code, read.status_code)
    assert told(sent) == told(read) == ask("GET", "/Patient/eva").json()
    assert 'W/"1"' == read.headers["etag"]


def test_bundles_and_searches_come_as_xml(ask: Client) -> None:
    entry = {"resource": EVA, "request": {"method": "PUT", "url": "Patient/eva"}}
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
    done = ask("POST", "", xml.write(orjson.dumps(bundle)), content_type="application/xml", accept="text/xml")

    assert "201" in told(done)["entry"][0]["response"]["status"]
    assert ["eva"] == [e["resource"]["id"] for e in told(ask("GET", "/Patient?_format=xml"))["entry"]]
    assert "CapabilityStatement" == told(ask("GET", "/metadata?_format=application/fhir%2Bxml"))["resourceType"]


WANTED = [
    ("application/fhir+xml, application/fhir+json", True),
    ("application/fhir+json, application/fhir+xml", False),
    ("text/html, application/xml", True),
    ("*/*", False),
]


@pytest.mark.parametrize(("accept", "is_xml"), WANTED)
def test_the_first_form_that_is_served_is_given(ask: Client, accept: str, is_xml: bool) -> None:
    answer = ask("GET", "/Patient", accept=accept)

    assert is_xml == answer.headers["content-type"].startswith(XML)


def test_faults_are_told_in_the_form_that_is_wanted(ask: Client) -> None:
    missing = ask("GET", "/Patient/nobody", accept=XML)
    wrong = ask("POST", "/Patient", b'<Patient xmlns="http://hl7.org/fhir"><colour value="x"/></Patient>',
                content_type=XML)  # fmt: skip
    bomb = ask("POST", "/Patient", b"<!DOCTYPE a [<!ENTITY b 'c'>]><Patient/>", content_type=XML, accept=XML)

    assert (404, "not-found") == (missing.status_code, told(missing)["issue"][0]["code"])
    assert (422, ["Patient.colour"]) == (wrong.status_code, wrong.json()["issue"][0]["expression"])
    assert (400, "structure") == (bomb.status_code, told(bomb)["issue"][0]["code"])


def test_a_text_that_xml_cannot_hold_is_to_be_asked_for_as_json(ask: Client) -> None:
    assert 201 == ask("PUT", "/Patient/eva", {**EVA, "name": [{"family": "a\x01b"}]}).status_code
    answer = ask("GET", "/Patient/eva", accept=XML)

    assert 406 == answer.status_code
    assert "ask for JSON" in answer.text
