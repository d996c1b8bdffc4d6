"""The diagrams of the manual are those of the tables."""

from pathlib import Path

import pytest

from salus.services.laboratory.states import STEPS, TELLING

MANUALS = Path(__file__).resolve().parents[2] / "docs" / "how-to"


@pytest.mark.parametrize("name", ["run-the-laboratory.md", "run-the-laboratory.zh.md"])
@pytest.mark.parametrize("table", [STEPS, TELLING])
def test_the_diagram_in_the_manual_of_the_laboratory_is_that_of_the_table(name, table):
    assert table.diagram() in (MANUALS / name).read_text("utf-8")
