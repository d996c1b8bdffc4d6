"""What a patient's account is told over HTTP is the same whether there is something unreleased about them or nothing.

Two stores hold the same released records of Eva. In one of them there is besides, of each kind that is withheld, a
resource that says a secret. Every path and every operation of the server is asked of both, as Eva, aimed at those: what
they tell must be equal, so that no total, page, sort, chain or fault betrays them. docs/decisions/0086
"""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from salus import fhir
from salus.api.fhir.door import PATHS
from salus.api.fhir.operations import OPERATIONS
from salus.base.outbound import Rules
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records import Store
from salus.subscriptions.steward import Steward
from salus.subscriptions.topics import topics

EVA, SECRET = Actor("Patient/eva", Role.PATIENT, "eva"), "Secreterra"
STEWARD = Steward(topics(), Rules(plain=True), "http://ward/fhir")
OWN, CODE = {"reference": "Patient/eva"}, {"coding": [{"system": "urn:c", "code": "k"}], "text": SECRET}
Json = dict[str, Any]
Wards = Any  # of conftest: the same question to several stores
Question = tuple[str, str, Any, dict[str, str]]


def result(id: str, status: str, **more: Any) -> Json:
    return {"resourceType": "Observation", "id": id, "status": status, "code": CODE, "subject": OWN,
            "effectiveDateTime": "2026-01-02", "valueQuantity": {"value": 7.9, "unit": SECRET}, **more}  # fmt: skip


NAMED = [{"reference": "Observation/held"}]
RELEASED: tuple[Json, ...] = (
    {"resourceType": "Patient", "id": "eva", "gender": "female"},
    {"resourceType": "Encounter", "id": "visit", "status": "finished", "class": {"code": "AMB"}, "subject": OWN},
    result("seen", "final", hasMember=NAMED) | {"valueQuantity": {"value": 4.1, "unit": "mmol/L"}},
    {"resourceType": "DiagnosticReport", "id": "seen", "status": "final", "code": {"text": "r"}, "subject": OWN,
     "result": NAMED},
    {"resourceType": "List", "id": "seen", "status": "current", "mode": "working", "subject": OWN,
     "entry": [{"item": NAMED[0]}]},
)  # fmt: skip
STAFF = {"sender": {"reference": "Practitioner/a"}, "recipient": [{"reference": "Practitioner/b"}]}
VISIT = {"encounter": {"reference": "Encounter/visit"}}
WITHHELD: tuple[Json, ...] = (
    result("held", "preliminary", **VISIT) | {"effectiveDateTime": "2026-01-03"},
    {"resourceType": "DiagnosticReport", "id": "held", "status": "partial", "code": CODE, "subject": OWN, **VISIT},
    {"resourceType": "Composition", "id": "held", "status": "preliminary", "subject": OWN, "type": CODE,
     "title": SECRET, "date": "2026-01-02", "author": [{"reference": "Practitioner/a"}], **VISIT},
    {"resourceType": "DocumentReference", "id": "held", "status": "current", "docStatus": "preliminary", "subject": OWN,
     "content": [{"attachment": {"title": SECRET}}]},
    {"resourceType": "RiskAssessment", "id": "held", "status": "final", "subject": OWN, "code": CODE,
     "performer": {"reference": "Device/model"}},
    {"resourceType": "DetectedIssue", "id": "held", "status": "preliminary", "patient": OWN, "detail": SECRET},
    {"resourceType": "ClinicalImpression", "id": "held", "status": "in-progress", "subject": OWN, "summary": SECRET},
    {"resourceType": "MedicationRequest", "id": "held", "status": "draft", "intent": "order", "subject": OWN,
     "medicationCodeableConcept": CODE},
    {"resourceType": "Communication", "id": "held", "status": "completed", "subject": OWN, **STAFF,
     "payload": [{"contentString": SECRET}]},
    {"resourceType": "Group", "id": "held", "type": "person", "actual": True, "name": SECRET,
     "member": [{"entity": OWN}, {"entity": {"reference": "Patient/zoe"}}]},
)  # fmt: skip
TYPES = [body["resourceType"] for body in WITHHELD]


def fill(store: Store, more: tuple[Json, ...]) -> None:
    staff = store.open(SYSTEM, Purpose.OPERATIONS)
    for body in (*RELEASED, *more):
        staff.update(body["resourceType"], body["id"], body)
    if more:
        staff.update("Observation", "gone", result("gone", "preliminary"))
        staff.delete("Observation", "gone")


@pytest.fixture(scope="module")
def wards(new_place: Callable[[], str], wards_of: type[Wards]) -> Iterator[Wards]:
    with Store(new_place(), {"Subscription": STEWARD}) as full, Store(new_place(), {"Subscription": STEWARD}) as bare:
        fill(full, WITHHELD)
        fill(bare, ())
        made = wards_of([full, bare], EVA, Purpose.PATIENT_REQUEST)
        yield made
        made.close()


def check(wards: Wards, question: Question) -> None:
    with_them, without = wards.ask(*question)

    assert without == with_them, question[:2]
    assert with_them["status"] < 500, (question[:2], with_them)


# --- every path ---

# (pieces, fixed word) of a path as the door knows it -> the addresses that are asked, of a type and an id
ADDRESSES: dict[tuple[int, str], Callable[[str, str], tuple[str, ...]]] = {
    (0, ""): lambda type, id: (f"/?_type={type}&_id={id}",),
    (1, ""): lambda type, id: (f"/{type}", f"/{type}?_id={id}&_total=accurate", f"/{type}?_summary=count"),
    (1, "_history"): lambda type, id: ("/_history", "/_history?_at=2026"),
    (1, "_search"): lambda type, id: ("/_search",),
    (2, "_history"): lambda type, id: (f"/{type}/_history", f"/{type}/_history?_since=2026-01-01"),
    (2, "_search"): lambda type, id: (f"/{type}/_search",),
    (2, ""): lambda type, id: (f"/{type}/{id}",),
    (3, ""): lambda type, id: (f"/Patient/eva/{type}?_total=accurate", f"/Encounter/visit/{type}?_total=accurate"),
    (3, "_history"): lambda type, id: (f"/{type}/{id}/_history",),
    (4, "_history"): lambda type, id: (f"/{type}/{id}/_history/1", f"/{type}/{id}/_history/2"),
    (4, "_search"): lambda type, id: (f"/Patient/eva/{type}/_search",),
}
FORM = {"content-type": "application/x-www-form-urlencoded"}


def test_this_file_knows_every_path_of_the_server() -> None:
    assert ADDRESSES.keys() == PATHS.keys()


def of_paths(type: str, id: str) -> Iterator[Question]:
    body = {**next(one for one in WITHHELD if one["resourceType"] == type), "id": id}
    for key, addresses in ADDRESSES.items():
        for method in PATHS[key]:
            for address in addresses(type, id):
                if key[1] == "_search":
                    yield method, address, b"_id=" + id.encode() + b"&_total=accurate", FORM
                elif method == "GET":
                    yield method, address, None, {}
                elif key != (0, ""):
                    yield method, address, None if method == "DELETE" else body, {"if-match": 'W/"1"'}


@pytest.mark.parametrize("type", TYPES)
def test_no_path_tells_of_what_is_withheld(type: str, wards: Wards) -> None:
    for id in ("held", "gone", "seen"):
        for question in of_paths(type, id):
            check(wards, question)


VALUES = {"token": ["k", "urn:c|k", "preliminary"], "string": [SECRET], "uri": ["urn:x"], "special": [SECRET],
          "reference": ["Patient/eva", "Observation/held"], "date": ["ge2026-01-01"], "number": ["7.9"],
          "quantity": ["7.9", "gt5"], "composite": ["k$7.9"]}  # fmt: skip


def searches(type: str) -> Iterator[str]:
    """Query strings that would find what is withheld, or count it, or come by it."""
    yield from ("_include=*", "_count=1&_total=accurate", "_sort=-_lastUpdated&_count=1", f"_content={SECRET}")
    yield from (f"_text={SECRET}", "_list=seen&_total=accurate", "_id:not=seen&_total=accurate", "_summary=text")
    for name, known in fhir.parameters(type).items():
        yield from (f"{name}={quote(one)}&_total=accurate" for one in VALUES[known.kind])
        yield from (f"{name}:missing=false&_total=accurate", f"_sort={name}&_total=accurate")
        if known.kind == "reference":
            yield f"_include={type}:{name}"
            if "Observation" in known.targets:
                yield f"{name}:Observation.code=k&_total=accurate"
                yield f"_filter={quote(f'{name}.status eq preliminary')}"


def back(type: str) -> Iterator[str]:
    for name, known in fhir.parameters(type).items():
        if known.kind == "reference":
            yield f"_revinclude={type}:{name}"
            yield f"_has:{type}:{name}:_id=held&_total=accurate"


@pytest.mark.parametrize("type", [*TYPES, "Patient", "Encounter"])
def test_no_search_tells_of_what_is_withheld(type: str, wards: Wards) -> None:
    asked = [f"{type}?{query}" for query in searches(type)]
    asked += [f"{of}?{query}" for of in ("Patient", "Encounter", "Observation") for query in back(type)]
    for begin in range(0, len(asked), 60):
        some = [{"request": {"method": "GET", "url": url}} for url in asked[begin : begin + 60]]
        check(wards, ("POST", "/", {"resourceType": "Bundle", "type": "batch", "entry": some}, {}))


# --- every operation ---


def parameters(**given: Any) -> Json:
    return {"resourceType": "Parameters", "parameter": [{"name": name, **one} for name, one in given.items()]}


VIEW = {
    "resourceType": "ViewDefinition",
    "resource": "Observation",
    "status": "active",
    "name": "all",
    "select": [{"column": [{"name": "id", "path": "id"}, {"name": "v", "path": "value.ofType(Quantity).value"}]}],
}
GRAPHS = ("{id}", "{ObservationList {id valueQuantity {value}}}", "{Observation(id: held) {id}}",
          "{ObservationConnection {count edges {resource {id}}}}", "{CompositionList {title}}",
          "{DiagnosticReportList {result {resource(optional: true) {... on Observation {id}}}}}",
          "{Encounter(id: visit) {ObservationList(_reference: encounter) {id}}}")  # fmt: skip
GIVEN: dict[str, list[tuple[str, Any]]] = {  # query and body of an operation, where nothing would find nothing
    "$everything": [("", None), ("?_type=Observation", None), ("?_count=1", None), ("?start=2026-01-01", None)],
    "$lastn": [("?patient=eva", None), ("?patient=eva&code=k&max=5", None), ("?patient=eva&status=preliminary", None)],
    "$graphql": [("?" + urlencode({"query": text}), None) for text in GRAPHS],
    "$run": [("?_format=json" + more, VIEW) for more in ("", "&patient=Patient/eva", "&group=held")],
    "$erase": [("?reason=law&confirm=true", None)],
    "$expunge": [("?expungeEverything=true&reason=law&confirm=true", None)],
    "$meta-add": [("", parameters(meta={"valueMeta": {"tag": [{"code": "x"}]}}))],
    "$meta-delete": [("", parameters(meta={"valueMeta": {"tag": [{"code": "x"}]}}))],
    "$apply": [("?subject=Patient/eva", None), ("?subject=Patient/eva", parameters())],
}
GIVEN["$viewdefinition-run"] = GIVEN["$run"]
IDS = ("held", "seen", "eva", "visit")


def of_operations() -> Iterator[Question]:
    for name, known in OPERATIONS.items():
        types = sorted(known.types or {*TYPES, "Patient", "Encounter"})
        places = [""] if "system" in known.levels else []
        places += [f"/{type}" for type in types if "type" in known.levels]
        places += [f"/{type}/{id}" for type in types for id in IDS if "instance" in known.levels]
        for place in places:
            for method in known.methods:
                for query, body in GIVEN.get(name, [("", None)]):
                    yield method, f"{place}/{name}{query}", body, {}


def test_no_operation_tells_of_what_is_withheld(wards: Wards) -> None:
    for question in of_operations():
        check(wards, question)


def test_what_is_asked_here_would_tell_of_it_to_who_cares(wards: Wards, wards_of: type[Wards]) -> None:
    """The other way round: a question that finds nothing for anybody would prove nothing."""
    care = wards_of(wards.stores, Actor("Practitioner/a", Role.CLINICIAN), Purpose.TREATMENT)
    asked = [("GET", f"/{type}/held", None, {}) for type in TYPES]
    asked += [("GET", f"/Patient/eva/{path}", None, {}) for path in ("$everything", "Observation", "Communication")]
    asked += [("GET", f"/Observation{path}", None, {}) for path in ("/$lastn?patient=eva", "/_history", "?code=k")]
    asked += [("GET", "/$graphql?" + urlencode({"query": GRAPHS[1]}), None, {})]
    asked += [("POST", "/ViewDefinition/$run?_format=json&patient=Patient/eva", VIEW, {})]
    for question in asked:
        with_them, without = care.ask(*question)
        assert without != with_them, question[:2]
        assert 200 == with_them["status"], question[:2]
    care.close()
