"""What `_explain` tells of a search, and whom."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from salus.base.errors import Forbidden, Unsupported
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records import Records, Store

ADMIN = Actor("Practitioner/admin", Role.ADMINISTRATOR)


def observation(n: int) -> dict[str, Any]:
    code = {"coding": [{"system": "http://loinc.org", "code": f"k{n % 4}", "display": "Secret test"}]}
    subject = {"reference": f"Patient/p{n % 10}"}
    return {"resourceType": "Observation", "id": f"o{n}", "status": "final", "code": code, "subject": subject}


@pytest.fixture(scope="module")
def store(new_place: Callable[[], str]) -> Iterator[Store]:
    with Store(new_place()) as opened:
        records = opened.open(SYSTEM, Purpose.OPERATIONS)
        for n in range(10):
            records.update("Patient", f"p{n}", {"resourceType": "Patient", "name": [{"family": "Geheim"}]})
        for n in range(40):
            records.update("Observation", f"o{n}", observation(n))
        yield opened


@pytest.fixture
def records(store: Store) -> Records:
    return store.open(ADMIN, Purpose.ADMINISTRATION)


def test_the_condition_that_drives_is_named_with_its_rows(records: Records) -> None:
    found = records.explain("Observation", "code=http://loinc.org|k1&status=final&_total=accurate")
    told = {one.words: (one.rows, one.drives) for one in found.conditions}

    assert {"code (token, 1 value)": (10, True), "status (token, 1 value)": (40, False)} == told
    assert (10, 10, 0) == (found.found, found.total, found.opened)
    assert {"plan", "count", "answer"} == {one.step for one in found.statements}
    assert all(one.times and one.milliseconds > 0 for one in found.statements)


def test_the_shapes_have_names_but_no_values(records: Records) -> None:
    found = records.explain("Observation", "code:text=secret&patient.family=Geheim&_has:Observation:focus:code=k2")
    shapes = "\n".join([one.shape for one in (*found.conditions, *found.statements)])
    plans = "\n".join(line for one in found.statements for line in one.plan)

    assert "path IN (Observation.subject)" in shapes
    assert "type=Observation" in shapes
    assert "SEARCH" in plans or " Scan " in plans
    assert not re.search(r"= \d", plans)
    assert not any(value in f"{shapes}{plans}".lower() for value in ("secret", "geheim", "k2", "p3"))
    assert ["code:text (token, 1 value)"] == [one.words for one in found.conditions if one.opens]


def test_all_that_may_be_asked_is_explained(records: Records) -> None:
    for type, query in [
        ("Observation", "_filter=code eq k1 or not (subject.family co ge or date pr true)&_sort=-date"),
        ("Observation", "_compartment=Patient/p3&_content=secret"),
        ("", "_type=Patient,Observation&_sort=-_lastUpdated&_total=accurate"),
        ("Location", "near=1|2|3"),
        ("Patient", "_list=l1&_summary=count"),
    ]:
        assert records.explain(type, query).statements


def test_a_patients_timeline_that_is_walked_is_told(records: Records) -> None:
    found = records.explain("Observation", "_compartment=Patient/p3&status=final")

    assert [("timeline", 4)] == [(one.words, one.rows) for one in found.conditions if one.drives]


OTHERS = [
    (Actor("Practitioner/1", Role.CLINICIAN), Purpose.TREATMENT),
    (Actor("Patient/p3", Role.PATIENT, "p3"), Purpose.PATIENT_REQUEST),
    (Actor("Practitioner/2", Role.DATA_SCIENTIST), Purpose.RESEARCH),
]


def test_nobody_else_has_a_search_explained_and_all_asking_is_audited(new_place: Callable[[], str]) -> None:
    path = new_place()
    with Store(path) as store:
        for actor, purpose in OTHERS:
            with pytest.raises(Forbidden, match="ask an administrator"):
                store.open(actor, purpose).explain("Patient", "family=Geheim")
        store.open(ADMIN, Purpose.ADMINISTRATION).explain("Patient", "family=Geheim")
    with Store(path) as store:
        lines = [(line.who, line.act, line.what) for line in store.audit()]

    refused = [(actor.reference, "refused", "explain Patient?family=Geheim") for actor, _ in OTHERS]
    assert [*refused, ("Practitioner/admin", "explain", "Patient?family=Geheim")] == lines


def test_what_is_not_served_is_not_explained(records: Records) -> None:
    with pytest.raises(Unsupported, match="shoe"):
        records.explain("Patient", "shoe=43")
