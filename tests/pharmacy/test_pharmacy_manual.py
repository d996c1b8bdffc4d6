"""The diagrams of the manual are those of the tables."""

from pathlib import Path

import pytest

from salus.services.pharmacy.states import DISPENSE, REVIEW

MANUALS = Path(__file__).resolve().parents[2] / "docs" / "how-to"


@pytest.mark.parametrize("name", ["review-and-dispense.md", "review-and-dispense.zh.md"])
@pytest.mark.parametrize("table", [REVIEW, DISPENSE])
def test_the_diagram_in_the_manual_of_the_pharmacy_is_that_of_the_table(name, table):
    assert table.diagram() in (MANUALS / name).read_text("utf-8")
