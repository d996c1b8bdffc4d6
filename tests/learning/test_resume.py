"""A run that was broken off goes on after the last step that ended."""

import csv
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from salus.learning.learn import learn_table, resume
from salus.learning.run import Run
from salus.learning.task import Budget


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """A run of which somebody pulled the plug while it was tuning."""
    chance = np.random.default_rng(1)
    x = chance.normal(size=(240, 3))
    with (tmp_path / "t.csv").open("w", newline="") as file:
        rows = [[f"p{i}", *one, int(one[0] + chance.normal() > 0)] for i, one in enumerate(x)]
        csv.writer(file).writerows([["who", "a", "b", "c", "ill"], *rows])

    def unplugged(stage: str, share: float, **slots: str) -> None:
        if stage == "step6_best":
            raise KeyboardInterrupt

    ask = {"subject": "who", "families": ["logistic", "tree"], "budget": Budget(seconds=3600, trials=2)}
    with pytest.raises(KeyboardInterrupt):
        learn_table(tmp_path / "t.csv", "ill", tmp_path / "registry", progress=unplugged, **ask)
    return next((tmp_path / "runs").iterdir())


def test_what_was_done_is_not_done_again(broken: Path, tmp_path: Path) -> None:
    before = {
        path: path.stat().st_mtime_ns for path in broken.rglob("*") if path.is_file() and "step6" not in str(path)
    }
    first = (broken / "step6_optimise" / "trials.jsonl").read_bytes()
    learned = resume(broken, tmp_path / "registry")

    assert (True, "1") == (learned.promoted, learned.version)
    assert [] == [
        str(path) for path, at in before.items() if path.suffix == ".parquet" and path.stat().st_mtime_ns != at
    ]
    assert (broken / "step6_optimise" / "trials.jsonl").read_bytes().startswith(first)
    assert 2 == first.count(b"\n")
    assert "step7_deploy" == Run(broken).finished[-1]


def test_a_run_that_has_ended_gives_its_version_again(broken: Path, tmp_path: Path) -> None:
    assert resume(broken, tmp_path / "registry") == resume(broken, tmp_path / "registry")


def test_the_terminal_goes_on_with_a_run(broken: Path, tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "salus",
        "learn",
        "--resume",
        str(broken),
        "--registry",
        str(tmp_path / "registry"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (0, "") == (done.returncode, "" if "AUROC" in done.stdout else done.stderr)


def test_nothing_to_learn_from_is_said(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-m", "salus", "learn"], capture_output=True, text=True, check=False)

    assert "--resume RUN" in done.stderr
    assert 0 != done.returncode
