"""What cannot be learned from, through the command line: a message with what to do, and nothing half written.

What can be used in part is used, and said.
"""

import gzip
import pickle
import random
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import copytree
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from salus.base import clock
from salus.base.errors import Conflict
from salus.cli import main
from salus.learning.dictionary import write_json
from salus.learning.learn import learn_table
from salus.learning.run import Run
from salus.learning.step7_deploy import Registry
from salus.learning.step7_deploy.seal import SUMS, sums_of
from salus.learning.task import Budget


class Terminal:
    """The command `salus` as a person types it, in a folder of its own."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        monkeypatch.chdir(folder)
        self.folder, self.monkeypatch, self.capsys = folder, monkeypatch, capsys

    def __call__(self, *words: str) -> tuple[int, str, str]:
        self.monkeypatch.setattr(sys, "argv", ["salus", *words])
        with pytest.raises(SystemExit) as end:
            main()
        said = self.capsys.readouterr()
        return int(end.value.code or 0), said.out, said.err

    def left(self) -> list[str]:
        """What lies in the folders of runs and models."""
        return sorted(path.name for place in ("runs", "models") for path in (self.folder / "var" / place).glob("*"))


@pytest.fixture
def salus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Terminal:
    return Terminal(tmp_path, monkeypatch, capsys)


def ward(rows: int = 80) -> list[list[str]]:
    """Rows of id, age, ward (Chinese words), outcome."""
    chance = random.Random(2)
    made = []
    for i in range(rows):
        age = chance.randrange(20, 90)
        ill = "ill" if age + chance.gauss(0, 10) > 55 else "well"
        made.append([f"p{i}", str(age), chance.choice(["内科", "外科", "儿科"]), ill])
    return made


HEADER = ["id", "age", "ward", "outcome"]


def text(rows: list[list[str]], header: list[str] | None = None) -> str:
    return "\n".join(",".join(row) for row in [header or HEADER, *rows]) + "\n"


def put(at: str, value: str, rows: list[list[str]]) -> list[list[str]]:
    place = HEADER.index(at)
    return [[*row[:place], value, *row[place + 1 :]] for row in rows]


def mixed(first: str, second: str) -> bytes:
    """Half of the rows in one encoding, half in another."""
    lines = text(put("ward", "Müller" if "latin-1" in (first, second) else "内科病房", ward())).splitlines(
        keepends=True
    )
    return "".join(lines[:40]).encode(first) + "".join(lines[40:]).encode(second)


NUL = text(ward()).encode().replace(b"p7,", b"p\x007,")
TABLES: dict[str, tuple[bytes, str, int]] = {  # what is in the file, words of the message, exit code
    "empty": (b"", "is empty", 65),
    "only spaces": (b"  \n \n", "is empty", 65),
    "only a header": (text([]).encode(), "no rows", 65),
    "NUL bytes": (NUL, "line 9", 65),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "PNG picture", 65),
    "a workbook": (b"PK\x03\x04" + bytes(200), "save the sheet as CSV", 65),
    "a Parquet file": (b"PAR1" + bytes(200) + b"PAR1", "Parquet", 65),
    "a broken .gz": (gzip.compress(text(ward()).encode())[:-20], "cannot be unpacked", 65),
    "UTF-8 and GB18030": (mixed("utf-8", "gb18030"), "in one encoding", 65),
    "UTF-8 and Latin-1": (mixed("utf-8", "latin-1"), "in one encoding", 65),
    "UTF-16 cut short": (text(ward()).encode("utf-16")[:-1], "UTF-16", 65),
    "double headers": (text(ward(), ["id", "age", "age", "outcome"]).encode(), "age", 65),
    "one class": (text(put("outcome", "ill", ward())).encode(), "says 'ill' in all 80 rows", 65),
    "no target": (text(put("outcome", "", ward())).encode(), "empty in every row", 65),
    "one row": (text(ward(1)).encode(), "in all 1 rows", 65),
    "ragged rows": (text([row[: 2 + i % 3] for i, row in enumerate(ward())]).encode(), "do not fit its header", 65),
    "another target": (text(ward(), ["id", "age", "ward", "result"]).encode(), "no target column 'outcome'", 65),
}


@pytest.mark.parametrize("kind", TABLES)
def test_a_table_that_cannot_be_used_is_refused_and_leaves_nothing(kind: str, salus: Terminal) -> None:
    data, words, exit_code = TABLES[kind]
    (salus.folder / "ward.csv").write_bytes(data)
    code, out, err = salus("learn", "ward.csv", "--target", "outcome", "--budget", "0")

    assert (exit_code, "") == (code, out)
    assert words in err and "Traceback" not in err
    assert [] == salus.left()


READ = {
    "utf-8": "utf-8",
    "utf-8 with a mark": "utf-8-sig",
    "GB18030": "gb18030",
    "UTF-16": "utf-16",
    "UTF-32": "utf-32",
}


@pytest.mark.parametrize("encoding", READ.values(), ids=READ)
def test_one_encoding_is_read_whichever_it_is(encoding: str, tmp_path: Path) -> None:
    (tmp_path / "ward.csv").write_bytes(text(ward()).encode(encoding))
    wards = learned(tmp_path / "ward.csv", tmp_path).column("ward").unique().to_pylist()

    assert {"内科", "外科", "儿科"} == set(wards)


def test_western_letters_are_read_as_such_and_said(tmp_path: Path) -> None:
    rows = [[*row[:2], ["Zürich", "Genève", "Müllheim"][i % 3], row[3]] for i, row in enumerate(ward())]
    (tmp_path / "ward.csv").write_bytes(text(rows).encode("latin-1"))
    table = learned(tmp_path / "ward.csv", tmp_path)

    assert {"Zürich", "Genève", "Müllheim"} == set(table.column("ward").to_pylist())
    assert "note.western" in notes(tmp_path)


def learned(csv: Path, folder: Path, **more: Any) -> pa.Table:
    """The table as step 1 of a run took it."""
    done = learn_table(csv, "outcome", folder / "models", families=["tree"], budget=Budget(seconds=0), **more)
    return pq.read_table(done.run / "step1_collect" / "table.parquet")


def notes(folder: Path) -> list[str]:
    (run,) = (folder / "runs").iterdir()
    return [note.key for note in Run(run).notes()]


def test_the_number_of_a_row_and_the_name_of_a_person_are_no_features(tmp_path: Path) -> None:
    """Cases were numbered after controls, and each person has four rows: both columns give the answer away."""
    rows = sorted(ward(240), key=lambda row: row[3])
    lines = [[str(1000 + i), str(7000 + i // 4), *row[1:]] for i, row in enumerate(rows)]
    (tmp_path / "ward.csv").write_text(text(lines, ["nr_of_case", "patient_id", *HEADER[1:]]), "utf-8")
    learned(tmp_path / "ward.csv", tmp_path)
    (run,) = (tmp_path / "runs").iterdir()
    names = pq.read_schema(run / "step3_features" / "matrix.parquet").names

    assert not [name for name in names if "nr_of_case" in name or "patient_id" in name]
    assert {"note.identity", "note.person"} <= set(notes(tmp_path))


def test_ten_thousand_columns_are_learned_from(tmp_path: Path) -> None:
    chance = random.Random(4)
    names = [f"x{i}" for i in range(10_000)]
    rows = [[*(f"{chance.random():.3f}" for _ in names), *row[3:]] for row in ward(60)]
    (tmp_path / "ward.csv").write_text(text(rows, [*names, "outcome"]), "utf-8")
    started = time.process_time()
    table = learned(tmp_path / "ward.csv", tmp_path)

    assert 10_001 == table.num_columns
    assert time.process_time() - started < 60


def test_a_folder_or_a_pickle_instead_of_a_table_is_refused_by_name(salus: Terminal) -> None:
    (salus.folder / "tables").mkdir()
    code, _, err = salus("learn", "tables", "--target", "outcome")
    assert (65, True) == (code, "is a folder" in err)

    for name in ("ward.pkl", "ward.joblib", "ward.pt", "ward.csv"):
        (salus.folder / name).write_bytes(pickle.dumps({"rows": 3}))
        code, _, err = salus("learn", name, "--target", "outcome")
        assert (65, True, []) == (code, f"{name} is a pickle" in err, salus.left())


TASK = """
name = "soon-ill"
kind = "binary"
question = { en = "Ill within a month?", zh = "一个月内会得病吗？" }
when = { events = ["VISIT"] }
label = { codes = ["ILL"], within_days = 30 }
features = { windows_days = [0], values = ["last"], min_subjects = 5 }
models = { families = ["logistic"] }
budget = { seconds = 0 }
"""
START = datetime(2024, 1, 1)


def visits(people: int = 120) -> pa.Table:
    """A MEDS dataset: a marker at the visit, and for those who have it high, the illness after two weeks."""
    rows: list[tuple[int, datetime, str, float | None]] = []
    for i in range(people):
        rows += [(i, START, "VISIT", None), (i, START, "MARKER", i / 10)]
        rows += [(i, START + timedelta(days=14), "ILL", None)] if i > people // 2 else []
        rows.append((i, START + timedelta(days=60), "CALL", None))
    subject, moment, code, value = zip(*rows, strict=True)
    times = pa.array(moment, pa.timestamp("us"))
    return pa.table(
        {"subject_id": subject, "time": times, "code": code, "numeric_value": pa.array(value, pa.float32())}
    )


def few_ill(events: pa.Table) -> pa.Table:
    """The events, but for the illness of all but five."""
    told = zip(events["code"].to_pylist(), events["subject_id"].to_pylist(), strict=True)
    return events.filter(pa.array([code != "ILL" or subject > 114 for code, subject in told]))


Change = Callable[[pa.Table], pa.Table]
EVENTS: dict[str, tuple[Change | bytes | None, str, str, int]] = {  # events, change of the task, words, exit code
    "no folder": (None, "", "no events (*.parquet)", 66),
    "no Parquet": (b"not parquet at all", "", "cannot be read", 65),
    "no codes": (lambda t: t.drop_columns(["code"]), "", "no column code", 65),
    "no times": (lambda t: t.set_column(1, "time", pa.array(["soon"] * t.num_rows)), "", "cannot be read", 65),
    "no numbers": (
        lambda t: t.set_column(3, "numeric_value", pa.array(["high"] * t.num_rows)),
        "",
        "cannot be read",
        65,
    ),
    "no rows": (lambda t: t.slice(0, 0), "", "None of the 0 codes", 65),
    "no label code": (lambda t: t, 'codes = ["ILL"]>codes = ["SICK"]', "is a label code (SICK)", 65),
    "nobody": (lambda t: t, "when = >cohort = { min_age = 18 }\nwhen = ", "date of birth not known 120", 65),
    "no visit": (lambda t: t, '"VISIT"]>"STAY"]', "no prediction time at all", 65),
    "a date to come": (
        lambda t: t,
        'events = ["VISIT"]>dates = ["2999-01-01T00:00:00Z"]',
        "2999-01-01 is still to come",
        65,
    ),
    "one class": (lambda t: few_ill(t), "", "Only 1 class has 8 subjects", 65),
}


@pytest.mark.parametrize("kind", EVENTS)
def test_events_that_cannot_be_used_are_refused_and_leave_nothing(kind: str, salus: Terminal) -> None:
    change, task, words, exit_code = EVENTS[kind]
    (salus.folder / "soon.toml").write_text(TASK.replace(*task.split(">")) if task else TASK, "utf-8")
    (salus.folder / "events").mkdir()
    if isinstance(change, bytes):
        (salus.folder / "events" / "0.parquet").write_bytes(change)
    elif change is not None:
        pq.write_table(change(visits()), salus.folder / "events" / "0.parquet")
    code, out, err = salus("learn", "soon.toml", "--events", "events")

    assert (exit_code, "") == (code, out)
    assert words in err and "Traceback" not in err
    assert [] == salus.left()


def test_a_few_events_that_are_still_to_come_are_left_out_and_said(salus: Terminal) -> None:
    """One typing error in a year must not make everybody's follow-up complete."""
    (salus.folder / "soon.toml").write_text(TASK, "utf-8")
    (salus.folder / "events").mkdir()
    wrong = pa.table(
        {
            "subject_id": [3],
            "time": pa.array(
                [clock.now().astimezone(UTC).replace(tzinfo=None) + timedelta(days=9000)], pa.timestamp("us")
            ),
            "code": ["CALL"],
            "numeric_value": pa.array([None], pa.float32()),
        }
    )
    pq.write_table(pa.concat_tables([visits(), wrong]), salus.folder / "events" / "0.parquet")
    code, _, err = salus("learn", "soon.toml", "--events", "events")
    (run,) = (salus.folder / "var" / "runs").iterdir()

    assert 0 == code
    assert "1 event(s) lie after today" in err and "CALL" in err
    assert visits().num_rows == pq.read_metadata(run / "step1_collect" / "events.parquet").num_rows


def test_a_dataset_whose_dates_were_all_moved_into_the_future_is_taken_as_it_is(salus: Terminal) -> None:
    """As de-identified datasets do."""
    (salus.folder / "soon.toml").write_text(TASK, "utf-8")
    (salus.folder / "events").mkdir()
    table = visits()
    moved = pa.array([one.replace(year=one.year + 150) for one in table["time"].to_pylist()], pa.timestamp("us"))
    pq.write_table(table.set_column(1, "time", moved), salus.folder / "events" / "0.parquet")
    code, _, err = salus("learn", "soon.toml", "--events", "events")

    assert 0 == code
    assert "moved" in err


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    (folder / "ward.csv").write_text(text(ward()), "utf-8")
    learn_table(
        folder / "ward.csv", "outcome", folder / "models", name="ward", families=["tree"], budget=Budget(seconds=0)
    )
    return folder / "models"


@pytest.mark.parametrize("name", ["model.pkl", "model/weights.pt", "model/trees.joblib", "code.py"])
def test_a_bundle_with_something_that_can_run_is_refused_by_name(name: str, made: Path, tmp_path: Path) -> None:
    copytree(made, tmp_path / "models")
    place = tmp_path / "models" / "ward" / "1"
    (place / name).write_bytes(b"\x80\x04K\x01.")
    write_json(place / SUMS, sums_of(place))  # as somebody would who wants it to go unseen
    with pytest.raises(Conflict, match=f"{name} of ward 1 .* can run"):
        Registry(tmp_path / "models").load("ward", "1")


def test_a_bundle_that_was_changed_is_named_at_the_terminal(made: Path, salus: Terminal) -> None:
    place = made / "ward" / "1" / "metrics.json"
    before = place.read_bytes()
    place.write_bytes(before + b" ")
    code, out, err = salus("models", "show", "ward", "--registry", str(made))
    place.write_bytes(before)

    assert (75, "") == (code, out)
    assert "metrics.json" in err and "do not use it" in err
