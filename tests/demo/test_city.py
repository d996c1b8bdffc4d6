"""A small city is what its parameters say, its records and its truth agree, and nothing is known before its time."""

import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from salus import fhir
from salus.base.errors import Invalid
from salus.codes import ALLERGIES, CONDITIONS, FINDINGS, LABS, MEDICINES
from salus.demo.city import make
from salus.demo.emergency import ASKED
from salus.demo.parameters import conditions, illnesses, table
from salus.learning.task import read_task

END = date(2026, 3, 1)
PEOPLE = 300
SYNTHETIC = ("https://salus.example/tags", "synthetic")
City = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make(tmp_path_factory.mktemp("city"), people=PEOPLE, end=END)


@pytest.fixture(scope="module")
def city(folder: Path) -> City:
    return {
        path.stem: [json.loads(line) for line in path.read_bytes().splitlines()]
        for path in sorted(folder.glob("*.ndjson"))
    }


@pytest.fixture(scope="module")
def truth(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "truth.json").read_bytes())["patients"])


def everything(city: City) -> Iterator[dict[str, Any]]:
    for resources in city.values():
        yield from resources


def when(text: str) -> datetime:
    return datetime.fromisoformat(text)


def code(resource: dict[str, Any]) -> str:
    return str(resource["code"]["coding"][0]["code"])


def subject(resource: dict[str, Any]) -> str:
    named = resource.get("subject") or resource["patient"]
    return str(named["reference"]).removeprefix("Patient/")


def test_the_same_seed_gives_the_same_bytes_and_another_seed_another_city(tmp_path: Path) -> None:
    one, two, other = (
        make(tmp_path / name, people=15, years=2, seed=seed, end=END) for name, seed in (("a", 3), ("b", 3), ("c", 4))
    )

    files = sorted(path.name for path in one.iterdir())
    assert files == sorted(path.name for path in two.iterdir())
    assert [(one / name).read_bytes() for name in files] == [(two / name).read_bytes() for name in files]
    assert (one / "Observation.ndjson").read_bytes() != (other / "Observation.ndjson").read_bytes()


def test_one_more_person_changes_nothing_for_the_others(tmp_path: Path) -> None:
    small, larger = make(tmp_path / "a", people=5, years=1, end=END), make(tmp_path / "b", people=6, years=1, end=END)

    assert (larger / "Observation.ndjson").read_bytes().startswith((small / "Observation.ndjson").read_bytes())


def test_a_city_of_nobody_over_no_years_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="0 years"):
        make(tmp_path, years=0)


def test_every_resource_is_valid_fhir_and_marked_synthetic(folder: Path) -> None:
    for path in sorted(folder.glob("*.ndjson")):
        for number, line in enumerate(path.read_bytes().splitlines()):
            if number % 7 == 0:
                fhir.decode(line, path.stem)
            assert b'"code":"synthetic"' in line


def test_the_tag_stands_in_meta(city: City) -> None:
    tags = {(tag["system"], tag["code"]) for resource in everything(city) for tag in resource["meta"]["tag"]}

    assert {SYNTHETIC} == tags


def test_ids_are_unique_and_references_lead_somewhere(city: City) -> None:
    known = {f"{resource['resourceType']}/{resource['id']}" for resource in everything(city)}
    assert len(known) == sum(len(resources) for resources in city.values())

    text = "".join(json.dumps(resource) for resource in everything(city))
    pointed = {part.split('"', 1)[0] for part in text.split('"reference": "')[1:]}
    assert set() == pointed - known


def test_every_code_has_a_name_in_the_tables(city: City) -> None:
    named = {*LABS, *CONDITIONS, *FINDINGS, *MEDICINES, *ALLERGIES}
    used = {code(entry) for kind in ("Observation", "Condition", "AllergyIntolerance") for entry in city[kind]}
    used |= {entry["medicationCodeableConcept"]["coding"][0]["code"] for entry in city["MedicationRequest"]}

    assert set() == used - named


def test_most_names_are_chinese_and_some_are_english(city: City) -> None:
    english = [patient for patient in city["Patient"] if len(patient["name"]) == 1]

    assert 0.05 < len(english) / len(city["Patient"]) < 0.2
    assert any("\u4e00" <= character <= "\u9fff" for character in city["Patient"][0]["name"][0]["text"])


def test_time_runs_forward(city: City) -> None:
    last = datetime.fromisoformat("2026-03-01T00:00:00+08:00")
    started = {entry["id"]: when(entry["period"]["start"]) for entry in city["Encounter"]}
    for entry in city["Observation"]:
        visit = started[entry["encounter"]["reference"].removeprefix("Encounter/")]
        assert visit <= when(entry["effectiveDateTime"]) < when(entry["issued"]) < last
    for entry in city["Condition"]:
        assert when(entry.get("onsetDateTime", entry["recordedDate"])) <= when(entry["recordedDate"]) < last
        if "encounter" in entry:
            assert started[entry["encounter"]["reference"].removeprefix("Encounter/")] < when(entry["recordedDate"])


def test_nothing_happens_before_birth_or_after_death(city: City) -> None:
    born = {entry["id"]: entry["birthDate"] for entry in city["Patient"]}
    died = {entry["id"]: entry["deceasedDateTime"][:10] for entry in city["Patient"] if "deceasedDateTime" in entry}
    for entry in city["Encounter"]:
        day = entry["period"]["start"][:10]
        assert born[subject(entry)] <= day
        if entry["class"]["code"] == "AMB":
            assert day <= died.get(subject(entry), "9")
    for entry in (*city["AllergyIntolerance"], *city["Condition"]):
        assert entry["recordedDate"][:10] <= died.get(subject(entry), "9")


def test_in_the_emergency_department_findings_precede_the_diagnosis(city: City) -> None:
    acute = {row["code"] for row in illnesses().values()}
    arrived = {entry["id"]: when(entry["period"]["start"]) for entry in city["Encounter"]}
    emergency = {entry["id"] for entry in city["Encounter"] if entry["class"]["code"] == "EMER"}
    asked = timedelta(minutes=ASKED)
    for kind, moment in (("Observation", "issued"), ("Condition", "recordedDate"), ("MedicationRequest", "authoredOn")):
        for entry in city[kind]:
            visit = entry.get("encounter", {}).get("reference", "").removeprefix("Encounter/")
            if visit in emergency:
                seen = when(entry[moment]) < arrived[visit] + asked
                assert seen == (kind == "Observation"), (entry["id"], kind)
                assert kind != "Condition" or code(entry) in acute


def test_the_emergency_encounter_itself_does_not_tell_the_answer(city: City) -> None:
    told = {json.dumps(entry["type"]) for entry in city["Encounter"] if entry["class"]["code"] == "EMER"}

    assert 1 == len(told)
    assert not any("reasonCode" in entry or "diagnosis" in entry for entry in city["Encounter"])


def test_recorded_illness_is_in_the_truth_and_never_before_it_began(city: City, truth: dict[str, Any]) -> None:
    long = {row["code"]: name for name, row in conditions().items()}
    found: dict[str, set[str]] = defaultdict(set)
    for entry in city["Condition"]:
        if code(entry) in long:
            name = long[code(entry)]
            found[subject(entry)].add(name)
            began = truth[subject(entry)]["illness"][name]["began"]
            assert subject(entry) == "showcase-1" or began <= entry["recordedDate"][:10]
    for id, person in truth.items():
        assert {name for name, row in person["illness"].items() if row["found"]} == found[id]


def test_the_truth_of_each_acute_episode_is_mostly_what_was_recorded(truth: dict[str, Any]) -> None:
    episodes = [episode for person in truth.values() for episode in person["episodes"]]
    recorded = [episode for episode in episodes if episode["recorded"]]
    right = [episode for episode in recorded if episode["recorded"] == episode["illness"]]

    assert 0.8 < len(recorded) / len(episodes) < 0.97
    assert 0.9 < len(right) / len(recorded) < 1
    assert len({episode["illness"] for episode in episodes}) >= 8


def test_some_results_are_missing_with_a_reason_and_some_were_entered_in_error(city: City) -> None:
    reasons = {
        entry["dataAbsentReason"]["coding"][0]["code"] for entry in city["Observation"] if "dataAbsentReason" in entry
    }
    statuses = {entry["status"] for entry in city["Observation"]}

    assert {"asked-declined", "error"} == reasons
    assert {"final", "cancelled", "entered-in-error"} == statuses


def test_each_treatment_has_its_effect_on_each_person(truth: dict[str, Any]) -> None:
    for person in truth.values():
        effect = person["response"]["effect"]
        best = person["response"]["best_for_pressure"]
        assert effect[best] == min(effect["ace_inhibitor"], effect["calcium_blocker"])
    best = [person["response"]["best_for_pressure"] for person in truth.values() if person["age"] >= 18]
    assert 0.2 < best.count("ace_inhibitor") / len(best) < 0.8


def test_the_showcase_patients_are_there_and_say_why(city: City) -> None:
    ids = {patient["id"] for patient in city["Patient"]}
    rows = table("showcase")

    assert 5 == len(rows)
    assert set(rows) <= ids
    assert all(row["en"] and row["zh"] for row in rows.values())


def test_the_showcase_is_what_it_promises(city: City, truth: dict[str, Any]) -> None:
    seen: dict[str, dict[str, list[dict[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    for kind in ("Observation", "Condition", "Encounter", "MedicationRequest"):
        for entry in city[kind]:
            seen[subject(entry)][kind].append(entry)
    allergic = [entry["patient"]["reference"] for entry in city["AllergyIntolerance"]]
    diabetic = {subject(entry) for entry in city["Condition"] if code(entry) == "44054006"}

    high, low = truth["showcase-1"]["risk"]["diabetes"], truth["showcase-2"]["risk"]["diabetes"]
    assert not {"showcase-1", "showcase-2", "showcase-3"} & diabetic
    assert high["probability_12m"] > 10 * low["probability_12m"]
    assert [] == seen["showcase-3"]["Observation"]
    waiting = [entry["id"] for entry in seen["showcase-4"]["Encounter"] if entry["status"] == "in-progress"]
    assert 1 == len(waiting)
    inside = {"reference": f"Encounter/{waiting[0]}"}
    assert 12 < sum(entry["encounter"] == inside for entry in seen["showcase-4"]["Observation"])
    assert not any(entry.get("encounter") == inside for entry in seen["showcase-4"]["Condition"])
    assert 6 <= len(seen["showcase-5"]["MedicationRequest"])
    assert 2 <= allergic.count("Patient/showcase-5")


@pytest.mark.parametrize("name", ["diabetes-12m", "acute-differential"])
def test_the_tasks_can_be_read_and_ask_in_both_languages(name: str) -> None:
    import salus.demo

    task = read_task(Path(salus.demo.__file__).parent / "tasks" / f"{name}.toml")

    assert name == task.name
    assert task.question["en"] and task.question["zh"]


def test_the_differential_knows_every_acute_illness() -> None:
    import salus.demo

    task = read_task(Path(salus.demo.__file__).parent / "tasks" / "acute-differential.toml")

    assert {f"SNOMED//{row['code']}" for row in illnesses().values()} == set(task.label.all_codes())
