from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from salus.cli import terminal
from salus.demo.parameters import table
from salus.demo.showcase import PROMISED, latest, showcases

LAST = date(2026, 11, 22).toordinal()


def test_the_city_is_made_from_the_terminal_and_counted(tmp_path: Path) -> None:
    said = CliRunner().invoke(
        terminal(["city"]),
        ["city", str(tmp_path / "x"), "--people", "3", "--years", "1", "--end", "2026-03-01", "--language", "zh"],
    )

    assert 0 == said.exit_code, said.output
    assert "Observation" in said.output and "合计" in said.output and "showcase-4" in said.output
    assert (tmp_path / "x" / "truth.json").is_file()


@pytest.mark.parametrize("seed", [1, 2, 7])
def test_the_showcase_keeps_its_promises_with_any_seed(seed: int) -> None:
    seen = {chart.person.id: chart for chart, _ in showcases(LAST - 1826, LAST, seed)}

    assert list(table("showcase")) == list(seen)
    for id, bounds in PROMISED.items():
        for loinc, (low, high) in bounds.items():
            assert low <= latest(seen[id], loinc) <= high, (id, loinc)
    assert "diabetes" not in seen["showcase-1"].known
