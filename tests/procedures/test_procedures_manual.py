"""The diagram of the manual is that of the table, and its numbers are those of the list."""

from pathlib import Path

import pytest

from salus.codes import PROCEDURES
from salus.codes.tables import ICD9
from salus.places.tariffs import shipped
from salus.services.procedures.catalogue import KINDS, ours
from salus.services.procedures.states import STEPS

MANUALS = Path(__file__).resolve().parents[2] / "docs" / "how-to"


@pytest.mark.parametrize("name", ["order-procedures.md", "order-procedures.zh.md"])
def test_the_manual_of_procedures_says_what_the_tables_say(name):
    text = (MANUALS / name).read_text("utf-8")

    assert STEPS.diagram() in text and f" {len(PROCEDURES)} " in text


def test_each_procedure_that_is_shipped_has_a_room_and_a_price_of_that_kind():
    rooms = {code: row.more["kind"] for code, row in PROCEDURES.items()}
    prices = {one.code: one.kind for one in shipped("cn").prices if one.system == ICD9}

    assert rooms == prices
    assert set(KINDS) == set(rooms.values())


def test_each_procedure_is_found_by_the_initials_of_its_own_name():
    index = ours().index
    unknown = [code for row, code in enumerate(ours().codes) if "?" in index._short[row]]

    assert [] == unknown
