"""A patient's account sees what somebody answers for and nothing before, by every way the records are read; whoever
cares for the patient sees all of it. docs/decisions/0086-released-when-final.md"""

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from salus import fhir
from salus.base.errors import Forbidden, Gone, Missing, SalusError
from salus.privacy import SYSTEM, Actor, Purpose, Role, check_may_be_advised
from salus.records import Records, Store

EVA, SECRET = Actor("Patient/eva", Role.PATIENT, "eva"), "Secreterra"
OWN: dict[str, Any] = {"reference": "Patient/eva"}
CODE = {"coding": [{"system": "urn:c", "code": "k"}], "text": SECRET}
Json = dict[str, Any]


def of(type: str, id: str, /, **more: Any) -> Json:
    """A resource of Eva's that says the secret."""
    return {"resourceType": type, "id": id, **more}


def observation(id: str, status: str, value: float = 7.9, **more: Any) -> Json:
    return of("Observation", id, status=status, code=CODE, subject=OWN, effectiveDateTime="2026-01-02",
              valueQuantity={"value": value, "unit": "mmol/L"}, **more)  # fmt: skip


def document(id: str, **more: Any) -> Json:
    text = {"attachment": {"contentType": "text/plain", "title": SECRET}}
    return of("DocumentReference", id, status="current", subject=OWN, content=[text], **more)


def told(id: str, **who: Any) -> Json:
    return of("Communication", id, status="completed", subject=OWN, payload=[{"contentString": SECRET}], **who)


NOPAT = {"security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "NOPAT"}]}
CASE = {"coding": [{"system": "https://salus.example/fhir/CodeSystem/case", "code": "case"}]}
STAFF = {"sender": {"reference": "Practitioner/a"}, "recipient": [{"reference": "Practitioner/b"}]}
NOTE = {"type": CODE, "date": "2026-01-02", "author": [{"reference": "Practitioner/a"}], "title": SECRET}
ORDER = {"intent": "order", "subject": OWN}
WITHHELD: tuple[Json, ...] = (
    *(observation(f"o-{status}", status) for status in ("registered", "preliminary", "unknown")),
    *(observation(f"o-never-{status}", status) for status in ("cancelled", "entered-in-error")),
    observation("o-nopat", "final", meta=NOPAT),
    *(
        of("DiagnosticReport", f"d-{status}", status=status, code=CODE, subject=OWN, conclusion=SECRET)
        for status in ("registered", "partial", "preliminary", "unknown", "cancelled")
    ),
    of("Composition", "note", status="preliminary", subject=OWN, **NOTE),
    document("draft", docStatus="preliminary"),
    document("case", docStatus="final", type=CASE),
    of("RiskAssessment", "guess", status="final", subject=OWN, code=CODE, performer={"reference": "Device/model"}),
    *(
        of("RiskAssessment", f"guess-{n}", status="final", subject=OWN, code=CODE, performer=one)
        for n, one in enumerate(
            (
                {"reference": "https://other.example/fhir/Device/model"},
                {"reference": "Device/model/_history/2"},
                {"reference": "urn:uuid:0190a3a0-0000-7000-8000-000000000000", "type": "Device"},
                {"type": "Device", "identifier": {"value": "model"}},
            )
        )
    ),
    of(
        "RiskAssessment",
        "guess-within",
        status="final",
        subject=OWN,
        code=CODE,
        performer={"reference": "#m"},
        contained=[{"resourceType": "Device", "id": "m"}],
    ),
    of("RiskAssessment", "thought", status="preliminary", subject=OWN, code=CODE),
    of("ClinicalImpression", "thinking", status="in-progress", subject=OWN, description=SECRET),
    of("DetectedIssue", "alert", status="preliminary", patient=OWN, code=CODE, detail=SECRET),
    of("MedicationRequest", "rx", status="draft", medicationCodeableConcept=CODE, **ORDER),
    of("ServiceRequest", "sr", status="draft", code=CODE, **ORDER),
    of("CarePlan", "plan", status="draft", intent="plan", subject=OWN, title=SECRET),
    told("call", **STAFF),
    told("aside"),
    of("Group", "study", type="person", actual=True, name=SECRET, member=[{"entity": OWN}]),
)
SEEN: tuple[Json, ...] = (
    *(observation(f"s-{status}", status) for status in ("final", "amended", "corrected")),
    of("DiagnosticReport", "s-appended", status="appended", code=CODE, subject=OWN),
    of("Composition", "s-note", status="amended", subject=OWN, **NOTE),
    document("s-letter"),
    of("RiskAssessment", "s-judged", status="final", subject=OWN, performer={"reference": "Practitioner/a"}),
    of("ClinicalImpression", "s-answer", status="completed", subject=OWN),
    of("MedicationRequest", "s-rx", status="active", medicationCodeableConcept=CODE, **ORDER),
    told("s-notice", recipient=[OWN]),
    told("s-letter-home", sender=OWN),
    told("s-family", recipient=[{"reference": "RelatedPerson/mother"}]),
)


def fill(store: Store, *bodies: Json) -> None:
    staff = store.open(SYSTEM, Purpose.TREATMENT)
    staff.update("Patient", "eva", {"resourceType": "Patient", "gender": "female"})
    for body in bodies:
        staff.update(body["resourceType"], body["id"], body)


@pytest.fixture(scope="module")
def world(new_place: Callable[[], str]) -> Iterator[Store]:
    with Store(new_place()) as store:
        fill(store, *WITHHELD, *SEEN)
        staff = store.open(SYSTEM, Purpose.TREATMENT)
        staff.update("Observation", "gone", observation("gone", "preliminary"))
        staff.delete("Observation", "gone")
        yield store


@pytest.fixture
def store(new_place: Callable[[], str]) -> Iterator[Store]:
    with Store(new_place()) as opened:
        fill(opened)
        yield opened


def eva(store: Store) -> Records:
    return store.open(EVA, Purpose.PATIENT_REQUEST)


def staff(store: Store) -> Records:
    return store.open(SYSTEM, Purpose.TREATMENT)


# --- every way in ---

TYPES = sorted({body["resourceType"] for body in WITHHELD})
HIDDEN = [(body["resourceType"], body["id"]) for body in WITHHELD] + [("Observation", "gone")]


def searches() -> Iterator[tuple[str, str]]:
    for type in TYPES:
        yield from ((type, query) for query in ("", "_sort=-_lastUpdated", "_summary=true", "_elements=meta"))
        yield from ((type, f"_id={id}") for of_type, id in HIDDEN if of_type == type)
        yield type, "patient=eva&_include=*" if "patient" in fhir.parameters(type) else "_include=*"
        yield type, "_compartment=Patient/eva"
    yield "Patient", "&".join(f"_revinclude={type}:*" for type in TYPES)
    yield "", f"_type={','.join(TYPES)}"
    yield "Observation", "code=k&_sort=-date"
    yield "Observation", "value-quantity=gt7&status:not=final"
    yield "Patient", "_has:Observation:patient:_id=o-preliminary"


def by_pages(records: Records, type: str, query: str) -> Iterator[Any]:
    page = records.search(type, f"{query}&_count=3")
    while True:
        yield from (*page.versions, *page.included)
        if not page.next:
            return
        page = records.search(type, page.next)


def of_bundle(records: Records) -> Iterator[Any]:
    urls = [url for type, id in HIDDEN for url in (f"{type}/{id}", f"{type}/{id}/_history/1", f"{type}/{id}/_history")]
    urls += [url for type in TYPES for url in (f"{type}?_total=accurate", f"Patient/eva/{type}", f"{type}/_history")]
    for begin in range(0, len(urls), 50):
        entry = [{"request": {"method": "GET", "url": url}} for url in urls[begin : begin + 50]]
        yield records.bundle({"resourceType": "Bundle", "type": "batch", "entry": entry})


def tried(read: Callable[..., Any], *asked: Any) -> list[Any]:
    """What is read, nothing where it is said not to be there."""
    try:
        found = read(*asked)
    except (Missing, Gone) as fault:
        assert isinstance(fault, Missing), fault
        return []
    return [*found.versions] if hasattr(found, "versions") else [found]


# each way to read -> what the account gets by it
READS: dict[str, Callable[[Records], Iterator[Any]]] = {
    "read": lambda r: (one for name in HIDDEN for one in tried(r.read, *name)),
    "vread": lambda r: (one for name in HIDDEN for n in (1, 2) for one in tried(r.vread, *name, n)),
    "history": lambda r: (one for name in HIDDEN for one in tried(r.history, *name)),
    "histories": lambda r: (
        one
        for asked in [("_count=1000", *name[:k]) for name in HIDDEN for k in (1, 2)] + [("_count=1000",), ("_at=2026",)]
        for one in tried(r.histories, *asked)
    ),
    "search": lambda r: (one for asked in searches() for one in by_pages(r, *asked)),
    "search_at_once": lambda r: (
        one for type, query in searches() for page in [r.search_at_once(type, query)] if page for one in page.versions
    ),
    "compartment": lambda r: iter([*r.compartment("eva"), *r.compartment("eva", TYPES)]),
    "person": lambda r: (r.person(id) for _, id in HIDDEN),
    "bundle": of_bundle,
    "submit": lambda r: iter(
        [r.submit({"resourceType": "Bundle", "type": "transaction", "entry": [
            {"request": {"method": "GET", "url": f"{type}?_count=100"}} for type in TYPES]}).result()]
    ),
    "looks": lambda r: (one.what for one in r.looks() if one.act != "search"),
}  # fmt: skip
# what a patient's account is refused, and what says nothing of what is stored
CLOSED = frozenset(
    {"create", "creating", "update", "updating", "updating_where", "patch", "patching", "patching_where", "delete",
     "deleting", "deleting_where", "put_many", "put_sheet", "prepared", "terms", "dictionary", "explain", "audit"}
)  # fmt: skip


def test_this_file_knows_every_way_in() -> None:
    verbs = {name for name, one in inspect.getmembers(Records, inspect.isfunction) if not name.startswith("_")}

    assert verbs == READS.keys() | CLOSED


@pytest.mark.parametrize("way", READS)
def test_nothing_unreleased_comes_out(way: str, world: Store) -> None:
    hidden = {f"{type}/{id}" for type, id in HIDDEN}
    found = list(READS[way](eva(world)))
    named = {one.reference if hasattr(one, "reference") else "" for one in found}
    text = orjson.dumps([one if isinstance(one, str | dict) else one.reference for one in found], default=str).decode()

    assert not named & hidden
    assert not [name for name in hidden if f'"{name}"' in text or f'"id":"{name.partition("/")[2]}"' in text]


def test_what_is_released_comes_out_and_nothing_else_is_counted(world: Store) -> None:
    seen = {f"{body['resourceType']}/{body['id']}" for body in SEEN} | {"Patient/eva"}
    everything = {f"{body['resourceType']}/{body['id']}" for body in WITHHELD} | seen

    assert seen == {one.reference for one in eva(world).compartment("eva")}
    assert everything == {one.reference for one in staff(world).compartment("eva")}
    for type in TYPES:
        own, all = (sum(name.startswith(f"{type}/") for name in names) for names in (seen, everything))
        for query in ("_summary=count", "_total=accurate", "_compartment=Patient/eva&_summary=count"):
            assert (own, all) == (eva(world).search(type, query).total, staff(world).search(type, query).total), type


def test_a_chain_or_a_condition_does_not_tell_what_is_withheld(store: Store) -> None:
    report = {"status": "final", "code": CODE, "subject": OWN, "result": [{"reference": "Observation/o"}]}
    fill(store, observation("o", "preliminary"), of("DiagnosticReport", "d", **report))
    asked = (
        ("DiagnosticReport", "result.value-quantity=gt7"),
        ("DiagnosticReport", "result:Observation.code=k"),
        ("Patient", "_has:Observation:patient:value-quantity=gt7"),
        ("Patient", "_has:Observation:patient:status=preliminary"),
        ("DiagnosticReport", "_filter=result.status eq preliminary"),
    )
    for type, query in asked:
        assert (0, 1) == tuple(who(store).search(type, f"{query}&_total=accurate").total for who in (eva, staff)), query
    assert [] == eva(store).search("DiagnosticReport", "_include=DiagnosticReport:result").included
    staff(store).update("Observation", "o", observation("o", "final"))
    for type, query in asked[:3]:
        assert 1 == eva(store).search(type, f"{query}&_total=accurate").total, query


# --- from version to version ---


def versions(records: Records, id: str = "o") -> list[int]:
    try:
        return [one.version for one in reversed(records.history("Observation", id).versions)]
    except Missing:
        return []


def test_a_result_appears_when_it_is_final_and_a_correction_takes_its_place(store: Store) -> None:
    records, own = staff(store), eva(store)
    records.update("Observation", "o", observation("o", "preliminary", 7.9))
    with pytest.raises(Missing):
        own.read("Observation", "o")
    records.update("Observation", "o", observation("o", "final", 4.1))

    assert 4.1 == own.read("Observation", "o").json()["valueQuantity"]["value"]
    assert [2] == versions(own)
    with pytest.raises(Missing):
        own.vread("Observation", "o", 1)
    records.update("Observation", "o", observation("o", "corrected", 4.4))
    assert [4.4] == [one.json()["valueQuantity"]["value"] for one in own.search("Observation").versions]
    assert ([2, 3], [1, 2, 3]) == (versions(own), versions(records))


def test_who_saw_a_result_sees_that_it_was_struck_out_and_who_did_not_sees_nothing(store: Store) -> None:
    records = staff(store)
    for first, id in (("final", "was"), ("preliminary", "never")):
        for status in (first, "entered-in-error", "cancelled"):
            records.update("Observation", id, observation(id, status))

    assert "cancelled" == eva(store).read("Observation", "was").json()["status"]
    assert ([1, 2, 3], []) == (versions(eva(store), "was"), versions(eva(store), "never"))


def test_a_deletion_is_told_to_who_saw_what_it_deletes(store: Store) -> None:
    for status, fault in (("final", Gone), ("preliminary", Missing)):
        staff(store).update("Observation", status, observation(status, status))
        staff(store).delete("Observation", status)
        with pytest.raises(fault):
            eva(store).read("Observation", status)


def test_what_is_loaded_in_bulk_is_withheld_alike(store: Store) -> None:
    bodies = [observation("a", "final"), observation("b", "preliminary"), observation("c", "cancelled")]
    items = [("Observation", body["id"], orjson.dumps(body)) for body in bodies]

    assert ["created"] * 3 == [one.act for one in staff(store).put_many(items).result()]
    assert ["a"] == [one.id for one in eva(store).search("Observation").versions]


STEPS = st.lists(st.sampled_from(["final", "preliminary", "corrected", "entered-in-error", "cancelled", "delete"]),
                 min_size=1, max_size=6)  # fmt: skip


def expected(steps: list[str]) -> list[bool]:
    """Whether each of these versions is seen: the rule, said once more."""
    made: list[bool] = []
    for step in steps:
        before = made[-1] if made else False
        made.append(before if step in ("entered-in-error", "cancelled", "delete") else step != "preliminary")
    return made


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(many=st.lists(STEPS, min_size=1, max_size=3))
def test_whatever_happens_to_a_result_each_version_is_seen_or_not_as_the_rule_says(
    many: list[list[str]], world: Store
) -> None:
    records, own = staff(world), eva(world)
    for steps in many:
        id = records.create("Observation", observation("x", "registered")).id
        done: list[str] = ["preliminary"]
        for step in steps:
            try:
                if step == "delete":
                    records.delete("Observation", id)
                elif records.update("Observation", id, observation(id, step, len(done))).unchanged:
                    continue
            except SalusError:
                continue
            done.append(step)
        seen = [n for n, is_seen in enumerate(expected(done), 1) if is_seen]

        assert seen == versions(own, id)
        assert (len(done) in seen and done[-1] != "delete") == (f"Observation/{id}" in named(own, id))
        records.delete("Observation", id) if done[-1] != "delete" else None


def named(records: Records, id: str) -> set[str]:
    return {one.reference for one in records.search("Observation", f"_id={id}").versions}


# --- a store that knew nothing of it ---


def test_an_older_store_learns_what_is_withheld_when_it_is_opened(new_place: Callable[[], str]) -> None:
    place = new_place()
    with Store(place) as store:
        fill(store, *WITHHELD, *SEEN)
        for id, *said in (
            ("x", "preliminary", "final"),
            ("y", "preliminary", "cancelled"),
            ("z", "final", "cancelled"),
        ):
            for status in said:
                staff(store).update("Observation", id, observation(id, status))
        staff(store).update("Observation", "gone", observation("gone", "preliminary"))
        staff(store).delete("Observation", "gone")
        before = told_of(store)
        for sql in (
            "UPDATE line SET withheld=0",
            "UPDATE was SET withheld=1",
            "UPDATE meta SET value='' WHERE name='index'",
        ):
            store._keep_house(lambda desk, sql=sql: desk.connection.execute(sql))
    with Store(place) as store:
        assert before == told_of(store)


def told_of(store: Store) -> list[str]:
    found = [*eva(store).histories("_count=1000").versions, *eva(store).compartment("eva")]
    return [f"{one.reference}/{one.version}" for one in found]


def test_a_patient_is_not_advised_by_the_assistants() -> None:
    with pytest.raises(Forbidden, match="ask your doctor"):
        check_may_be_advised(EVA)
    check_may_be_advised(Actor("Practitioner/a", Role.CLINICIAN))
