"""`ViewDefinition/$run` over HTTP: what it gives, in which form, to whom, and what stands in the audit."""

import asyncio
import io
from collections.abc import Callable, Generator, Iterator
from typing import Any

import httpx
import pyarrow.parquet as pq
import pytest

from salus.analytics.views import writing
from salus.analytics.views.catalogue import library_of
from salus.api.fhir.asking import Answer
from salus.api.fhir.door import told
from salus.records import Store

Client = Callable[..., httpx.Response]  # of conftest.py
Json = dict[str, Any]
BORN: Json = {
    "resourceType": "ViewDefinition",
    "status": "active",
    "resource": "Patient",
    "select": [{"column": [{"name": "id", "path": "id"}, {"name": "born", "path": "birthDate", "type": "date"}]}],
}
LABS: Json = {
    "resourceType": "ViewDefinition",
    "url": "https://ward.example/labs",
    "status": "active",
    "resource": "Observation",
    "select": [
        {
            "column": [
                {"name": "patient", "path": "subject.getReferenceKey(Patient)"},
                {"name": "value", "path": "value.ofType(Quantity).value", "type": "decimal"},
                {"name": "codes", "path": "code.coding.code", "collection": True},
            ]
        }
    ],
}


@pytest.fixture(scope="module")
def ward(new_place: Callable[[], str], client_of: Callable[[Store], Any]) -> Iterator[tuple[Client, Store]]:
    """Two patients with three results each, and a group of one of them."""
    with Store(new_place()) as store:
        client = client_of(store)
        for resource in WARD:
            assert 201 == client("PUT", f"/{resource['resourceType']}/{resource['id']}", resource).status_code
        folder = library_of(store).folder
        folder.mkdir(parents=True)
        (folder / "labs.json").write_text(httpx.Response(200, json=LABS).text)
        (folder / "broken.json").write_text("{")
        yield client, store
        client.close()


def lab(id: str, patient: str, value: float) -> Json:
    return {
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "2823-3"}, {"code": "K"}]},
        "subject": {"reference": f"Patient/{patient}"},
        "valueQuantity": {"value": value, "unit": "mmol/L", "system": "http://unitsofmeasure.org", "code": "mmol/L"},
    }


WARD = [
    {"resourceType": "Patient", "id": "eva", "birthDate": "1950-01-01"},
    {"resourceType": "Patient", "id": "adam", "birthDate": "1961"},
    *(lab(f"{patient}{n}", patient, 4 + n / 10) for patient in ("eva", "adam") for n in range(3)),
    {
        "resourceType": "Group",
        "id": "diet",
        "type": "person",
        "actual": True,
        "member": [{"entity": {"reference": "Patient/adam"}}],
    },
]


def parameters(**given: Any) -> Json:
    parts: list[Json] = []
    for name, value in given.items():
        for one in value if isinstance(value, list) else [value]:
            kind = "resource" if isinstance(one, dict) and "resourceType" in one else "valueString"
            kind = "valueReference" if isinstance(one, dict) and "reference" in one else kind
            parts.append({"name": name, ("valueInteger" if isinstance(one, int) else kind): one})
    return {"resourceType": "Parameters", "parameter": parts}


def ids(answer: httpx.Response) -> list[str]:
    assert 200 == answer.status_code, answer.text
    return sorted(row["id"] for row in answer.json())


def test_a_view_in_the_request_is_run_over_the_records(ward: tuple[Client, Store]):
    ask, _ = ward
    answer = ask("POST", "/ViewDefinition/$run", parameters(viewResource=BORN))

    assert [{"id": "adam", "born": "1961"}, {"id": "eva", "born": "1950-01-01"}] == sorted(
        answer.json(), key=lambda row: row["id"]
    )
    assert "application/json" == answer.headers["content-type"]
    assert answer.json() == ask("POST", "/ViewDefinition/$viewdefinition-run", BORN).json()


@pytest.mark.parametrize("address", ["/ViewDefinition/labs/$run", "/ViewDefinition/$run?viewReference=labs",
                                     "/ViewDefinition/$run?viewReference=ViewDefinition/labs",
                                     "/ViewDefinition/$run?viewReference=https://ward.example/labs"])  # fmt: skip
def test_a_view_of_the_site_is_run_by_its_name(ward: tuple[Client, Store], address: str):
    answer = ward[0]("GET", address)

    assert 6 == len(answer.json())
    assert {"patient", "value", "codes"} == set(answer.json()[0])


def test_a_shipped_view_is_there(ward: tuple[Client, Store]):
    rows = ward[0]("GET", "/ViewDefinition/observation/$run?_limit=2").json()

    assert 2 == len(rows)
    assert ("http://loinc.org", "2823-3", "mmol/L") == tuple(rows[0][name] for name in ("code_system", "code", "unit"))


def test_rows_come_as_lines_table_or_parquet(ward: tuple[Client, Store]):
    ask, _ = ward
    lines = ask("GET", "/ViewDefinition/labs/$run?_format=ndjson")
    table = ask("GET", "/ViewDefinition/labs/$run", accept="text/csv")
    typed = ask("GET", "/ViewDefinition/labs/$run?_format=parquet")
    parquet = pq.read_table(io.BytesIO(typed.content))

    assert 6 == len(lines.text.splitlines())
    assert 'Patient/eva,4.0,"[""2823-3"",""K""]"' == table.text.splitlines()[1]
    assert "text/csv; charset=utf-8" == table.headers["content-type"]
    assert 6 == len(ask("GET", "/ViewDefinition/labs/$run?_format=csv&header=false").text.splitlines())
    assert ("application/vnd.apache.parquet", 6) == (typed.headers["content-type"], parquet.num_rows)
    assert ["string", "double", "list<element: string>"] == [str(field.type) for field in parquet.schema]


def test_an_empty_table_is_one_too(ward: tuple[Client, Store]):
    none = parameters(viewResource={**BORN, "resource": "Basic"})
    answers = {name: ward[0]("POST", f"/ViewDefinition/$run?_format={name}", none) for name in writing.FORMATS}

    assert [] == answers["json"].json()
    assert "" == answers["ndjson"].text
    assert "id,born\r\n" == answers["csv"].text
    assert 0 == pq.read_table(io.BytesIO(answers["parquet"].content)).num_rows


def test_patient_group_since_and_limit_narrow_it(ward: tuple[Client, Store]):
    ask, _ = ward

    def count(query: str) -> int:
        return len(ask("GET", f"/ViewDefinition/labs/$run?{query}").json())

    assert 3 == count("patient=Patient/eva")
    assert 6 == count("patient=eva&patient=adam")
    assert 3 == count("group=Group/diet")
    assert 0 == count("_since=2100-01-01T00:00:00Z")
    assert 6 == count("_since=2000-01-01T00:00:00Z")
    assert 4 == count("_limit=4")
    told = parameters(viewResource=BORN, patient={"reference": "Patient/eva"}, _limit=5, _format="json")
    assert ["eva"] == ids(ask("POST", "/ViewDefinition/$run", told))


def test_resources_of_the_request_are_read_instead_of_the_records(ward: tuple[Client, Store]):
    own = {"resourceType": "Patient", "id": "x", "birthDate": "2000-01-01"}
    answer = ward[0]("POST", "/ViewDefinition/$run", parameters(viewResource=BORN, resource=[own]), who="nurse")

    assert [{"id": "x", "born": "2000-01-01"}] == answer.json()


def test_a_patients_account_sees_its_own_compartment(ward: tuple[Client, Store]):
    ask, _ = ward

    assert ["eva"] == ids(ask("POST", "/ViewDefinition/$run", parameters(viewResource=BORN), who="eva"))
    assert {"Patient/eva"} == {row["patient"] for row in ask("GET", "/ViewDefinition/labs/$run", who="eva").json()}
    assert 404 == ask("GET", "/ViewDefinition/labs/$run?patient=adam", who="eva").status_code
    assert 3 == len(ask("GET", "/ViewDefinition/labs/$run?group=diet", who="eva").json())


def test_who_cares_for_one_names_the_one(ward: tuple[Client, Store], eventually):
    ask, store = ward
    refused = ask("GET", "/ViewDefinition/labs/$run", who="clinician")

    assert 403 == refused.status_code
    assert "name one with patient=" in refused.text
    assert 3 == len(ask("GET", "/ViewDefinition/labs/$run?patient=eva", who="clinician").json())
    assert 403 == ask("GET", "/ViewDefinition/labs/$run?patient=eva", who="desk").status_code
    assert 6 == len(ask("GET", "/ViewDefinition/labs/$run", who="research").json())
    wanted = {("refused", "view labs of all"), ("view", "labs of Observation?patient=eva")}
    # the audit of reads is written a moment later
    eventually(lambda: wanted <= {(line.act, line.what) for line in store.audit(0, 10_000)})


WRONG: list[tuple[str, str, Any, int, str]] = [
    ("GET", "/ViewDefinition/nothing/$run", None, 404, "salus views list"),
    ("GET", "/ViewDefinition/..%2Fsecret/$run", None, 404, ""),
    ("GET", "/ViewDefinition/broken/$run", None, 400, "not JSON"),
    ("GET", "/ViewDefinition/$run", None, 422, "There is no view"),
    ("GET", "/ViewDefinition/labs/$run?_fromat=csv", None, 400, "not a parameter"),
    ("GET", "/ViewDefinition/labs/$run?_format=xlsx", None, 406, ""),
    ("GET", "/ViewDefinition/labs/$run?source=elsewhere", None, 400, "not a parameter"),
    ("GET", "/ViewDefinition/labs/$run?_limit=0", None, 400, "whole number"),
    ("GET", "/ViewDefinition/labs/$run?group=none", None, 404, "no Group"),
    ("GET", "/ViewDefinition/labs/$run?_since=yesterday", None, 400, "instant"),
    ("GET", "/ViewDefinition/labs/$run?patient=eva&group=diet", None, 400, "one of them"),
    ("POST", "/ViewDefinition/$run", "{", 400, "not JSON"),
    ("POST", "/ViewDefinition/$run", [], 400, "Parameters"),
    ("POST", "/ViewDefinition/$run", {"resourceType": "Parameters", "parameter": [1]}, 400, "Parameters"),
    ("POST", "/ViewDefinition/$run", parameters(viewResource={**BORN, "select": []}), 422, "a list"),
    (
        "POST",
        "/ViewDefinition/$run",
        parameters(viewResource=BORN, resource={"resourceType": "Patient", "x": 1}),
        422,
        "x",
    ),
    ("GET", "/ViewDefinition", None, 404, "not a resource type"),
    ("GET", "/ViewDefinition/labs/$everything", None, 404, ""),
]


@pytest.mark.parametrize(("method", "address", "body", "status", "word"), WRONG)
def test_what_cannot_be_run_is_told(
    ward: tuple[Client, Store], method: str, address: str, body: Any, status: int, word: str
):
    answer = ward[0](method, address, body)

    assert status == answer.status_code
    assert "OperationOutcome" == answer.json()["resourceType"]
    assert word in answer.text


def test_a_value_that_the_view_forbids_is_told_before_anything_is_sent(ward: tuple[Client, Store]):
    many = {**LABS, "select": [{"column": [{"name": "c", "path": "code.coding.code"}]}]}
    answer = ward[0]("POST", "/ViewDefinition/$run", many)

    assert 422 == answer.status_code
    assert "collection: true" in answer.text


def test_the_capabilities_name_it(ward: tuple[Client, Store]):
    told = ward[0]("GET", "/metadata").json()["rest"][0]["operation"]

    assert "http://sql-on-fhir.org/OperationDefinition/$run" in [one["definition"] for one in told]


def test_a_long_table_comes_in_pieces_of_one_moment(ward: tuple[Client, Store], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("salus.records.walks.PAGE", 2)
    answer = ward[0]("GET", "/ViewDefinition/labs/$run?_format=csv")

    assert 7 == len(answer.text.splitlines())
    assert "content-length" not in answer.headers


def test_who_goes_away_is_not_told_the_rest():
    made: list[int] = []

    def pieces() -> Generator[bytes]:
        try:
            for n in range(1000):
                made.append(n)
                yield b"x"
        finally:
            made.append(-1)

    async def gone_at_once() -> dict[str, str]:
        return {"type": "http.disconnect"}

    async def nowhere(message: Any) -> None:
        await asyncio.sleep(0)

    asyncio.run(told(Answer(200, b"x", more=pieces()), "GET", gone_at_once, nowhere))
    assert made in ([], [0, -1])
