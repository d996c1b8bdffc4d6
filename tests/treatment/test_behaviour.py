"""What doctors did for patients alike, asked on real records: shown apart, screened, and silent where few are alike."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from salus.analytics.events import Follower
from salus.assistants.treatment.behaviour import Behaviours, ranked
from salus.assistants.treatment.options import Treatment
from salus.assistants.treatment.prescribing import Prescribing
from salus.assistants.treatment.site import Shelf
from salus.base import clock
from salus.base.errors import Forbidden, Missing
from salus.learning.ranking.learning import learn_ranking
from salus.learning.task import task_of
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records import Records, Store

Json = dict[str, Any]
SECRET = b"s" * 32
NOW = datetime(2026, 6, 1, 9, tzinfo=UTC)
DOCTOR = Actor("Practitioner/1", Role.CLINICIAN)
TASK = {
    "name": "medicines",
    "kind": "ranking",
    "question": {"en": "What do doctors prescribe?", "zh": "医生会开什么药？"},
    "label": {"codes": ["ATC//*"]},
    "features": {"min_subjects": 5, "windows_days": [0]},
    "split": {"by": "time"},
    "ranking": {"groups": ["ICD10//*"]},
}
HABITS = {"J18": ("J01FA09", "Clarithromycin"), "I10": ("C09AA05", "Ramipril")}
ICD10, ATC = "http://hl7.org/fhir/sid/icd-10", "http://www.whocc.no/atc"


def visit(who: str, number: int, at: datetime, disease: str, *medicines: tuple[str, str]) -> Iterator[Json]:
    about = {"subject": {"reference": f"Patient/{who}"}}
    here = {"encounter": {"reference": f"Encounter/{who}-e{number}"}} | about
    kind = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"}
    period = {"start": at.isoformat(), "end": (at + timedelta(hours=1)).isoformat()}
    yield {
        "resourceType": "Encounter",
        "id": f"{who}-e{number}",
        "status": "finished",
        "class": kind,
        "period": period,
    } | about
    coded = {"coding": [{"system": ICD10, "code": disease}]}
    yield {"resourceType": "Condition", "id": f"{who}-c{number}", "code": coded, "recordedDate": at.isoformat()} | here
    for place, (code, name) in enumerate(medicines):
        yield {
            "resourceType": "MedicationRequest",
            "id": f"{who}-m{number}{place}",
            "status": "completed",
            "intent": "order",
            "authoredOn": (at + timedelta(minutes=9)).isoformat(),
            "medicationCodeableConcept": {"coding": [{"system": ATC, "code": code, "display": name}]},
        } | here


def person(who: str, age: int) -> Json:
    return {"resourceType": "Patient", "id": who, "gender": "female", "birthDate": f"{2026 - age}-01-01"}


def ward() -> Iterator[Json]:
    chance = Random(3)
    for number in range(120):
        who = f"p{number}"
        yield person(who, chance.choice([61, 63, 66, 68]))
        for turn in range(2):
            at = NOW - timedelta(days=900 - 400 * turn - chance.randrange(200))
            disease = chance.choice(list(HABITS))
            usual = HABITS[disease] if chance.random() < 0.9 else HABITS["I10"]
            yield from visit(who, turn, at, disease, usual)
    yield person("x", 65)
    yield from visit("x", 0, NOW - timedelta(days=500), "I10", HABITS["I10"])
    yield from visit("x", 1, NOW - timedelta(minutes=10), "J18")
    for one in visit("x", 2, NOW - timedelta(days=30), "I10", ("C10AA01", "Simvastatin")):
        yield one | ({"status": "active"} if "intent" in one else {})
    yield person("child", 6)
    yield from visit("child", 0, NOW - timedelta(minutes=10), "J18")


@pytest.fixture(scope="module")
def ward_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, Path]]:
    folder = tmp_path_factory.mktemp("behaviour")
    with Store(folder / "salus.db") as store:
        entries = [
            {"resource": one, "request": {"method": "PUT", "url": f"{one['resourceType']}/{one['id']}"}}
            for one in ward()
        ]
        store.open(SYSTEM, Purpose.OPERATIONS).bundle(
            {"resourceType": "Bundle", "type": "transaction", "entry": entries}
        )
        Follower(store, folder / "events").catch_up()
        learn_ranking(task_of(TASK), folder / "events", folder / "models", secret=SECRET)
        yield store, folder


@pytest.fixture
def behaviours(ward_store: tuple[Store, Path]) -> Iterator[Behaviours]:
    store, folder = ward_store
    with clock.stopped_at(NOW):
        yield Behaviours(folder / "models", Prescribing(store, Shelf(folder / "knowledge")), SECRET)


@pytest.fixture
def records(ward_store: tuple[Store, Path]) -> Records:
    return ward_store[0].open(DOCTOR, Purpose.TREATMENT)


def test_it_tells_what_doctors_did_and_names_it_by_ingredient(behaviours: Behaviours, records: Records) -> None:
    (told,) = ranked(records, "x", NOW, behaviours)

    assert ("clarithromycin", "克拉霉素") == (told.rows[0].name.en, told.rows[0].name.zh)
    assert 0.6 < told.rows[0].share <= 1
    assert told.alike >= 20 and told.people == 121
    assert [] == [row.code for row in told.baseline_last]  # simvastatin is not among what 20 people had
    assert told.baseline_prior[0].code == "ATC//J01FA09"


def test_the_screen_marks_what_would_interrupt(behaviours: Behaviours, records: Records) -> None:
    (told,) = behaviours.of(records, "x")
    marked = {row.name.en: row.interrupts for row in told.rows}

    assert {"clarithromycin": True, "ramipril": False} == marked
    assert "simvastatin" in " ".join(one.en for one in told.rows[0].warnings).lower()


def test_it_cannot_tell_for_somebody_unlike_all_others(behaviours: Behaviours, records: Records) -> None:
    (told,) = behaviours.of(records, "child")

    assert () == told.rows
    assert told.refused is not None
    assert "I cannot tell" in told.refused.en and "无法判断" in told.refused.zh


def test_a_foreign_patient_is_told_the_same(behaviours: Behaviours, records: Records) -> None:
    known = [one.json() for one in records.compartment("x")]

    assert behaviours.of(records, "x")[0].rows == behaviours.of_known(known, "x")[0].rows


def test_nothing_is_told_of_nobody_nor_to_those_who_may_not_see(
    behaviours: Behaviours, records: Records, ward_store: tuple[Store, Path]
) -> None:
    with pytest.raises(Missing):
        behaviours.of(records, "nobody")
    with pytest.raises(Forbidden):
        behaviours.of(ward_store[0].open(Actor("Patient/p1", Role.PATIENT), Purpose.TREATMENT), "x")


def test_without_a_ranking_there_is_no_box(ward_store: tuple[Store, Path], records: Records, tmp_path: Path) -> None:
    prescribing = Prescribing(ward_store[0], Shelf(tmp_path))

    assert () == Behaviours(tmp_path / "models", prescribing).of(records, "x")


# on the treatment card


def test_it_stands_on_the_card_apart_and_moves_nothing(ward_store: tuple[Store, Path], records: Records) -> None:
    store, folder = ward_store
    screen = Prescribing(store, Shelf(folder / "knowledge"))
    with clock.stopped_at(NOW):
        card = Treatment(screen, folder / "models", SECRET).options(records, "x")
        without = Treatment(screen, folder / "none", SECRET).options(records, "x")

    assert [one.rows[0].name.en for one in card.behaviour] == ["clarithromycin"] and without.behaviour == ()
    assert [one.key for one in card.options] == [one.key for one in without.options]
    assert card.benefits == () and card.faults == ()


def test_a_ranking_whose_files_were_changed_is_told_and_hides_no_other_layer(
    ward_store: tuple[Store, Path], records: Records, tmp_path: Path
) -> None:
    store, folder = ward_store
    shutil.copytree(folder / "models", tmp_path / "models")
    for file in (one for one in (tmp_path / "models").rglob("*.json") if one.name not in ("seal.json", "current.json")):
        file.write_bytes(file.read_bytes() + b" ")
    screen = Prescribing(store, Shelf(folder / "knowledge"))
    with clock.stopped_at(NOW):
        card = Treatment(screen, tmp_path / "models", SECRET).options(records, "x")

    assert card.behaviour == () and "cannot be told" in card.faults[0].en and card.pathways
