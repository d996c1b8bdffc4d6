"""`salus backup`, `salus restore`, `salus verify`, as they are typed."""

import sqlite3
import sys
from pathlib import Path

import pytest

from salus import cli
from salus.base.words import LANGUAGES, words_of
from salus.privacy import SYSTEM, Purpose
from salus.records import Store
from salus.records.checking import AGREEMENTS, STEPS


@pytest.fixture(autouse=True)
def at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with Store(Path("hospital.db")) as store:
        records = store.open(SYSTEM, Purpose.OPERATIONS)
        for n in range(3):
            records.update("Patient", f"p{n}", {"resourceType": "Patient", "active": True})


def typed(line: str, monkeypatch: pytest.MonkeyPatch) -> int:
    """The exit code of a command line."""
    monkeypatch.setattr(sys, "argv", line.split())
    with pytest.raises(SystemExit) as end:
        cli.main()
    return int(end.value.code or 0)


def test_back_up_restore_and_verify(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert 0 == typed("salus backup safe.db --store hospital.db", monkeypatch)
    assert "after transaction 3" in capsys.readouterr().out
    assert 0 == typed("salus restore safe.db --store new.db --language zh", monkeypatch)
    assert "第 3 号事务" in capsys.readouterr().out
    for name in ("hospital.db", "safe.db", "new.db"):
        assert 0 == typed(f"salus verify --store {name}", monkeypatch)
        assert "Nothing is wrong." in capsys.readouterr().out


def test_verify_names_what_is_wrong(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with sqlite3.connect("hospital.db") as connection:
        connection.execute("UPDATE resource SET body=x'20' WHERE id='p1'")
    connection.close()

    assert 65 == typed("salus verify --store hospital.db", monkeypatch)
    assert "Patient/p1 version 1 is damaged on disk\n" in capsys.readouterr().out
    assert 65 == typed("salus verify --store hospital.db --language zh", monkeypatch)
    assert "Patient/p1 version 1 在磁盘上已损坏\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("line", "code", "told"),
    [
        ("salus backup safe.db --store none.db", 66, "no store at none.db"),
        ("salus verify --store none.db", 66, "no store at none.db"),
        ("salus restore none.db --store new.db", 66, "There is no none.db"),
        ("salus backup hospital.db --store hospital.db", 75, "not overwritten"),
        ("salus verify --store zeroes.db", 74, "not a store"),
        ("salus serve --store zeroes.db --port 0", 74, "salus restore"),
    ],
)
def test_what_cannot_be_done_is_told_in_a_line(
    line: str, code: int, told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("zeroes.db").write_bytes(bytes(8192))

    assert code == typed(line, monkeypatch)
    shown = capsys.readouterr().err
    assert told in shown
    assert "Traceback" not in shown


def test_every_step_and_fault_of_a_check_has_its_words() -> None:
    say = words_of("salus.cli")
    kinds = {*AGREEMENTS, "file", "unread", "body", "chain", "audit", "unindexed", "surplus"}

    assert all(say(f"verify.{kind}", language, what="x") for kind in kinds for language in LANGUAGES)
    assert all(say(f"verify.step.{step}", language) for step in STEPS for language in LANGUAGES)
