"""Operations over HTTP: what they answer, to whom, and what stands in the audit."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import orjson
import pytest

from salus.records import Store

Client = Callable[..., httpx.Response]  # of conftest.py
BASE = "http://ward/fhir"


@pytest.fixture(scope="module")
def ward(new_place: Callable[[], str], client_of: Callable[[Store], Any]) -> Iterator[tuple[Client, Store]]:
    """A small ward that no test changes."""
    with Store(new_place()) as store:
        client = client_of(store)
        for resource in WARD:
            answer = client("PUT", f"/{resource['resourceType']}/{resource['id']}", resource)
            assert 201 == answer.status_code, answer.text
        yield client, store
        client.close()


def coded(code: str) -> dict[str, Any]:
    return {"coding": [{"system": "http://loinc.org", "code": code}]}


def observation(id: str, day: str | None, code: str = "2823-3", **more: Any) -> dict[str, Any]:
    dated = {"effectiveDateTime": day} if day else {}
    return {
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "code": coded(code),
        "category": [{"coding": [{"code": "laboratory"}]}],
        "subject": {"reference": "Patient/eva"},
        **dated,
        **more,
    }


def of(kind: str, id: str, **more: Any) -> dict[str, Any]:
    return {"resourceType": kind, "id": id, **more}


def to(reference: str) -> dict[str, str]:
    return {"reference": reference}


ACTIVE = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}]}
AMBULANT = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"}
WARD = [
    of("Organization", "clinic", name="Clinic"),
    of("Organization", "elsewhere", name="Elsewhere"),
    of("Location", "room", name="Room 1", managingOrganization=to("Organization/clinic")),
    of("Practitioner", "doc", name=[{"family": "Stein"}]),
    of("Medication", "pill", code=coded("x")),
    of("Patient", "eva", name=[{"family": "Maier"}], birthDate="1950-01-01"),
    of("Patient", "adam", name=[{"family": "Maier"}], link=[{"other": to("Patient/eva"), "type": "seealso"}]),
    of(
        "Encounter",
        "visit",
        status="finished",
        **{"class": AMBULANT},
        subject=to("Patient/eva"),
        period={"start": "2026-03-01", "end": "2026-03-03"},
        location=[{"location": to("Location/room")}],
    ),
    of("Condition", "ill", subject=to("Patient/eva"), clinicalStatus=ACTIVE, encounter=to("Encounter/visit")),
    observation("o1", "2026-01-05", encounter=to("Encounter/visit"), performer=[to("Practitioner/doc")]),
    observation("o2", "2026-02-05"),
    observation("o3", "2026-03-05"),
    observation("o4", None),
    observation("s1", "2026-03-02", "718-7"),
    observation("s2", "2026-03-04", "718-7", status="entered-in-error"),
    observation("other", "2026-03-05", subject=to("Patient/adam")),
    of(
        "MedicationRequest",
        "order",
        status="active",
        intent="order",
        medicationReference=to("Medication/pill"),
        subject=to("Patient/eva"),
    ),
]


def ids(answer: httpx.Response, mode: str = "match") -> list[str]:
    found = [entry for entry in answer.json().get("entry", []) if entry["search"]["mode"] == mode]
    return [f"{entry['resource']['resourceType']}/{entry['resource']['id']}" for entry in found]


def link(answer: httpx.Response, relation: str) -> str | None:
    return next((row["url"] for row in answer.json()["link"] if row["relation"] == relation), None)


EVAS = {
    "Patient/eva", "Patient/adam", "Encounter/visit", "Condition/ill", "MedicationRequest/order",
    "Observation/o1", "Observation/o2", "Observation/o3", "Observation/o4", "Observation/s1", "Observation/s2",
}  # fmt: skip
BESIDE = {"Practitioner/doc", "Location/room", "Organization/clinic", "Medication/pill"}

# --- $everything ---


def test_everything_of_a_patient_is_the_compartment_and_what_it_refers_to(ward: tuple[Client, Store]) -> None:
    ask, _ = ward
    found = ask("GET", "/Patient/eva/$everything", who="clinician")

    assert 200 == found.status_code
    assert EVAS == set(ids(found))
    assert BESIDE == set(ids(found, "include"))
    assert "Patient/eva" in ids(found)[:2]


def test_everything_in_pages_brings_each_resource_once_while_others_write(ask: Client) -> None:
    for resource in WARD:
        ask("PUT", f"/{resource['resourceType']}/{resource['id']}", resource)
    seen: list[str] = []
    url: str | None = "/Patient/eva/$everything?_count=2"
    while url:
        found = ask("GET", url)
        assert len(ids(found)) <= 2
        seen += ids(found)
        ask("PUT", f"/Observation/later{len(seen)}", observation(f"later{len(seen)}", "2026-03-09"))
        url = link(found, "next")

    assert sorted(EVAS) == sorted(seen)


PERIODS = [
    ("start=2026-03-01", {"Observation/o3", "Observation/o4", "Observation/s1", "Observation/s2"}),
    ("end=2026-01-31", {"Observation/o1", "Observation/o4"}),
    ("start=2026-02-01&end=2026-02-28", {"Observation/o2", "Observation/o4"}),
    ("_since=2099-01-01T00:00:00Z", set()),
]


@pytest.mark.parametrize(("query", "expected"), PERIODS)
def test_everything_of_a_period_keeps_what_has_no_date(
    ward: tuple[Client, Store], query: str, expected: set[str]
) -> None:
    ask, _ = ward
    found = ask("GET", f"/Patient/eva/$everything?_type=Observation&{query}")

    assert expected == set(ids(found))


def test_everything_by_parameters_in_a_body_is_the_same(ward: tuple[Client, Store]) -> None:
    ask, _ = ward
    body = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "_type", "valueCode": "Observation"},
            {"name": "start", "valueDate": "2026-03-01"},
            {"name": "_count", "valueInteger": 2},
        ],
    }
    found = ask("POST", "/Patient/eva/$everything", body)

    assert 2 == len(ids(found))
    assert "start=2026-03-01" in str(link(found, "next"))


def test_a_patient_gets_everything_of_their_own_and_nothing_of_anybody_else(ward: tuple[Client, Store]) -> None:
    ask, _ = ward
    mine = ask("GET", "/Patient/eva/$everything", who="eva")
    linked = ask("GET", "/Patient/adam/$everything", who="eva")

    assert EVAS - {"Observation/s2"} == set(ids(mine))  # it was in error from the first: nobody told her of it
    assert [] == ids(mine, "include")  # practitioners stand in no patient's compartment
    assert 200 == ask("GET", "/Patient/adam", who="eva").status_code  # he links to her, so she may see him
    assert 404 == linked.status_code  # but not what is his
    assert "Observation/other" not in linked.text


def test_everything_leaves_out_the_types_that_a_role_may_not_read(ward: tuple[Client, Store]) -> None:
    ask, _ = ward
    found = ask("GET", "/Patient/eva/$everything", who="desk")

    assert {"Patient/eva", "Patient/adam", "Encounter/visit"} == set(ids(found))
    assert 403 == ask("GET", "/Patient/eva/$everything?_type=Observation", who="desk").status_code


def test_everything_of_an_encounter_is_what_happened_in_it(ward: tuple[Client, Store]) -> None:
    ask, _ = ward
    found = ask("GET", "/Encounter/visit/$everything", who="nurse")

    assert {"Encounter/visit", "Condition/ill", "Observation/o1"} == set(ids(found))
    assert {"Patient/eva", "Practitioner/doc", "Location/room", "Organization/clinic"} == set(ids(found, "include"))
    assert {"Encounter/visit", "Condition/ill", "Observation/o1"} == set(
        ids(ask("GET", "/Encounter/visit/$everything", who="eva"))
    )


def test_everything_stands_in_the_audit_and_so_does_what_was_refused(ask: Client, store: Store) -> None:
    for resource in WARD:
        ask("PUT", f"/{resource['resourceType']}/{resource['id']}", resource)
    ask("GET", "/Patient/eva/$everything", who="nurse")
    ask("GET", "/Patient/eva/$everything?_type=Observation", who="desk")
    store.set_cursor("any", 1)  # a write takes the notes of the reads before it to the disk
    lines = [(line.who, line.act, line.what) for line in store.audit(limit=10_000)]

    assert ("Practitioner/nurse", "everything", "Patient/eva") in lines
    assert ("Practitioner/desk", "refused", "read Observation") in lines


REFUSED = [
    ("/Patient/none/$everything", 404, "Patient/none"),
    ("/Encounter/none/$everything", 404, "Encounter/none"),
    ("/Observation/o1/$everything", 404, "$everything"),
    ("/Patient/eva/$everything?colour=red", 400, "colour"),
    ("/Patient/eva/$everything?_count=0", 400, "_count=0"),
    ("/Patient/eva/$everything?_count=²", 400, "_count"),
    ("/Patient/eva/$everything?_cursor=x", 400, "first page"),
    ("/Patient/eva/$everything?_type=Elephant", 400, "Elephant"),
    ("/Patient/eva/$everything?start=soon", 400, "soon"),
    ("/Patient/eva/$everything?start=2026&start=2027", 400, "2 times"),
    ("/Patient/eva/$everything?_since=x", 400, "_lastUpdated"),
]


@pytest.mark.parametrize(("path", "status", "words"), REFUSED)
def test_what_an_operation_refuses_it_names(ward: tuple[Client, Store], path: str, status: int, words: str) -> None:
    ask, _ = ward
    answer = ask("GET", path)

    assert status == answer.status_code
    assert words in answer.json()["issue"][0]["diagnostics"]


def test_the_capability_statement_lists_the_operations_that_are_served(ward: tuple[Client, Store]) -> None:
    ask, _ = ward
    rest = ask("GET", "/metadata").json()["rest"][0]
    patient = next(row for row in rest["resource"] if row["type"] == "Patient")

    assert {
        "name": "everything",
        "definition": "http://hl7.org/fhir/OperationDefinition/Patient-everything",
    } in patient["operation"]


# --- $validate ---


def parameters(**parts: Any) -> dict[str, Any]:
    found = [
        {"name": name, "resource": value} if name == "resource" else {"name": name, f"value{kind(value)}": value}
        for name, value in parts.items()
    ]
    return {"resourceType": "Parameters", "parameter": found}


def kind(value: Any) -> str:
    return "Meta" if isinstance(value, dict) else "Uri" if ":" in value else "Code"


EVA = {"resourceType": "Patient", "id": "eva", "name": [{"family": "Maier"}]}
VALIDATED = [  # method, path, body, severity and path of an issue, its words
    ("POST", "/Patient/$validate", EVA, "information", "", "No error"),
    ("POST", "/Patient/$validate", parameters(resource=EVA, mode="create"), "information", "Patient.id", "a new id"),
    ("POST", "/Patient/$validate", {"resourceType": "Patient", "gender": "blue"}, "error", "Patient.gender", "blue"),
    ("POST", "/Patient/$validate", b"{", "error", "", "JSON"),
    ("POST", "/Patient/$validate", {"resourceType": "Group"}, "error", "resourceType", "Group"),
    ("POST", "/Patient/$validate?mode=update", {"resourceType": "Patient"}, "error", "Patient.id", "missing"),
    ("POST", "/Patient/adam/$validate?mode=update", EVA, "error", "Patient.id", "'eva'"),
    ("POST", "/Patient/eva/$validate", parameters(resource=EVA, mode="update"), "information", "", "No error"),
    ("POST", "/Patient/new/$validate?mode=update", {**EVA, "id": "new"}, "information", "", "an update makes it"),
    ("GET", "/Patient/eva/$validate", None, "information", "", "No error"),
    ("POST", "/Patient/eva/$validate?mode=delete", None, "information", "", "No error"),
    ("POST", "/Patient/$validate", parameters(resource={"resourceType": "Patient", "x": 1}), "error", "Patient.x", "x"),
    ("POST", "/Patient/$validate", {**EVA, "contact": [{"gender": "male"}]}, "error", "Patient.contact[0]", "pat-1"),
]


@pytest.mark.parametrize(("method", "path", "body", "severity", "where", "words"), VALIDATED)
def test_validate_says_what_it_found_and_stores_nothing(
    ward: tuple[Client, Store], method: str, path: str, body: Any, severity: str, where: str, words: str
) -> None:
    ask, store = ward
    before = store.last_transaction()
    answer = ask(method, path, body)

    assert (200, "OperationOutcome") == (answer.status_code, answer.json()["resourceType"])
    issues = answer.json()["issue"]
    assert any(
        (severity, [where]) == (issue["severity"], issue.get("expression", [""])) and words in issue["diagnostics"]
        for issue in issues
    ), issues
    assert (severity == "error") == (issues[0]["severity"] == "error")  # errors stand first
    assert before == store.last_transaction()


NOT_VALIDATED = [
    ("POST", "/Patient/$validate", None, "system", 400, "nothing to validate"),
    ("POST", "/Patient/$validate?mode=delete", EVA, "system", 400, "nothing to validate"),
    ("POST", "/Patient/$validate?mode=cook", EVA, "system", 400, "cook"),
    ("POST", "/Patient/$validate", parameters(resource=EVA, profile="http://x/y"), "system", 400, "http://x/y"),
    ("POST", "/Patient/$validate", parameters(resource=EVA, colour="red"), "system", 400, "colour"),
    ("POST", "/Patient/$validate", {**parameters(resource=EVA), "colour": 1}, "system", 422, "colour"),
    ("POST", "/Patient/eva/$validate", {"resourceType": "Parameters", "parameter": 1}, "system", 422, "parameter"),
    ("POST", "/Patient/eva/$validate", {"resourceType": "Parameters", "parameter": [1]}, "system", 422, "parameter"),
    ("POST", "/Patient/none/$validate?mode=delete", None, "system", 404, "Patient/none"),
    ("GET", "/Patient/adam2/$validate", None, "eva", 404, "Patient/adam2"),
    ("POST", "/Patient/$validate?mode=create", EVA, "nurse", 403, "may not write Patient"),
    ("POST", "/Patient/eva/$validate?mode=delete", None, "nurse", 403, "may not delete Patient"),
    ("POST", "/Patient/$validate?mode=update", EVA, "eva", 403, "may not write"),
]


@pytest.mark.parametrize(("method", "path", "body", "who", "status", "words"), NOT_VALIDATED)
def test_what_cannot_be_validated_is_refused(
    ward: tuple[Client, Store], method: str, path: str, body: Any, who: str, status: int, words: str
) -> None:
    ask, _ = ward
    answer = ask(method, path, body, who)

    assert status == answer.status_code, answer.text
    assert words in answer.json()["issue"][0]["diagnostics"]


# --- $meta ---

LABEL = {"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}


def test_labels_are_added_and_taken_as_new_versions_and_the_rest_stays_to_the_digit(ask: Client) -> None:
    quantity = '"valueQuantity":{"value":1.10,"unit":"mmol/L"}'
    rest = '"status":"final","code":{"text":"K"},"meta":{"tag":[{"code":"a"}]}'
    body = f'{{"resourceType":"Observation",{rest},{quantity}}}'
    ask("PUT", "/Observation/k", body)
    added = ask("POST", "/Observation/k/$meta-add", parameters(meta={"security": [LABEL], "tag": [{"code": "a"}]}))
    found = ask("GET", "/Observation/k/$meta").json()["parameter"][0]
    taken = ask("POST", "/Observation/k/$meta-delete", parameters(meta={"tag": [{"code": "a"}, {"code": "b"}]}))

    assert ("2", [LABEL], [{"code": "a"}]) == tuple(
        found["valueMeta"].get(name) for name in ("versionId", "security", "tag")
    )
    assert found == added.json()["parameter"][0]
    assert "tag" not in taken.json()["parameter"][0]["valueMeta"]
    assert quantity in ask("GET", "/Observation/k").text
    assert ["k"] == [e["resource"]["id"] for e in ask("GET", "/Observation?_security=R").json()["entry"]]


def test_labels_of_others_are_neither_seen_nor_changed(ward: tuple[Client, Store]) -> None:
    ask, store = ward
    before = store.last_transaction()
    label = parameters(meta={"security": [LABEL]})

    assert 404 == ask("GET", "/Observation/other/$meta", who="eva").status_code
    assert 403 == ask("POST", "/Patient/eva/$meta-add", label, "eva").status_code
    assert 403 == ask("POST", "/Patient/eva/$meta-delete", label, "nurse").status_code
    assert 404 == ask("POST", "/Patient/none/$meta-add", label).status_code
    assert 400 == ask("POST", "/Patient/eva/$meta-add", parameters(mode="x")).status_code
    assert before == store.last_transaction()


# --- $lastn ---

LAST = [
    ("patient=eva", ["Observation/o3", "Observation/s1"]),
    ("patient=eva&max=3", ["Observation/o3", "Observation/o2", "Observation/o1", "Observation/s1"]),
    ("subject=Patient/eva&code=http://loinc.org|718-7", ["Observation/s1"]),
    ("patient=eva&code=http://loinc.org|718-7&status=entered-in-error", ["Observation/s2"]),
    ("patient=eva&code=http://loinc.org|718-7,http://loinc.org|2823-3", ["Observation/o3", "Observation/s1"]),
    ("patient=eva&category=laboratory&date=lt2026-02-01", ["Observation/o1"]),
    ("patient=eva&category=vital-signs", []),
    ("patient=eva&encounter.location.name=room", ["Observation/o1"]),
    ("patient=adam", ["Observation/other"]),
]


@pytest.mark.parametrize(("query", "expected"), LAST)
def test_lastn_gives_the_latest_of_each_code(ward: tuple[Client, Store], query: str, expected: list[str]) -> None:
    ask, _ = ward

    assert expected == ids(ask("GET", f"/Observation/$lastn?{query}", who="nurse"))
    assert 403 == ask("GET", f"/Observation/$lastn?{query}", who="desk").status_code


def test_lastn_takes_what_shares_a_coding_as_one_kind(ask: Client) -> None:
    ask("PUT", "/Patient/eva", EVA)
    both = {"coding": [*coded("2823-3")["coding"], {"system": "urn:local", "code": "K"}]}
    local = {"coding": [{"system": "urn:local", "code": "K"}]}
    for id, day, code in (("a", "2026-01-01", coded("2823-3")), ("b", "2026-01-02", both), ("c", "2026-01-03", local)):
        ask("PUT", f"/Observation/{id}", {**observation(id, day), "code": code})

    assert ["Observation/c"] == ids(ask("GET", "/Observation/$lastn?patient=eva"))


def test_lastn_shows_a_patient_only_their_own(ward: tuple[Client, Store]) -> None:
    ask, _ = ward

    assert ["Observation/o3", "Observation/s1"] == ids(ask("GET", "/Observation/$lastn?patient=eva", who="eva"))
    assert [] == ids(ask("GET", "/Observation/$lastn?patient=adam", who="eva"))
    assert 403 == ask("GET", "/Observation/$lastn?patient=eva", who="desk").status_code


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("code=x", "whose"),
        ("patient=eva&max=0", "max=0"),
        ("patient=eva&_sort=date", "_sort"),
        ("patient=eva&x=1", "x"),
    ],
)
def test_lastn_names_what_it_does_not_serve(ward: tuple[Client, Store], query: str, words: str) -> None:
    ask, _ = ward
    answer = ask("GET", f"/Observation/$lastn?{query}")

    assert 400 == answer.status_code
    assert words in answer.json()["issue"][0]["diagnostics"]


# --- $export and $import ---

LATER = {"prefer": "respond-async"}


def ended(ask: Client, kicked: httpx.Response, who: str = "system") -> httpx.Response:
    """The status when the job is done; each answer before it tells how far it is."""
    assert 202 == kicked.status_code, kicked.text
    until = time.monotonic() + 120
    while (answer := ask("GET", kicked.headers["content-location"], who=who)).status_code == 202:
        assert answer.headers["x-progress"] and time.monotonic() < until
        time.sleep(0.01)
    return answer


def exported(ask: Client, path: str, who: str = "system") -> dict[str, list[str]]:
    """By type, the ids in the files of an export."""
    told = ended(ask, ask("GET", path, who=who, **LATER), who)
    assert "application/json" == told.headers["content-type"]
    found: dict[str, list[str]] = {}
    for row in told.json()["output"]:
        answer = ask("GET", row["url"], who=who, accept="application/fhir+ndjson")
        assert "application/fhir+ndjson" == answer.headers["content-type"]
        found[row["type"]] = [orjson.loads(line)["id"] for line in answer.content.splitlines()]
        assert row["count"] == len(found[row["type"]])
    return found


def test_an_export_of_the_system_brings_everything(ward: tuple[Client, Store]) -> None:
    ask, _ = ward
    found = exported(ask, "/$export", "administrator")

    assert {f"{one['resourceType']}/{one['id']}" for one in WARD} == {
        f"{type}/{id}" for type, ids in found.items() for id in ids
    }


ALONE = {"Organization", "Location", "Practitioner", "Medication"}
EXPORTS = [
    ("/$export?_type=Patient,Observation&_typeFilter=Observation%3Fcode%3D718-7", {"Patient", "Observation"}, 4),
    ("/$export?_type=Patient&_since=2099-01-01T00:00:00Z", set(), 0),
    ("/Patient/$export?_type=Observation", {"Observation"}, 7),
    ("/Patient/$export?_outputFormat=ndjson", {one["resourceType"] for one in WARD} - ALONE, 12),
]


@pytest.mark.parametrize(("path", "types", "count"), EXPORTS)
def test_an_export_brings_what_was_asked(ward: tuple[Client, Store], path: str, types: set[str], count: int) -> None:
    ask, _ = ward
    found = exported(ask, path)

    assert types == set(found)
    assert count == sum(len(ids) for ids in found.values())


def test_an_export_of_a_group_brings_its_members(ask: Client) -> None:
    for resource in WARD:
        ask("PUT", f"/{resource['resourceType']}/{resource['id']}", resource)
    member = [{"entity": to("Patient/adam")}]
    ask("PUT", "/Group/g", of("Group", "g", type="person", actual=True, member=member))
    found = exported(ask, "/Group/g/$export")

    assert {"Patient": ["adam"], "Observation": ["other"], "Group": ["g"]} == found
    assert 404 == ended(ask, ask("GET", "/Group/none/$export", **LATER)).status_code


def test_an_export_by_parameters_is_the_same(ward: tuple[Client, Store]) -> None:
    ask, _ = ward
    body = {"resourceType": "Parameters", "parameter": [{"name": "_type", "valueString": "Patient"}]}
    told = ended(ask, ask("POST", "/$export", body, **LATER)).json()

    assert ["Patient"] == [row["type"] for row in told["output"]]
    assert told["requiresAccessToken"] and f"{BASE}/$export" == told["request"]


def test_an_export_is_for_who_ordered_it_and_gone_when_cancelled(ask: Client, store: Store) -> None:
    ask("PUT", "/Patient/eva", EVA)
    kicked = ask("GET", "/$export", **LATER)
    told = ended(ask, kicked)
    here, file = kicked.headers["content-location"], told.json()["output"][0]["url"]

    for who, status in (("administrator", 404), ("nurse", 403), ("eva", 403), ("research", 403), ("nobody", 401)):
        assert [status] * 3 == [
            ask(method, url, who=who).status_code for method, url in (("GET", here), ("DELETE", here), ("GET", file))
        ]
    assert 202 == ask("DELETE", here).status_code
    assert [404, 404, 404] == [
        ask(method, url).status_code for method, url in (("GET", here), ("DELETE", here), ("GET", file))
    ]
    store.set_cursor("any", 1)
    acts = {(line.who, line.act) for line in store.audit(limit=1000)}
    assert {("Device/salus", "export"), ("Device/salus", "cancel"), ("Practitioner/nurse", "refused")} <= acts


NOT_EXPORTED = [
    ("GET", "/$export", "system", {}, 400, "respond-async"),
    ("GET", "/$export", "clinician", LATER, 403, "clinician"),
    ("GET", "/Patient/$export", "eva", LATER, 403, "patient"),
    ("GET", "/$export", "research", LATER, 403, "HRESCH"),
    ("GET", "/$export?_elements=id", "system", LATER, 400, "_elements"),
    ("GET", "/$export?_type=Elephant", "system", LATER, 400, "Elephant"),
    ("GET", "/$export?_since=soon", "system", LATER, 400, "soon"),
    ("GET", "/$export?_outputFormat=csv", "system", LATER, 400, "csv"),
    ("GET", "/$export?_typeFilter=Observation", "system", LATER, 400, "Type?name=value"),
    ("GET", "/$export?_type=Patient&_typeFilter=Observation%3Fcode%3Dx", "system", LATER, 400, "of a type exported"),
    ("GET", "/$export?_typeFilter=Patient%3Fcolour%3Dred", "system", LATER, 400, "colour"),
    ("GET", "/Patient/$export?_type=Organization", "system", LATER, 400, "no patient"),
    ("GET", "/Patient/eva/$export", "system", LATER, 404, "Group by its id"),
    ("GET", "/Group/$export", "system", LATER, 404, "Group by its id"),
    ("GET", "/Observation/$export", "system", LATER, 404, "$export"),
    ("GET", "/$bulk-status?job=../x", "system", {}, 404, "bulk job"),
    ("GET", "/$bulk-status", "system", {}, 404, "bulk job"),
    ("GET", "/$bulk-file?job=x&file=../job.json", "system", {}, 404, "bulk job"),
    ("GET", "/$import", "system", LATER, 405, "POST"),
    ("POST", "/$import", "nurse", LATER, 403, "nurse"),
    ("POST", "/$import", "research", LATER, 403, "HRESCH"),
    ("POST", "/$import", "system", {}, 400, "respond-async"),
    ("POST", "/$import", "system", LATER, 422, "nothing to import"),
]


@pytest.mark.parametrize(("method", "path", "who", "headers", "status", "words"), NOT_EXPORTED)
def test_what_is_not_served_in_bulk_is_refused(
    ward: tuple[Client, Store], method: str, path: str, who: str, headers: dict[str, str], status: int, words: str
) -> None:
    ask, _ = ward
    answer = ask(method, path, who=who, **headers)

    assert status == answer.status_code, answer.text
    assert words in answer.json()["issue"][0]["diagnostics"]


def inputs(*found: dict[str, str]) -> dict[str, Any]:
    kinds = {"type": "valueCode", "url": "valueUri", "inline": "valueString", "colour": "valueString"}
    parts = [[{"name": name, kinds[name]: value} for name, value in one.items()] for one in found]
    return {"resourceType": "Parameters", "parameter": [{"name": "input", "part": part} for part in parts]}


def test_an_import_takes_in_what_is_sent_and_what_lies_in_the_tray(ask: Client, store: Store) -> None:
    tray = store.beside("-in")
    tray.mkdir(parents=True)
    (tray / "Patient.ndjson").write_text('{"resourceType":"Patient","id":"eva"}\n')
    inline = '{"resourceType":"Patient","id":"adam"}\n{"resourceType":"Patient","colour":"red"}\n'
    body = inputs({"type": "Patient", "url": "Patient.ndjson"}, {"inline": inline})
    told = ended(ask, ask("POST", "/$import", body, **LATER)).json()

    assert [(1, 0), (1, 1)] == [(row["stored"], row["refused"]) for row in told["output"]]
    assert "colour" in told["error"][0]["issue"][0]["diagnostics"]
    assert [200, 200] == [ask("GET", f"/Patient/{id}").status_code for id in ("eva", "adam")]


@pytest.mark.parametrize(
    ("given", "status", "words"),
    [
        ({"url": "http://169.254.169.254/x.ndjson"}, 422, "never fetched"),
        ({"url": "../records.db"}, 422, "no file of the tray"),
        ({"url": "a.ndjson", "inline": "{}"}, 400, "bare name"),
        ({"type": "Elephant", "inline": "{}"}, 400, "Elephant"),
        ({"colour": "red", "inline": "{}"}, 400, "bare name"),
    ],
)
def test_an_import_reads_no_address(ward: tuple[Client, Store], given: dict[str, str], status: int, words: str) -> None:
    ask, store = ward
    before = store.last_transaction()
    answer = ask("POST", "/$import", inputs(given), **LATER)

    assert (status, before) == (answer.status_code, store.last_transaction())
    assert words in answer.json()["issue"][0]["diagnostics"]
