"""The registry: promote, roll back, and never load what was changed. And the terminal's doors to it."""

import json
import random
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from salus.analytics.events import EVENT_SCHEMA
from salus.base.errors import Conflict, Invalid, Missing
from salus.cli import main
from salus.learning.learn import learn_table
from salus.learning.step7_deploy import Registry
from salus.learning.task import Budget


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    chance = random.Random(1)
    lines = ["id,marker,ill"]
    for i in range(160):
        marker = chance.gauss(0, 1)
        lines.append(f"s{i},{marker:.3f},{'yes' if marker + chance.gauss(0, 0.5) > 0 else 'no'}")
    path = tmp_path_factory.mktemp("registry") / "small.csv"
    path.write_text("\n".join(lines), "utf-8")
    return path


@pytest.fixture
def registry(table: Path, tmp_path: Path) -> Registry:
    for family in ("tree", "logistic"):
        learn_table(
            table, "ill", tmp_path / "models", subject="id", name="ill", families=[family], budget=Budget(seconds=0)
        )
    return Registry(tmp_path / "models")


def test_the_newest_is_promoted_and_the_one_before_comes_back(registry: Registry) -> None:
    assert ["1", "2"] == registry.versions("ill")
    assert [False, True] == [entry.promoted for entry in registry.list()]
    assert "1" == registry.roll_back("ill")

    now = registry.promoted("ill")
    assert now is not None and ("1", "tree") == (now.version, now.bundle.family)
    with pytest.raises(Missing, match="no earlier version of 'ill'"):
        registry.roll_back("ill")
    registry.promote("ill", "2")
    again = Registry(registry.folder).promoted("ill")
    assert again is not None and "2" == again.version


def test_a_changed_file_is_never_loaded(registry: Registry) -> None:
    weights = registry.folder / "ill" / "2" / "model" / "linear.json"
    weights.write_text(weights.read_text().replace("0.", "1.", 1))

    with pytest.raises(Conflict, match=r"model/linear.json of ill 2 changed since it was made: do not use it"):
        registry.promoted("ill")
    with pytest.raises(Conflict, match=r"model/linear.json"):
        registry.promote("ill", "2")


def test_checksums_written_anew_do_not_help(registry: Registry) -> None:
    place = registry.folder / "ill" / "2"
    (place / "extra.json").write_text("{}")
    from salus.learning.step7_deploy.seal import SUMS, sums_of

    (place / SUMS).write_text(json.dumps(sums_of(place)))

    with pytest.raises(Conflict, match="not those that were promoted"):
        Registry(registry.folder).promoted("ill")


def test_what_is_not_there_is_named_with_what_is(registry: Registry) -> None:
    with pytest.raises(Missing, match=r"no version '9' of a model 'ill' \(versions: 1, 2\)"):
        registry.promote("ill", "9")
    assert registry.promoted("unknown") is None
    with pytest.raises(Invalid, match="cannot name a model"):
        registry.add("../out", registry.folder)


def test_nothing_that_could_run_is_stored(registry: Registry) -> None:
    kinds = {file.suffix for file in (registry.folder / "ill").rglob("*") if file.is_file()}

    assert kinds <= {".json", ".npz", ".txt", ".md", ""}


class Terminal:
    """The command `salus` as a person types it, in a folder of its own."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        monkeypatch.chdir(folder)
        self.monkeypatch, self.capsys = monkeypatch, capsys

    def __call__(self, *words: str) -> tuple[int, str, str]:
        self.monkeypatch.setattr(sys, "argv", ["salus", *words])
        with pytest.raises(SystemExit) as end:
            main()
        said = self.capsys.readouterr()
        return int(end.value.code or 0), said.out, said.err


@pytest.fixture
def salus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Terminal:
    return Terminal(tmp_path, monkeypatch, capsys)


def test_one_command_from_a_table_to_a_deployed_model(table: Path, tmp_path: Path, salus: Terminal) -> None:
    learn = ("learn", str(table), "--target", "ill", "--subject", "id", "--budget", "0", "--families", "logistic")
    code, out, err = salus(*learn)

    assert 0 == code, err
    assert "AUROC: 0." in out and "Model small-ill, version 1, is the one that is asked now." in out
    report = next((tmp_path / "var" / "runs").glob("*/report.en.html"))
    assert "<svg" in report.read_text("utf-8")

    assert "small-ill" in salus("models", "list")[1]
    assert "## 预期用途" in salus("models", "show", "small-ill", "--language", "zh")[1]


def test_the_terminal_seals_what_has_no_seal_and_keeps_why_a_version_was_promoted(
    table: Path, tmp_path: Path, salus: Terminal
) -> None:
    learn = ("learn", str(table), "--target", "ill", "--subject", "id", "--budget", "0", "--families", "logistic")
    assert 0 == salus(*learn, "--groups", "marker")[0]
    models = tmp_path / "var" / "models" / "small-ill"
    (models / "1" / "seal.json").unlink()

    code, out, _ = salus("models", "sign", "small-ill", "1", "--language", "zh")
    assert (0, "模型 small-ill 的第 1 版已由本机构签封。") == (code, out.strip())
    assert (models / "1" / "seal.json").is_file()

    salus(*learn, "--no-promote")
    assert 0 == salus("models", "promote", "small-ill", "2", "--reason", "Newer data")[0]
    assert ["", "Newer data"] == [
        line.get("reason", "") for line in json.loads((models / "promotions.json").read_text())
    ]


def test_the_terminal_says_what_is_wrong_without_a_traceback(table: Path, salus: Terminal) -> None:
    code, _, err = salus("learn", str(table), "--target", "sick")

    assert 65 == code
    assert "There is no target column 'sick' in small.csv: its columns are id, marker, ill" in err
    assert "Traceback" not in err

    code, _, err = salus("models", "rollback", "nothing")
    assert (66, True) == (code, "no earlier version" in err)


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


def visits(folder: Path) -> Path:
    """Events of 120 people: a marker at the visit, and for those who have it high, the illness after two weeks."""
    start, made = datetime(2024, 1, 1, tzinfo=UTC), []
    for i in range(120):
        who = {"subject_id": f"p{i}", "unit": None, "text_value": None, "encounter_id": None, "recorded_time": None}
        made.append({**who, "time": start, "code": "VISIT", "numeric_value": None, "source_id": f"Encounter/{i}"})
        made.append({**who, "time": start, "code": "MARKER", "numeric_value": i / 10, "source_id": f"Observation/{i}"})
        if i > 60:
            ill = start + timedelta(days=14)
            made.append({**who, "time": ill, "code": "ILL", "numeric_value": None, "source_id": f"Condition/{i}"})
        end = start + timedelta(days=60)
        made.append({**who, "time": end, "code": "VISIT", "numeric_value": None, "source_id": f"Encounter/{i}-2"})
    (folder / "shard=000").mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(made, schema=EVENT_SCHEMA), folder / "shard=000" / "0.parquet")
    return folder


def test_one_command_from_a_task_and_its_events_to_a_deployed_model(tmp_path: Path, salus: Terminal) -> None:
    (tmp_path / "soon.toml").write_text(TASK, "utf-8")
    code, out, err = salus("learn", "soon.toml", "--events", str(visits(tmp_path / "events")), "--language", "zh")

    assert 0 == code, err
    assert "AUROC: 1.000" in out and "模型 soon-ill 的第 1 版现为当前版本" in out


def test_a_task_over_an_empty_store_says_that_there_are_no_events(tmp_path: Path, salus: Terminal) -> None:
    (tmp_path / "soon.toml").write_text(TASK, "utf-8")
    code, _, err = salus("learn", "soon.toml", "--store", str(tmp_path / "salus.db"))

    assert (66, True) == (code, "There are no events" in err)
