"""What a patient's account is told, by whatever door, is the same whether there are other patients or none.

Two stores hold the same records of Eva. In one of them there is Zoe as well, with a resource of each of many types, and
another that was deleted. Everything that the CapabilityStatement tells of is asked of both, as Eva, aimed at Zoe:
statuses, headers and bodies must be equal but for moments and ids made up on the way. So nothing of Zoe is told, not
even that she is there. No look goes by unaudited.
"""

import re
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from salus import fhir
from salus.api.fhir.operations import OPERATIONS
from salus.base.outbound import Rules
from salus.fhir.definitions import Element, codes, elements, system
from salus.fhir.primitives import PRIMITIVES
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.privacy.policy import DESK_LOOKS, DESK_TYPES, WAITING
from salus.records import Store
from salus.subscriptions.steward import Steward
from salus.subscriptions.topics import topics

EVA, ZOE = Actor("Patient/eva", Role.PATIENT, "eva"), Actor("Patient/zoe", Role.PATIENT, "zoe")
STEWARD = Steward(topics(), Rules(plain=True), "http://ward/fhir")
BACKPORT = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/"
NAME = "Zoeterra"
Json = dict[str, Any]
Wards = Any  # of conftest: the same question to several stores
Question = tuple[str, str, Any, dict[str, str]]

TOLD_OF = ("Patient", "Observation", "Encounter", "Condition", "MedicationRequest", "DocumentReference", "Group",
           "Procedure", "Provenance", "AuditEvent", "List", "Appointment", "Coverage", "Claim", "Consent",
           "Practitioner", "Location", "Organization", "RiskAssessment", "Subscription")  # fmt: skip

# --- a resource of any type, about somebody ---

ROOT = {"meta", "implicitRules", "language", "text", "contained", "test"}
SKIPPED = {"id", "extension", "modifierExtension"}
WORDED = ("Reference", "CodeableConcept", "Coding")
PLAIN: Json = {
    "boolean": True,
    **dict.fromkeys(("integer", "positiveInt", "unsignedInt"), 7),
    "decimal": 7.5,
    "date": "2026-01-02",
    **dict.fromkeys(("dateTime", "instant"), "2026-01-02T03:04:05Z"),
    "time": "03:04:05",
    **dict.fromkeys(("uri", "url", "canonical"), f"urn:{NAME}"),
    "oid": "urn:oid:1.2.3",
    "uuid": "urn:uuid:c757873d-ec9a-4326-a141-556f43239520",
    "base64Binary": "Wm9l",
    "xhtml": f'<div xmlns="http://www.w3.org/1999/xhtml">{NAME}</div>',
}


def value(of: Element, kind: str, who: str, depth: int) -> Any:
    bound = codes(of.binding) if of.binding else None
    if kind in PRIMITIVES:
        return bound[0] if bound else PLAIN.get(kind, NAME)
    if kind == "Reference":
        of_anybody = not of.targets or {"Patient", "Resource"} & set(of.targets)
        return {"reference": f"{'Patient' if of_anybody else of.targets[0]}/{who}"}
    if kind in WORDED:
        coding = {"system": system(of.binding or ""), "code": bound[0]} if bound else {"system": "urn:n", "code": NAME}
        return coding if kind == "Coding" else {"coding": [coding], "text": NAME}
    return {"resourceType": "Basic", "code": {"text": NAME}} if kind == "Resource" else made(kind, who, depth + 1)


def made(type: str, who: str, depth: int = 0) -> Json:
    """A value for nearly every element; deeper ones have what they must."""
    found: Json = {}
    for one in elements(type):
        name, kind = one.fields[0]
        left_out = one.name in SKIPPED or (depth == 0 and one.name in ROOT)
        spared = (depth > 1 and (found or kind not in PRIMITIVES)) or (
            depth == 1 and kind not in PRIMITIVES and kind not in WORDED
        )
        if not left_out and (one.least or not spared) and (given := value(one, kind, who, depth)) != {}:
            found[name] = [given] if one.repeats else given
    return found


def subscription() -> Json:
    return {
        "resourceType": "Subscription",
        "status": "requested",
        "reason": NAME,
        "criteria": "https://salus.example/SubscriptionTopic/lab-result",
        "channel": {
            "type": "rest-hook",
            "endpoint": "http://127.0.0.1:9/in",
            "_payload": {"extension": [{"url": BACKPORT + "backport-payload-content", "valueCode": "id-only"}]},
        },
    }


def of(type: str, who: str) -> Json:
    if type == "Subscription":
        return subscription() | {"id": who}
    return {"resourceType": type, "id": who, **made(type, who)}


LINKED = {  # Eva's, but it names what is Zoe's
    "hasMember": [{"reference": "Observation/zoe"}],
    "encounter": {"reference": "Encounter/zoe"},
    "performer": [{"reference": "Practitioner/zoe"}],
}


def fill(store: Store, who: str, actor: Actor) -> None:
    staff = store.open(SYSTEM, Purpose.OPERATIONS)
    for type in TOLD_OF[:-1]:
        staff.update(type, who, of(type, who))
    store.open(actor, Purpose.PATIENT_REQUEST).create("Subscription", of("Subscription", who))
    for id in (f"{who}-linked", f"{who}-gone"):
        staff.update("Observation", id, of("Observation", who) | LINKED | {"id": id})
    staff.delete("Observation", f"{who}-gone")


# --- asked of both ---


@pytest.fixture(scope="module")
def wards(new_place: Callable[[], str], wards_of: type[Wards]) -> Iterator[Wards]:
    with Store(new_place(), {"Subscription": STEWARD}) as full, Store(new_place(), {"Subscription": STEWARD}) as lone:
        fill(full, "zoe", ZOE)
        for store in (full, lone):
            fill(store, "eva", EVA)
        made = wards_of([full, lone], EVA, Purpose.PATIENT_REQUEST)
        yield made
        made.close()


def check(wards: Wards, question: Question) -> None:
    with_her, without = wards.ask(*question)

    assert without == with_her, question[:2]
    assert with_her["status"] < 500, (question[:2], with_her)


# --- what is asked ---

VALUES = {
    "token": [NAME, f"urn:n|{NAME}"],
    "string": [NAME],
    "reference": ["Patient/zoe", "zoe"],
    "date": ["ge2026-01-01"],
    "number": ["7"],
    "quantity": ["7.5"],
    "uri": [f"urn:{NAME}"],
    "composite": [f"{NAME}$7.5"],
    "special": [NAME],
}


CHAINED = {"Patient": "name", "Practitioner": "name", "Encounter": "reason-code", "Observation": "code"}


def searches(type: str) -> Iterator[str]:
    """Query strings aimed at Zoe."""
    yield from ("", "_id=zoe", "_summary=count", "_total=accurate&_count=1", "_id:missing=false&_total=accurate")
    yield from ("_include=*", "_revinclude=*&_count=2", "_list=zoe", f"_content={NAME}", f"_text={NAME}")
    yield from ("_sort=-_id&_count=3&_total=accurate", "_id:not=eva", "_filter=_id%20eq%20zoe", "_lastUpdated=gt2020")
    for name, known in fhir.parameters(type).items():
        for one in VALUES[known.kind]:
            yield f"{name}={quote(one)}&_total=accurate"
        yield f"{name}:missing=true&_total=accurate"
        yield f"_sort={name}"
        if known.kind == "reference":
            yield f"_include={type}:{name}"
            yield f"{name}:identifier={NAME}"
            for target, told in CHAINED.items():
                if target in known.targets:
                    yield f"{name}:{target}._id=zoe"
                    yield f"{name}:{target}.{told}={NAME}"
                    yield f"_filter={quote(f'{name}.{told} eq {NAME}')}"


def of_types(type: str) -> Iterator[Question]:
    """Every interaction with a type, aimed at what is Zoe's."""
    body, patch = of(type, "zoe"), [{"op": "test", "path": "/id", "value": "zoe"}]
    for id in ("zoe", "zoe-gone", "nobody"):
        yield "GET", f"/{type}/{id}", None, {}
        yield "GET", f"/{type}/{id}", None, {"if-none-match": 'W/"1"'}
        yield "GET", f"/{type}/{id}/_history", None, {}
        yield "GET", f"/{type}/{id}/_history/1", None, {}
        for more in ({}, {"if-match": 'W/"1"'}, {"if-match": 'W/"7"'}, {"if-none-match": "*"}):
            yield "PUT", f"/{type}/{id}", body | {"id": id}, more
            yield "DELETE", f"/{type}/{id}", None, more
            yield "PATCH", f"/{type}/{id}", patch, more | {"content-type": "application/json-patch+json"}
        yield "GET", f"/Patient/{id}/{type}?_total=accurate", None, {}
    yield "GET", f"/{type}/_history", None, {}
    yield "POST", f"/{type}", body, {"if-none-exist": "_id=zoe"}
    yield "PUT", f"/{type}?_id=zoe", body, {}
    yield "DELETE", f"/{type}?_id=zoe", None, {}
    yield "PATCH", f"/{type}?_id=zoe", patch, {"content-type": "application/json-patch+json"}
    form = {"content-type": "application/x-www-form-urlencoded"}
    yield "POST", f"/{type}/_search", b"_id=zoe&_total=accurate", form
    yield "GET", f"/{type}?_id=zoe&_explain=true", None, {}


def of_bundles(type: str) -> Iterator[Question]:
    """The same within a batch and a transaction."""
    reads = [
        {"request": {"method": "GET", "url": url}} for url in (f"{type}/zoe", f"{type}?_id=zoe", f"{type}/_history")
    ]
    writes = [
        {"request": {"method": "PUT", "url": f"{type}/zoe"}, "resource": of(type, "zoe")},
        {"request": {"method": "POST", "url": type, "ifNoneExist": "_id=zoe"}, "resource": of(type, "zoe")},
        {"request": {"method": "DELETE", "url": f"{type}/zoe"}},
        {"request": {"method": "DELETE", "url": f"{type}?_id=zoe"}},
    ]
    yield "POST", "/", bundle("batch", reads + writes), {}
    yield "POST", "/", bundle("transaction", reads), {}
    for write in writes:
        yield "POST", "/", bundle("transaction", [write]), {}


def bundle(kind: str, entries: list[Json]) -> Json:
    return {"resourceType": "Bundle", "type": kind, "entry": entries}


def parameters(**given: Any) -> Json:
    return {"resourceType": "Parameters", "parameter": [{"name": name, **one} for name, one in given.items()]}


VIEW = {
    "resourceType": "ViewDefinition",
    "resource": "Observation",
    "status": "active",
    "name": "all",
    "select": [{"column": [{"name": "id", "path": "id"}, {"name": "who", "path": "subject.reference"}]}],
}
LOOKS = [
    '{PatientList(name: "Zoeterra") {id}}',
    "{Patient(id: zoe) {id name {family}}}",
    "{ObservationList {id subject {reference resource {... on Patient {id}}} hasMember {resource(optional: true) "
    "{... on Observation {id}}}}}",
    "{ObservationConnection {count edges {resource {id}}}}",
    '{ObservationList(_filter: "subject.name eq Zoeterra") {id}}',
    '{ObservationList(_content: "Zoeterra") {id}}',
    "{Encounter(id: eva) {ObservationList(_reference: encounter) {id}}}",
]
GIVEN: dict[str, list[tuple[str, Any]]] = {  # query and body of an operation
    "$everything": [("", None), ("?_type=Observation", None), ("?_since=2020-01-01", None)],
    "$validate": [("", None), ("?mode=delete", None), ("?mode=update", {"resourceType": "Basic", "code": {}})],
    "$lastn": [("?patient=zoe", None), ("?subject=Patient/zoe", None), ("?patient=eva&max=3", None),
               ("?patient=eva&encounter.status=planned", None), ("?patient:Patient.name=Zoeterra", None)],
    "$graphql": [("?" + urlencode({"query": text}), None) for text in ("{id}", *LOOKS)],
    "$bulk-status": [("?job=0190c757-873d-7a93-8326-a141556f4323", None)],
    "$bulk-file": [("?job=0190c757-873d-7a93-8326-a141556f4323&file=Patient.ndjson", None)],
    "$erase": [("", None), ("?reason=law&confirm=true", None)],
    "$expunge": [("?expungeEverything=true", None), ("?expungeEverything=true&reason=law&confirm=true", None)],
    "$meta-add": [("", parameters(meta={"valueMeta": {"tag": [{"code": "x"}]}}))],
    "$meta-delete": [("", parameters(meta={"valueMeta": {"tag": [{"code": "x"}]}}))],
    "$run": [("?_format=json&" + more, VIEW) for more in ("", "patient=Patient/zoe", "patient=", "patient=,",
             "group=zoe", "group=Group/eva", "_since=2020-01-01T00:00:00Z", "patient=eva&patient=zoe")],
    "$closure": [("", parameters(name={"valueString": "zoe"}))],
    "$events": [("", None), ("?eventsSinceNumber=1", None)],
    "$status": [("", None), ("?id=zoe", None)],
    "$wait": [("", None), *[("", parameters(service={"valueString": "heart"}, **{name: {"valueString": value}}))
              for name, value in (("patient", "zoe"), ("instead", "Appointment/zoe"))]],
    "$accept": [("", None), ("", parameters(keep={"valueString": "true"}))],
}  # fmt: skip
GIVEN["$viewdefinition-run"] = GIVEN["$run"]


def of_operations() -> Iterator[Question]:
    for name, known in OPERATIONS.items():
        types = sorted(known.types or {"Patient", "Observation", "Encounter", "Group", "Subscription", "Practitioner"})
        places = [""] if "system" in known.levels else []
        places += [f"/{type}" for type in types if "type" in known.levels]
        places += [f"/{type}/{id}" for type in types for id in ("zoe", "nobody") if "instance" in known.levels]
        for place in places:
            for method in known.methods:
                for query, body in GIVEN.get(name, [("", None)]):
                    yield method, f"{place}/{name}{query}", body, {"prefer": "respond-async"}


@pytest.mark.parametrize("of", [of_types, of_bundles])
def test_every_interaction_tells_nothing_of_others(of: Callable[[str], Iterator[Question]], wards: Wards) -> None:
    for type in TOLD_OF:
        for question in of(type):
            check(wards, question)


def test_every_operation_tells_nothing_of_others(wards: Wards) -> None:
    for question in of_operations():
        check(wards, question)


def test_every_search_tells_nothing_of_others(wards: Wards) -> None:
    asked = [f"{type}?{query}" for type in TOLD_OF[:7] for query in searches(type)]
    for begin in range(0, len(asked), 100):
        some = [{"request": {"method": "GET", "url": url}} for url in asked[begin : begin + 100]]
        check(wards, ("POST", "/", bundle("batch", some), {}))


def test_a_desk_is_told_nothing_of_types_that_it_may_not_read(
    new_file: Callable[[], str], wards_of: type[Wards]
) -> None:
    """The same, for a role: in one store there is all of Zoe, in the other only what a desk may know."""
    known = DESK_TYPES | DESK_LOOKS | WAITING
    unread = [type for type in TOLD_OF if type not in known]
    with Store(new_file(), {"Subscription": STEWARD}) as full, Store(new_file(), {"Subscription": STEWARD}) as bare:
        fill(full, "zoe", ZOE)
        staff = bare.open(SYSTEM, Purpose.OPERATIONS)
        for type in [type for type in TOLD_OF if type in known]:
            staff.update(type, "zoe", of(type, "zoe"))
        wards = wards_of([full, bare], Actor("Practitioner/desk", Role.DESK), Purpose.OPERATIONS)
        for type in unread:
            for question in (*of_types(type), *of_bundles(type)):
                check(wards, question)
        for question in of_operations():
            check(wards, question)
        for type in TOLD_OF[:7]:
            for query in searches(type):
                check(wards, ("GET", f"/{type}?{query}", None, {}))
        wards.close()


# --- and what is written down of it ---

PEOPLE = {EVA: Purpose.PATIENT_REQUEST, Actor("Practitioner/admin", Role.ADMINISTRATOR): Purpose.ADMINISTRATION}
UNREAD = {400, 405, 406, 415, 422}  # what was not understood has not been looked for
PUBLIC = re.compile(r"/ViewDefinition/(zoe|nobody)/|/(Group|Patient/zoe|Patient/nobody)/\$export|/\$bulk|/\$export")


@pytest.mark.parametrize("actor", PEOPLE, ids=lambda actor: actor.role.value)
def test_every_look_and_write_is_in_the_audit_at_every_door(
    actor: Actor, new_file: Callable[[], str], wards_of: type[Wards]
) -> None:
    """But for lists of the site's own views, and of jobs: those are written down when they read."""
    with Store(new_file(), {"Subscription": STEWARD}) as store:
        fill(store, "zoe", ZOE)
        fill(store, "eva", EVA)
        ward = wards_of([store], actor, PEOPLE[actor])
        of_one = (*of_types("Observation"), *of_types("Subscription"), *of_bundles("Observation"), *of_operations())
        first = {(question[0], re.split("[?=]", question[1])[0]): question for question in reversed(of_one)}
        for question in reversed(first.values()):
            check_audited(ward, actor, question)
        ward.close()


def check_audited(ward: Wards, actor: Actor, question: Question) -> None:
    [store] = ward.stores
    before = last_line(store)
    [told] = ward.ask(*question)
    if told["status"] in UNREAD or PUBLIC.search(question[1]):
        return
    until = time.monotonic() + 120
    while last_line(store) == before:
        assert time.monotonic() < until, (question[:2], told["status"], told["text"][:200])
        time.sleep(0.002)
    assert actor.reference == store.audited(None, 1)[0].who


def last_line(store: Store) -> int:
    return max((line.n for line in store.audited(None, 1)), default=0)
