"""A ward whose doctors have habits: by disease, by age, and by what they gave before; as events."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pyarrow as pa
import pyarrow.parquet as pq

from salus.analytics.events import EVENT_SCHEMA

START = datetime(2022, 1, 1, 8, tzinfo=UTC)
RAMIPRIL, AMLODIPINE, METFORMIN, SALBUTAMOL, COLCHICINE = (
    f"ATC//{code}" for code in ("C09AA05", "C08CA01", "A10BA02", "R03AC02", "M04AC01")
)
HABITS = {"ICD10//E11": METFORMIN, "ICD10//J45": SALBUTAMOL}
TASK = {
    "name": "medicines",
    "kind": "ranking",
    "question": {"en": "What do doctors prescribe?", "zh": "医生会开什么药？"},
    "label": {"codes": ["ATC//*"]},
    "features": {"min_subjects": 5, "windows_days": [0]},
    "split": {"by": "time"},
    "ranking": {"groups": ["ICD10//*"]},
}


def event(subject: str, at: datetime | None, code: str, visit: str | None = None, source: str = "") -> dict:
    empty = dict.fromkeys(EVENT_SCHEMA.names)
    told = {
        "subject_id": subject,
        "time": at,
        "code": code,
        "encounter_id": visit,
        "source_id": source or f"{code}/{at}",
    }
    return empty | told | {"recorded_time": at}


def life(number: int, chance: Random) -> list[dict]:
    subject, young = f"p{number:03d}", number % 2 == 0
    born = START - timedelta(days=365 * (45 if young else 75) + chance.randrange(900))
    made = [event(subject, born, "MEDS_BIRTH"), event(subject, None, "SEX//female" if number % 3 else "SEX//male")]
    for visit in range(3):
        at = START + timedelta(days=300 * visit + chance.randrange(200))
        disease = chance.choice(["ICD10//I10", *HABITS])
        key = f"{subject}-v{visit}"
        usual = HABITS.get(disease, RAMIPRIL if young else AMLODIPINE)
        given = usual if chance.random() < 0.85 else chance.choice([*HABITS.values(), RAMIPRIL, AMLODIPINE])
        made.append(event(subject, at, "ENCOUNTER//AMB", key))
        made.append(event(subject, at, disease, key))
        order = f"MedicationRequest/{key}"
        made.append(event(subject, at + timedelta(minutes=10), given, key, order))
        made.append(event(subject, at + timedelta(minutes=10), f"RXNORM//{given[-3:]}", key, order))
    return made


def events_of(people: int = 300, seed: int = 5) -> pa.Table:
    chance = Random(seed)
    return pa.Table.from_pylist([one for number in range(people) for one in life(number, chance)], schema=EVENT_SCHEMA)


def written(folder: Path, people: int = 300) -> Path:
    (folder / "events").mkdir()
    pq.write_table(events_of(people), folder / "events" / "all.parquet")
    return folder / "events"
