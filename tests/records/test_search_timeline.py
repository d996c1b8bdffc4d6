"""A search within a patient finds what a naive look at every resource finds, in the order of time, page by page."""

import random
from collections.abc import Callable, Iterator
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records import Records, Store, interning
from salus.records.search import finding, ordering, parse, subjects, timeline

DRAWN = random.Random(9)
PATIENTS, OBSERVATIONS = 4, 150
DATES = [None, *(f"20{year:02}-0{month}-11" for year in (8, 24, 25) for month in (1, 5)), "1969-07-20", "1970-01-01"]
Body = dict[str, Any]


def observation(n: int) -> Body:
    date = DRAWN.choice(DATES)
    body = {
        "resourceType": "Observation",
        "id": f"o{n}",
        "status": DRAWN.choice(["final", "amended"]),
        "category": [{"coding": [{"code": code}]} for code in DRAWN.sample(["vital-signs", "laboratory"], 1 + n % 2)],
        "code": {"coding": [{"system": f"urn:{DRAWN.choice('xy')}", "code": DRAWN.choice("abc")}]},
        "subject": {"reference": f"Patient/p{DRAWN.randrange(PATIENTS)}"},
    }
    if n % 5 == 0:  # stands in the compartment of who answered, too
        body["performer"] = [{"reference": f"Patient/p{DRAWN.randrange(PATIENTS)}"}]
    return body | ({"effectiveDateTime": date} if date else {})


BODIES = {body["id"]: body for body in map(observation, range(OBSERVATIONS))}


@pytest.fixture(scope="module", params=[100_000, 3])
def store(new_place: Callable[[], str], request: pytest.FixtureRequest) -> Iterator[Store]:
    """With as many bunches as it takes, and with too few."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(interning, "MOST_BUNCHES", request.param)
        with Store(new_place()) as opened:
            records = opened.open(SYSTEM, Purpose.OPERATIONS)
            patients = [{"resourceType": "Patient", "id": f"p{n}", "active": True} for n in range(PATIENTS)]
            made = [*patients, *BODIES.values()]
            records.put_many([(body["resourceType"], body["id"], orjson.dumps(body)) for body in made]).result()
            yield opened


SEEN = "patient.active=true"
# what is asked, and the same of a body
CONDITIONS: dict[str, Callable[[Body], bool]] = {
    "code=urn:x|a": lambda body: body["code"]["coding"][0] == {"system": "urn:x", "code": "a"},
    "code=a,b": lambda body: body["code"]["coding"][0]["code"] in "ab",
    "code:not=b": lambda body: body["code"]["coding"][0]["code"] != "b",
    "category=laboratory": lambda body: {"coding": [{"code": "laboratory"}]} in body["category"],
    "status=final": lambda body: body["status"] == "final",
    "date=ge2010": lambda body: body.get("effectiveDateTime", "0") >= "2010",
    "date:missing=true": lambda body: "effectiveDateTime" not in body,
    "performer=Patient/p1": lambda body: body.get("performer") == [{"reference": "Patient/p1"}],
    "code:text=nothing": lambda body: False,
    "_id=o1,o5,o10,o50,o100": lambda body: body["id"] in ("o1", "o5", "o10", "o50", "o100"),
    SEEN: lambda body: True,
}


def of_compartment(body: Body, patient: str) -> bool:
    named = [body["subject"], *body.get("performer", [])]
    return {"reference": f"Patient/{patient}"} in named


WHOSE: dict[str, Callable[[Body, str], bool]] = {
    "patient={}": lambda body, patient: body["subject"] == {"reference": f"Patient/{patient}"},
    "subject=Patient/{}": lambda body, patient: body["subject"] == {"reference": f"Patient/{patient}"},
    "subject:Patient._id={}": lambda body, patient: body["subject"] == {"reference": f"Patient/{patient}"},
    "_compartment=Patient/{}": of_compartment,
}
NUMBERS = {id: n for n, id in enumerate(BODIES)}
SORTS: dict[str, Callable[[Body], Any]] = {  # what comes first has the least; equals stand as they came
    "": lambda body: 0,
    "date": lambda body: body.get("effectiveDateTime", "9"),
    "-date": lambda body: [-ord(sign) for sign in body.get("effectiveDateTime", "0")],
    "code": lambda body: body["code"]["coding"][0]["code"],
    "-status,date": lambda body: (-ord(body["status"][0]), body.get("effectiveDateTime", "9")),
}


def walked(records: Records, query: str, count: int) -> list[str]:
    page = records.search("Observation", f"{query}&_count={count}")
    found = [version.id for version in page.versions]
    while page.next:
        page = records.search("Observation", page.next)
        found += [version.id for version in page.versions]
    return found


@settings(max_examples=60, deadline=None)
@given(
    whose=st.sampled_from(list(WHOSE)),
    patient=st.sampled_from([f"p{n}" for n in range(PATIENTS)]),
    conditions=st.lists(st.sampled_from(list(CONDITIONS)), max_size=3, unique=True),
    sort=st.sampled_from(list(SORTS)),
    count=st.sampled_from([1, 4, 9, 200]),
    long=st.sampled_from([1, 5000]),
    account=st.booleans(),
)
def test_a_timeline_has_what_every_body_says(
    store: Store, whose: str, patient: str, conditions: list[str], sort: str, count: int, long: int, account: bool
) -> None:
    actor = Actor(f"Patient/{patient}", Role.PATIENT, patient) if account else SYSTEM
    records = store.open(actor, Purpose.PATIENT_REQUEST if account else Purpose.OPERATIONS)
    found = [body for body in BODIES.values() if WHOSE[whose](body, patient)]
    if account and SEEN in conditions:  # it sees no other patient, so a chain to another finds nobody
        found = [body for body in found if body["subject"] == {"reference": f"Patient/{patient}"}]
    found = [body for body in found if all(CONDITIONS[condition](body) for condition in conditions)]
    expected = [body["id"] for body in sorted(found, key=lambda body: (SORTS[sort](body), NUMBERS[body["id"]]))]
    query = "&".join([whose.format(patient), *conditions, *([f"_sort={sort}"] if sort else [])])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(timeline, "LONG", long)
        patch.setattr(ordering, "FEW", 0 if long == 1 else 2000)

        assert expected == walked(records, query, count), query
        assert len(expected) == records.search("Observation", f"{query}&_summary=count").total


def test_another_patients_account_sees_no_more_of_a_timeline_than_its_own(store: Store) -> None:
    records = store.open(Actor("Patient/p1", Role.PATIENT, "p1"), Purpose.PATIENT_REQUEST)
    both = [id for id, body in BODIES.items() if of_compartment(body, "p0") and of_compartment(body, "p1")]
    own = [id for id in both if BODIES[id]["subject"] == {"reference": "Patient/p0"}]

    assert own == walked(records, "patient=p0", 2)


def test_the_searches_of_a_chart_walk_the_timeline(store: Store) -> None:
    with store.readers.one() as reader:
        setting = finding.Setting(reader.connection, reader.kinds)
        tables = {
            query: finding.prepared(setting, parse("Observation", query)).plan.table
            for query in ("patient=p1&code=a&_sort=-date", "subject=Patient/p1", "patient._id=p1&category=laboratory")
        }

    assert {"line"} == set(tables.values()), tables


@pytest.mark.parametrize(("direct", "often"), [(0, 0), (0, 10**9), (3000, 0)])
def test_patients_are_found_by_what_refers_to_them(
    store: Store, monkeypatch: pytest.MonkeyPatch, direct: int, often: int
) -> None:
    monkeypatch.setattr(subjects, "DIRECT", direct)
    monkeypatch.setattr(subjects, "OFTEN", often)
    records = store.open(SYSTEM, Purpose.OPERATIONS)
    for condition in ("code=urn:x|a", "code:not=b", "date=ge2010", "status=final"):
        holds = [body for body in BODIES.values() if CONDITIONS[condition](body)]
        expected = sorted({body["subject"]["reference"].partition("/")[2] for body in holds})
        found = records.search("Patient", f"_has:Observation:patient:{condition}&_total=accurate")

        assert expected == [version.id for version in found.versions]
        assert len(expected) == found.total


def test_every_link_is_visited_once_while_others_write(new_place: Callable[[], str]) -> None:
    with Store(new_place()) as store:
        records = store.open(SYSTEM, Purpose.OPERATIONS)
        for body in [{"resourceType": "Patient", "id": "p0"}, *BODIES.values()]:
            records.update(body["resourceType"], body["id"], body)
        expected = [id for id, body in BODIES.items() if body["subject"] == {"reference": "Patient/p0"}]
        page, seen = records.search("Observation", "patient=p0&_sort=-date&_count=3"), []
        while True:
            seen += [version.id for version in page.versions]
            new = observation(1000 + len(seen)) | {"subject": {"reference": "Patient/p0"}}
            records.update("Observation", new["id"], new)
            if not page.next:
                break
            page = records.search("Observation", page.next)

    assert sorted(expected) == sorted(seen)
