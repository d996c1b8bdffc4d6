"""`salus erase`: says what would go; with --yes it goes, and every copy with it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from two_people import traces
from typer.testing import CliRunner

from salus.analytics.events import Follower
from salus.cli import terminal
from salus.records import Store


@pytest.fixture
def site(store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A closed installation with event files."""
    Follower(store, store.path.parent / "events").catch_up()
    path = store.path
    store.close()
    monkeypatch.setenv("SALUS_FOLDER", str(path.parent))
    monkeypatch.setenv("SALUS_STORE", str(path))
    yield path.parent


def run(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(terminal([words[0]]), list(words))
    return done.exit_code, done.output + (repr(done.exception) if done.exception else "")


def test_without_yes_it_says_what_would_go_in_both_languages(site: Path) -> None:
    code, text = run("erase", "li-forgotten")

    assert (0, True) == (code, "Nothing was erased" in text)
    assert "Group/both" in text
    assert "尚未抹除" in run("erase", "li-forgotten", "--language", "zh")[1]
    assert traces(site)


def test_with_yes_nothing_is_left_in_the_folder_and_verify_counts_it(site: Path) -> None:
    code, text = run("erase", "li-forgotten", "--reason", "case 2026/17", "--yes")

    assert (0, True) == (code, "no trace is left" in text), text
    assert {} == traces(site)
    code, text = run("verify")
    assert (0, True) == (code, "in 1 erasures" in text or "erasures" in text), text


def test_a_restored_backup_tells_what_was_erased_again(site: Path, tmp_path: Path) -> None:
    assert 0 == run("backup", str(tmp_path / "old.db"))[0]
    assert 0 == run("erase", "li-forgotten", "--reason", "case 2026/17", "--yes")[0]
    shutil.copy(site / "records.db-erased", tmp_path)
    code, text = run("restore", str(tmp_path / "old.db"), "--store", str(tmp_path / "again" / "new.db"))

    assert (0, True) == (code, "versions were erased again" in text), text
    assert {} == traces(tmp_path / "again")


def test_an_unknown_patient_is_told_and_no_patient_is_a_fault(site: Path) -> None:
    assert "Nothing of this patient" in run("erase", "nobody")[1]
    assert "Invalid" in run("erase")[1]
