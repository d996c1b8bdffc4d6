"""Events out as a dataset of the Medical Event Data Standard, for tools that read it.

https://github.com/Medical-Event-Data-Standard/meds  A subject is a whole number there: `subjects.csv` has ours beside.
"""

import csv
import shutil
import tempfile
from importlib.metadata import version
from pathlib import Path

import duckdb
import orjson

from salus.analytics.events import read_events
from salus.analytics.sources.tables import quoted
from salus.base import clock
from salus.base.errors import Conflict, Missing

STANDARD = "0.4.0"
SUBJECTS = (
    "SELECT row_number() OVER (ORDER BY subject_id) AS number, subject_id FROM (SELECT DISTINCT subject_id FROM {})"
)
DATA = """
COPY (SELECT s.number AS subject_id, CAST(timezone('UTC', e.time) AS TIMESTAMP) AS time, e.code,
    CAST(e.numeric_value AS FLOAT) AS numeric_value, e.text_value, e.unit, e.encounter_id, e.source_id,
    CAST(timezone('UTC', e.recorded_time) AS TIMESTAMP) AS recorded_time
    FROM {events} e JOIN subjects s USING (subject_id) ORDER BY s.number, e.time NULLS FIRST, e.source_id, e.code)
TO {place} (FORMAT parquet, COMPRESSION zstd)
"""
CODES = """
COPY (SELECT DISTINCT code, CAST(NULL AS VARCHAR) AS description, CAST([] AS VARCHAR[]) AS parent_codes
    FROM {events} ORDER BY code) TO {place} (FORMAT parquet)
"""


def write_meds(events: Path, folder: Path) -> int:
    """Write data/, metadata/ and subjects.csv; how many events. Raises Missing, Conflict; whole or not at all."""
    if not any(events.rglob("*.parquet")):
        raise Missing(f"There are no events (*.parquet) in {events}")
    if folder.exists():
        raise Conflict(f"{folder} is there already: give a new folder")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".meds-") as room:
        made = Path(room) / "meds"
        for name in ("data", "metadata"):
            (made / name).mkdir(parents=True)
        with read_events(events) as files:
            count = copied(f"read_parquet({files})", made)
        about = {
            "dataset_name": events.name,
            "etl_name": "salus",
            "etl_version": version("salus"),
            "meds_version": STANDARD,
            "created_at": clock.now().isoformat(),
        }
        (made / "metadata" / "dataset.json").write_bytes(orjson.dumps(about, option=orjson.OPT_INDENT_2))
        shutil.move(made, folder)
    return count


def copied(events: str, made: Path) -> int:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"CREATE TABLE subjects AS {SUBJECTS.format(events)}")
        connection.execute(DATA.format(events=events, place=quoted(made / "data" / "0.parquet")))
        connection.execute(CODES.format(events=events, place=quoted(made / "metadata" / "codes.parquet")))
        with (made / "subjects.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(
                [("subject_id", "salus_id"), *connection.execute("FROM subjects ORDER BY ALL").fetchall()]
            )
        count: int = connection.execute(f"SELECT count(*) FROM {events}").fetchall()[0][0]
    return count
