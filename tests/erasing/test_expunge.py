"""One resource is erased, or its old versions: what was entered for the wrong patient."""

import pytest
from two_people import bodies, observation, put, traces

from salus.base.errors import Conflict, Gone, Missing
from salus.records import Records, Store, erasing
from salus.records.checking import check
from salus.records.erasing import What, Wish

REASON = "entered for the wrong person, case 12"


def test_one_resource_goes_with_all_versions_and_leaves_a_stone(
    store: Store, records: Records, officer: Records
) -> None:
    put(records, observation("slip", "wang", 1, "WRONGNOTE"), observation("slip", "wang", 2, "WRONGNOTE 2"))
    report = erasing.erase(officer, Wish("Observation", "slip", What.EVERYTHING), REASON)
    erasing.finish(store)

    assert ({"Observation": 1}, 2) == (report.resources, report.versions)
    assert {} == traces(store.path.parent, ["WRONGNOTE"])
    with pytest.raises(Gone):
        records.read("Observation", "slip")
    with pytest.raises(Missing):
        records.vread("Observation", "slip", 1)
    assert [(3, True)] == [(v.version, v.deleted) for v in records.history("Observation", "slip").versions]


def test_it_may_be_entered_again_and_goes_on_counting(store: Store, records: Records, officer: Records) -> None:
    erasing.erase(officer, Wish("Observation", "hers", What.EVERYTHING), REASON)
    put(records, observation("hers", "wang", 9))

    assert 3 == records.read("Observation", "hers").version
    assert 2 == erasing.erase(officer, Wish("Observation", "hers", What.EVERYTHING), REASON).versions
    assert store.verify()


def test_old_versions_go_and_the_current_one_stays(store: Store, records: Records, officer: Records) -> None:
    before = records.read("Observation", "mixed").body
    report = erasing.erase(officer, Wish("Observation", "mixed", What.PREVIOUS), REASON)
    erasing.finish(store)

    assert 1 == report.versions
    assert before == records.read("Observation", "mixed").body
    assert [2] == [v.version for v in records.history("Observation", "mixed").versions]
    assert {} == traces(store.path.parent, ["SECRETNOTE two"])
    path = store.path
    store.close()
    assert [] == check(path).faults


def test_what_is_asked_for_as_deleted_must_be_deleted(store: Store, records: Records, officer: Records) -> None:
    wish = Wish("Observation", "hers", What.DELETED)
    with pytest.raises(Conflict, match="not deleted"):
        erasing.erase(officer, wish, REASON)

    records.delete("Observation", "hers")
    assert 2 == erasing.erase(officer, wish, REASON).versions
    assert store.verify()


@pytest.mark.parametrize("what", [What.EVERYTHING, What.PREVIOUS, What.DELETED])
def test_erasing_what_was_erased_or_never_was_does_nothing(officer: Records, what: What) -> None:
    erasing.erase(officer, Wish("Observation", "hers", What.EVERYTHING), REASON)

    assert 0 == erasing.erase(officer, Wish("Observation", "hers", what), REASON).versions
    assert 0 == erasing.erase(officer, Wish("Observation", "never-was", what), REASON).versions


def test_history_of_a_moment_knows_what_stood_there_beside_an_erased_version(
    store: Store, records: Records, officer: Records
) -> None:
    put(records, *(observation("long", "wang", day) for day in (1, 2, 3)))
    third = records.read("Observation", "long").updated.isoformat().replace("+00:00", "Z")
    erasing.erase(officer, Wish("Observation", "long", What.PREVIOUS), REASON)

    assert [3] == [v.version for v in records.histories(f"_at={third}", "Observation", "long").versions]
    assert "Observation/long/3" in bodies(store)


def test_a_hold_on_the_patient_holds_each_of_his_resources(records: Records, officer: Records) -> None:
    coding = {"system": "https://salus.example/fhir/CodeSystem/flag", "code": "legal-hold"}
    put(
        records,
        {
            "resourceType": "Flag",
            "id": "hold",
            "status": "active",
            "code": {"coding": [coding]},
            "subject": {"reference": "Patient/wang"},
        },
    )

    with pytest.raises(Conflict, match="Flag/hold"):
        erasing.erase(officer, Wish("Observation", "hers", What.EVERYTHING), REASON)
