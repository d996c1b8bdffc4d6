"""MIMIC-III in and out, with what its demo does not hold: notes; and with what was charted by mistake."""

import base64
import csv
from pathlib import Path

import duckdb

from salus.analytics.events import patient_events
from salus.exchange.databases import give_database, read_layout, take_database
from salus.records import Records

TABLES = {
    "PATIENTS": [("ROW_ID", "SUBJECT_ID", "GENDER", "DOB", "DOD"), ("9", "1", "F", "2094-03-05 00:00:00", "")],
    "ADMISSIONS": [
        ("ROW_ID", "SUBJECT_ID", "HADM_ID", "ADMITTIME", "DISCHTIME", "ADMISSION_TYPE"),
        ("8", "1", "20", "2164-10-23 21:09:00", "2164-11-01 17:15:00", "EMERGENCY"),
    ],
    "ICUSTAYS": [
        ("ROW_ID", "SUBJECT_ID", "HADM_ID", "ICUSTAY_ID", "FIRST_CAREUNIT", "INTIME", "OUTTIME"),
        ("7", "1", "20", "300", "MICU", "2164-10-23 21:10:15", "2164-10-25 12:21:07"),
    ],
    "D_ITEMS": [("ROW_ID", "ITEMID", "LABEL"), ("1", "211", "Heart Rate"), ("2", "31", "Activity")],
    "CHARTEVENTS": [
        (
            "ROW_ID",
            "SUBJECT_ID",
            "HADM_ID",
            "ITEMID",
            "CHARTTIME",
            "STORETIME",
            "VALUE",
            "VALUENUM",
            "VALUEUOM",
            "ERROR",
        ),
        ("1", "1", "20", "211", "2164-10-24 00:00:00", "2164-10-24 00:05:00", "88", "88", "BPM", "0"),
        ("2", "1", "20", "211", "2164-10-24 01:00:00", "2164-10-24 01:05:00", "888", "888", "BPM", "1"),
        ("3", "1", "20", "31", "2164-10-24 01:00:00", "2164-10-24 01:05:00", "Bedrest", "", "", "0"),
    ],
    "NOTEEVENTS": [
        ("ROW_ID", "SUBJECT_ID", "HADM_ID", "CHARTDATE", "CHARTTIME", "CATEGORY", "DESCRIPTION", "TEXT"),
        ("5", "1", "20", "2164-11-01 00:00:00", "", "Discharge summary", "Report", 'She said "well",\nand left.'),
    ],
    "DIAGNOSES_ICD": [("ROW_ID", "SUBJECT_ID", "HADM_ID", "SEQ_NUM", "ICD9_CODE"), ("4", "1", "20", "1", "99591")],
}


def written(folder: Path) -> Path:
    folder.mkdir()
    for name, rows in TABLES.items():
        with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(rows)
    return folder


def test_notes_and_mistakes_go_in_and_come_out(records: Records, tmp_path: Path) -> None:
    report = take_database(records, written(tmp_path / "mimic"), read_layout("mimic3"), helpers=0)
    given = give_database(records, read_layout("mimic3"), tmp_path / "out")

    assert 0 == report.total.refused
    note = records.read("DocumentReference", "mimic3-noteevents-5").json()
    assert b'She said "well",\nand left.' == base64.b64decode(note["content"][0]["attachment"]["data"])
    assert "entered-in-error" == records.read("Observation", "mimic3-chartevents-2").json()["status"]
    assert (3, 1, 1, 1) == tuple(
        given.tables[name] for name in ("chartevents", "noteevents", "diagnoses_icd", "icustays")
    )
    with duckdb.connect() as connection:
        notes = connection.execute(f"SELECT text, category FROM '{tmp_path / 'out' / 'noteevents.parquet'}'").fetchall()
        charted = connection.execute(
            f"SELECT row_id, value, valuenum, error FROM '{tmp_path / 'out' / 'chartevents.parquet'}' ORDER BY 1"
        ).fetchall()
    assert [('She said "well",\nand left.', "Discharge summary")] == notes
    assert [(1, "88", 88, 0), (2, "888", 888, 1), (3, "Bedrest", None, 0)] == charted


def test_what_was_charted_becomes_events_known_when_it_was_stored(records: Records, tmp_path: Path) -> None:
    take_database(records, written(tmp_path / "mimic"), read_layout("mimic3"), helpers=0)

    events = patient_events(records, "mimic3-patients-1").to_pylist()
    found = {event["code"]: event for event in events}
    assert [88] == [event["numeric_value"] for event in events if event["code"] == "LOINC//8867-4"]
    assert (0, 5) == tuple(found["LOINC//8867-4"][name].minute for name in ("time", "recorded_time"))
    assert "Bedrest" == found["MIMIC//31"]["text_value"]
    assert {"ENCOUNTER//EMER", "ENCOUNTER_PART//IMP", "ICU//MICU", "ICD9CM//995.91"} <= found.keys()
    assert "2164-11-01 17:15" == f"{found['ICD9CM//995.91']['recorded_time']:%Y-%m-%d %H:%M}"
