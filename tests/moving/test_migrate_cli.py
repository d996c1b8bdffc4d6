"""`salus migrate`: in words, with exit codes, in both languages."""

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from salus import cli
from salus.base.words import words_of
from salus.privacy import SYSTEM, Purpose
from salus.records import Store, schema, upgrades
from salus.records.checking import check

LAYOUT_1 = Path(__file__).parents[1] / "records" / "layout1.sql"
Place = Callable[[], str]


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["salus", "migrate", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0)


@pytest.fixture
def old(tmp_path: Path) -> Path:
    path = tmp_path / "old.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(LAYOUT_1.read_text("utf-8"))
        connection.execute("PRAGMA journal_mode=WAL")
    return path


def test_a_store_moves_and_is_told_of(
    new_place: Place, new_file: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    source, target = new_place(), new_file()
    with Store(source) as store:
        store.open(SYSTEM, Purpose.OPERATIONS).create("Patient", {"resourceType": "Patient"})

    assert 0 == run(monkeypatch, source, target)
    told = capsys.readouterr().out
    assert target in told
    assert "all 1 transactions verified" in told
    assert 0 == check(target).count
    assert 75 == run(monkeypatch, source, target)
    assert "not overwritten" in capsys.readouterr().err
    assert 66 == run(monkeypatch, new_file(), new_file())
    assert "There is no store" in capsys.readouterr().err


def test_chinese_is_spoken_too(
    new_file: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    source = new_file()
    Store(source).close()

    assert 0 == run(monkeypatch, source, new_file(), "--language", "zh")
    assert "原样复制" in capsys.readouterr().out


def test_an_older_layout_is_upgraded_by_word_of_command_and_each_step_told(
    old: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert 75 == run(monkeypatch, str(old), str(old.with_name("new.db")))
    assert "`salus migrate` upgrades it" in capsys.readouterr().err
    assert 0 == run(monkeypatch, str(old))
    told = capsys.readouterr().out.splitlines()
    say = words_of("salus.cli")
    assert [say(f"upgrade.{step.name}", "en") for step in upgrades.STEPS] == told[: len(upgrades.STEPS)]
    assert f"from layout 1 to {schema.VERSION}" in told[-1]
    assert 0 == check(old).count
    assert 0 == run(monkeypatch, str(old))
    assert "nothing was to be done" in capsys.readouterr().out
    assert 0 == run(monkeypatch, str(old), str(old.with_name("new.db")))


def test_the_program_ends_with_its_code_and_no_traceback(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-c",
        "from salus.cli import main; main()",
        "migrate",
        str(tmp_path / "a"),
        "mysql://x/y",
    ]
    ended = subprocess.run(command, check=False, capture_output=True, text=True, timeout=600)

    assert 65 == ended.returncode
    assert "mysql" in ended.stderr
    assert "Traceback" not in ended.stderr
