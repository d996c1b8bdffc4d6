"""Three suggestions as assistants make them, and a small ward: real records, two models really trained on them."""

import shutil
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest

from salus.analytics.events import Follower
from salus.assistants.bedside import Bedside
from salus.assistants.diagnosis.question import claim
from salus.assistants.suggestion import Candidate, Certain, Gap, Model, Name, Reason, Suggestion
from salus.base import clock
from salus.learning.learn import learn_task
from salus.learning.task import task_of
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records import Records, Store

sys.path.insert(0, str(Path(__file__).parent))  # for the naive monitor

AT = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
QUESTION = Name("Will type 2 diabetes be found within 12 months?", "12个月内会不会查出2型糖尿病？")
RISK = Suggestion(
    id="0190a2b4-0000-7000-8000-000000000000",
    patient="7",
    kind="risk",
    candidates=(Candidate(claim("SNOMED//44054006"), 0.34, 0.25, 0.45),),
    reasons=(
        Reason("a1c", Name("HbA1c, last", "糖化血红蛋白，最近一次"), 6.4, "%", 1.2, ("Observation/9", "Observation/1")),
        Reason("age", Name("Age", "年龄"), 31.0, "a", -0.4),
        Reason("bmi", Name("BMI: not known", "体重指数：未知"), None, None, -0.1),
    ),
    missing=(Gap("glucose", Name("Glucose, last", "血糖，最近一次")),),
    model=Model("t2dm-12m", "3", QUESTION),
    at=AT,
    question=QUESTION,
    certain=Certain(0.9, (Name("no", "不会"), Name("yes", "会")), "all"),
)
DIFFERENTIAL = replace(
    RISK,
    kind="differential",
    candidates=(
        Candidate(claim("SNOMED//6142004"), 0.6, 0.5, 0.7),
        Candidate(claim("SNOMED//233604007"), 0.3, 0.2, 0.4),
        Candidate(claim("other", Name("None of these", "都不是")), 0.1, 0.05, 0.2),
    ),
    certain=Certain(0.9, (Name("Influenza", "流行性感冒"),)),
)
ABSTAINED = replace(RISK, candidates=(), reasons=(), abstained="too-little-data", certain=None)


@pytest.fixture
def at() -> datetime:
    return AT


@pytest.fixture
def risk() -> Suggestion:
    return RISK


@pytest.fixture
def differential() -> Suggestion:
    return DIFFERENTIAL


@pytest.fixture
def abstained() -> Suggestion:
    return ABSTAINED


@pytest.fixture(params=[RISK, DIFFERENTIAL, ABSTAINED], ids=["risk", "differential", "cannot-tell"])
def suggestion(request: pytest.FixtureRequest) -> Suggestion:
    """Each of the three in turn."""
    return request.param


# the ward: 120 people, six visits each with an HbA1c, one acute visit with three measurements and a diagnosis;
# p1 is here now, and nobody has said yet what it is

END = datetime(2026, 3, 1, 9, tzinfo=UTC)
ACUTE = {  # SNOMED code: (temperature in Cel, breaths a minute, haemoglobin in g/dL)
    "6142004": (39.1, 20, 14.0),
    "233604007": (38.8, 25, 13.5),
    "271737000": (36.8, 17, 8.1),
}
IN_DOUBT = (39.0, 22.5, 13.8)  # what p1 has now: influenza or pneumonia?
TASKS = {
    "t2dm-12m": {
        "kind": "binary",
        "question": {"en": "Will type 2 diabetes be found within 12 months?", "zh": "12个月内会不会查出2型糖尿病？"},
        "when": {"events": ["ENCOUNTER//AMB"], "min_gap_days": 100},
        "label": {"codes": ["SNOMED//44054006"], "within_days": 365},
        "features": {"codes": ["LOINC//4548-4"], "windows_days": [365], "min_subjects": 5},
    },
    "differential": {
        "kind": "multiclass",
        "question": {"en": "What is it, given these findings?", "zh": "根据这些表现，可能是什么病？"},
        "when": {"events": ["ENCOUNTER//AMB"], "offset_hours": 0.5},
        "label": {"same_encounter": True, "classes": {code: [f"SNOMED//{code}"] for code in ACUTE}},
        "features": {"codes": ["LOINC//*"], "windows_days": [1], "values": ["last"], "min_subjects": 5},
    },
}
COMMON = {"models": {"families": ["logistic"]}, "budget": {"seconds": 0}}


def coded(system: str, code: str) -> dict:
    return {"coding": [{"system": system, "code": code}]}


def lab(patient: str, visit: str, at: datetime, code: str, value: float, unit: str) -> dict:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": coded("http://loinc.org", code),
        "subject": {"reference": f"Patient/{patient}"},
        "encounter": {"reference": f"Encounter/{visit}"},
        "effectiveDateTime": at.isoformat(),
        "issued": at.isoformat(),
        "valueQuantity": {"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit},
    }


def diagnosis(patient: str, visit: str, at: datetime, code: str) -> dict:
    return {
        "resourceType": "Condition",
        "code": coded("http://snomed.info/sct", code),
        "subject": {"reference": f"Patient/{patient}"},
        "encounter": {"reference": f"Encounter/{visit}"},
        "onsetDateTime": at.isoformat(),
        "recordedDate": at.isoformat(),
    }


def is_now(at: datetime) -> bool:
    return END - at < timedelta(hours=2)


def encounter(patient: str, visit: str, at: datetime) -> dict:
    return {
        "resourceType": "Encounter",
        "id": visit,
        "status": "in-progress" if is_now(at) else "finished",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
        "subject": {"reference": f"Patient/{patient}"},
        "period": {"start": at.isoformat()} | ({} if is_now(at) else {"end": (at + timedelta(hours=2)).isoformat()}),
    }


def acute(patient: str, at: datetime, code: str, chance: Random) -> Iterator[dict]:
    visit, moment = f"{patient}-acute", at + timedelta(minutes=10)
    temperature, breaths, haemoglobin = ACUTE[code] if not is_now(at) else IN_DOUBT
    yield encounter(patient, visit, at)
    yield lab(patient, visit, moment, "8310-5", round(chance.gauss(temperature, 0.3), 1), "Cel")
    yield lab(patient, visit, moment, "9279-1", round(chance.gauss(breaths, 2.5)), "/min")
    yield lab(patient, visit, moment, "718-7", round(chance.gauss(haemoglobin, 0.7), 1), "g/dL")
    if not is_now(at):
        yield diagnosis(patient, visit, at + timedelta(hours=1), code)


def life(patient: str, chance: Random) -> Iterator[dict]:
    """One person's resources. p0 to p9 stay well; of the others 40 % drift towards diabetes.

    Their HbA1c rises by 0.3 % a visit until it is found, or is not found yet.
    """
    sick, found = int(patient[1:]) >= 10 and chance.random() < 0.4, chance.randint(2, 7)
    year = chance.randint(1940, 1990)
    yield {
        "resourceType": "Patient",
        "id": patient,
        "gender": chance.choice(("male", "female")),
        "birthDate": f"{year}-05-05",
    }
    for visit in range(6):
        at = END - timedelta(days=180 * (6 - visit))
        level = chance.gauss(5.3, 0.15) + (0.3 * max(0, visit - found + 3) if sick else 0)
        yield encounter(patient, f"{patient}-{visit}", at)
        yield lab(patient, f"{patient}-{visit}", at, "4548-4", round(level, 1), "%")
        if sick and visit == found:
            yield diagnosis(patient, f"{patient}-{visit}", at + timedelta(hours=1), "44054006")
    ago = timedelta(minutes=40) if patient == "p1" else timedelta(days=chance.randint(20, 900))
    yield from acute(patient, END - ago, chance.choice(list(ACUTE)), chance)


def load(store: Store, resources: Iterable[dict]) -> None:
    """Put the resources into the store in one transaction."""
    entries = [
        {"resource": one, "request": {"method": "PUT", "url": f"{one['resourceType']}/{one['id']}"}}
        if "id" in one
        else {"resource": one, "request": {"method": "POST", "url": one["resourceType"]}}
        for one in resources
    ]
    store.open(SYSTEM, Purpose.OPERATIONS).bundle({"resourceType": "Bundle", "type": "transaction", "entry": entries})


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the ward's `store` and a `registry` where both models are promoted. Read only: see `ward`."""
    folder, chance = tmp_path_factory.mktemp("ward"), Random(7)
    with clock.stopped_at(END), Store(folder / "store") as store:
        for number in range(120):
            load(store, life(f"p{number}", chance))
        Follower(store, folder / "events").catch_up()
    for name, task in TASKS.items():
        learn_task(task_of({"name": name, **task, **COMMON}), folder / "events", folder / "registry")
    return folder


class Ward(NamedTuple):
    """A copy of the ward for one test: to be changed as one likes."""

    store: Store
    bedside: Bedside
    registry: Path

    def as_(self, role: Role, who: str = "Practitioner/7", patient: str | None = None) -> Records:
        purpose = Purpose.PATIENT_REQUEST if role is Role.PATIENT else Purpose.TREATMENT
        return self.store.open(Actor(who, role, patient), purpose)

    @property
    def clinician(self) -> Records:
        return self.as_(Role.CLINICIAN)


@pytest.fixture
def ward(trained: Path, tmp_path: Path) -> Iterator[Ward]:
    """The ward on the morning of `END`, with its clock stopped."""
    shutil.copytree(trained, tmp_path / "ward")
    with clock.stopped_at(END), Store(tmp_path / "ward" / "store") as store:
        yield Ward(store, Bedside(store, tmp_path / "ward" / "registry"), tmp_path / "ward" / "registry")
