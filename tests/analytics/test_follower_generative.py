"""Whatever is written in whatever order, the files say what the bedside says."""

from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st

from salus.analytics.events import EVENT_SCHEMA, Follower, patient_events
from salus.base.errors import Gone, Missing
from salus.privacy import SYSTEM, Purpose
from salus.records import Records, Store

PATIENTS = ("a", "b", "c")
ACTS = st.lists(
    st.one_of(
        st.tuples(st.just("follow"), st.just(""), st.just(""), st.just("")),
        st.tuples(st.just("patient"), st.sampled_from(PATIENTS), st.just(""), st.sampled_from(["male", "female"])),
        st.tuples(
            st.just("lab"),
            st.sampled_from(PATIENTS),
            st.sampled_from("123"),
            st.sampled_from(["final", "amended", "entered-in-error"]),
        ),
        st.tuples(st.just("delete lab"), st.just(""), st.sampled_from("123"), st.just("")),
        st.tuples(st.just("delete patient"), st.sampled_from(PATIENTS), st.just(""), st.just("")),
    ),
    max_size=12,
)


def lab(subject: str, id: str, status: str) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": id,
        "status": status,
        "code": {"coding": [{"system": "http://loinc.org", "code": "4548-4"}]},
        "subject": {"reference": f"Patient/{subject}"},
        "effectiveDateTime": "2026-03-01",
        "valueInteger": int(id),
    }


def do(records: Records, follower: Follower, act: tuple[str, str, str, str]) -> None:
    verb, subject, id, word = act
    if verb == "follow":
        follower.catch_up()
    elif verb == "patient":
        records.update("Patient", subject, {"resourceType": "Patient", "id": subject, "gender": word})
    elif verb == "lab":
        records.update("Observation", id, lab(subject, id, word))
    else:
        with suppress(Missing, Gone):  # it was not there
            records.delete("Observation" if id else "Patient", id or subject)


def in_files(folder: Path) -> pa.Table:
    tables = [pq.ParquetFile(file).read() for file in sorted(folder.rglob("*.parquet"))]
    return pa.concat_tables(tables or [EVENT_SCHEMA.empty_table()])


@settings(max_examples=25, deadline=None)
@given(ACTS)
def test_the_files_say_what_the_bedside_says(acts: list[tuple[str, str, str, str]]):
    with TemporaryDirectory() as place, Store(Path(place) / "s.db") as store:
        records = store.open(SYSTEM, Purpose.OPERATIONS)
        follower = Follower(store, Path(place) / "events")
        for act in acts:
            do(records, follower, act)
        follower.catch_up()

        found = in_files(Path(place) / "events")
        for patient in PATIENTS:
            rows = found.filter(pa.compute.equal(found["subject_id"], patient)).combine_chunks()
            assert patient_events(records, patient).equals(rows)
