"""`salus views`, as it is typed."""

import stat
import sys
from pathlib import Path
from typing import Any

import orjson
import pyarrow.parquet as pq
import pytest

from salus import cli
from salus.privacy import SYSTEM, Purpose
from salus.records import Store

OWN: dict[str, Any] = {
    "resourceType": "ViewDefinition",
    "name": "born",
    "title": "Births",
    "resource": "Patient",
    "select": [{"column": [{"name": "id", "path": "id"}, {"name": "born", "path": "brithDate"}]}],
}


@pytest.fixture(autouse=True)
def at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with Store(Path("hospital.db")) as store:
        records = store.open(SYSTEM, Purpose.OPERATIONS)
        for id, gender in (("mei", "female"), ("tom", "male")):
            records.update("Patient", id, {"resourceType": "Patient", "id": id, "gender": gender})
    Path("views").mkdir()
    Path("views/born.json").write_bytes(orjson.dumps(OWN))
    Path("views/broken.json").write_text('{"resource": "Patient"}')


def typed(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """The exit code of a command line."""
    monkeypatch.setattr(sys, "argv", ["salus", "views", *words, "--store", "hospital.db"])
    with pytest.raises(SystemExit) as end:
        cli.main()
    return int(end.value.code or 0)


def test_the_views_are_listed_the_sites_own_and_the_broken_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("COLUMNS", "200")
    assert 0 == typed(monkeypatch, "list", "--language", "zh")
    told = capsys.readouterr().out

    assert all(word in told for word in ("patient", "患者", "Births（本机构自定义）", "无法读取"))


def test_a_view_is_run_to_the_screen_and_to_a_private_file(
    monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
):
    assert 0 == typed(monkeypatch, "run", "patient", "--format", "ndjson", "--patient", "mei")
    assert {"id": "Patient/mei", "gender": "female"}.items() <= orjson.loads(capfdbinary.readouterr().out).items()
    assert 0 == typed(monkeypatch, "run", "views/born.json", "--output", "rows.parquet", "--limit", "1")
    assert b"Patient has no element 'brithDate'" in capfdbinary.readouterr().err
    assert 1 == pq.read_table("rows.parquet").num_rows
    assert 0o600 == stat.S_IMODE(Path("rows.parquet").stat().st_mode)
    with Store(Path("hospital.db")) as store:
        assert {("view", "patient of Patient"), ("view", "born of Patient")} <= {(a.act, a.what) for a in store.audit()}


def test_views_are_kept_as_tables_and_asked_in_sql(
    monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
):
    assert 0 == typed(monkeypatch, "materialise", "patient", "born")
    assert b"patient: level with the records, 2 resources read" in capfdbinary.readouterr().err
    assert 0 == typed(monkeypatch, "materialise", "patient", "--language", "zh")
    assert "patient：已与病历同步，读取 0 条资源".encode() in capfdbinary.readouterr().err
    assert 0o700 == stat.S_IMODE(Path("views/tables").stat().st_mode)

    question = "select gender, count(*) as n from patient join born on split_part(patient.id, '/', 2) = born.id"
    question += " group by 1 order by 1"
    assert 0 == typed(monkeypatch, "sql", question, "--format", "csv")
    assert b"gender,n\r\nfemale,1\r\nmale,1\r\n" == capfdbinary.readouterr().out
    assert 0 == typed(monkeypatch, "sql", question)
    assert b"female" in capfdbinary.readouterr().out
    assert 0 == typed(monkeypatch, "sql", question, "--output", "answer.json")
    assert [{"gender": "female", "n": 1}, {"gender": "male", "n": 1}] == orjson.loads(Path("answer.json").read_bytes())


@pytest.mark.parametrize(("words", "code", "told"), [
    (("run", "nothing"), 66, "There is no view"),
    (("run", "nothing.json"), 66, "There is no file"),
    (("run", "broken"), 65, "broken.json: ViewDefinition.select"),
    (("run", "patient", "--patient", "nobody"), 66, "There is no patient nobody"),
    (("run", "patient", "--format", "xlsx"), 64, "choose json, ndjson, csv, parquet"),
    (("sql", "select 1"), 66, "salus views materialise"),
    (("materialise", "nothing"), 66, "There is no view"),
])  # fmt: skip
def test_what_cannot_be_done_is_told(
    words: tuple[str, ...], code: int, told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    assert code == typed(monkeypatch, *words)
    assert told in capsys.readouterr().err.replace("\n", " ")


def test_no_file_is_left_where_a_view_fails(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    many = {**OWN, "select": [{"column": [{"name": "n", "path": "id | gender"}]}]}
    Path("many.json").write_bytes(orjson.dumps(many))

    assert 65 == typed(monkeypatch, "run", "many.json", "--output", "rows.csv")
    assert [] == list(Path().glob("rows.csv*"))
    assert "gets 2 values" in capsys.readouterr().err.replace("\n", " ")
