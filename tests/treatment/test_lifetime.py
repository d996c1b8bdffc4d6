"""Doses that add up: over a life, over a course, over all products; and doses that cannot be meant."""

from pathlib import Path
from typing import Any

import pytest
from prescribing import Json, asked, left_open, measured, order, patient

from salus.assistants.treatment.prescribing import Prescribing
from salus.assistants.treatment.site import Shelf
from salus.base import clock
from salus.privacy import SYSTEM, Purpose
from salus.records import Store

SIZED = [patient(), measured("29463-7", 80, "kg"), measured("8302-2", 180, "cm")]  # 2.00 m2 by Mosteller


def given(name: str, value: float, unit: str, id: str = "1", **more: Any) -> Json:
    return {
        "resourceType": "MedicationAdministration",
        "id": f"{name}-{id}",
        "status": "completed",
        "medicationCodeableConcept": {"text": name},
        "dosage": {"dose": {"value": value, "code": unit}},
        "effectiveDateTime": "2026-05-01",
    } | more


def life(found: Any) -> list[tuple[str, str]]:
    return [(one.tier, one.text.en) for one in found.findings if one.rule == "most-life"]


@pytest.mark.parametrize(
    ("before", "tier"),
    [(700, None), ((450 - 60) * 2, None), ((450 - 60) * 2 + 1, "inform"), (980, "inform"), (981, "interrupt")],
)
def test_doxorubicin_is_added_up_over_a_life_for_each_square_metre(before: float, tier: str | None) -> None:
    about = [*SIZED, given("doxorubicin", before / 2, "mg"), given("多柔比星", before / 2, "mg", "2")]
    found = asked([order("doxorubicin", (60, "mg/m2"), every=(21, "d"))], about=about)
    assert [one for one, _ in life(found)] == ([tier] if tier else [])
    assert "not checked: what was given elsewhere; doses recorded here and counted: 2" in left_open(found)


def test_a_life_names_what_was_counted_and_the_most() -> None:
    about = [*SIZED, given("doxorubicin", 1000, "mg")]
    ((tier, said),) = life(asked([order("doxorubicin", (120, "mg"), every=(21, "d"))], about=about))
    assert tier == "interrupt"
    assert said == (
        "doxorubicin: 560 mg/m² over a life with this order, 500 of it in 1 doses recorded here; the most is 550 mg/m²."
    )


def test_anthracyclines_use_up_one_life_together() -> None:
    about = [*SIZED, given("表柔比星", 720 * 2, "mg")]  # 0.8 of its own most
    ((tier, said),) = life(asked([order("doxorubicin", (120, "mg/m2"), every=(21, "d"))], about=about))
    assert tier == "interrupt" and f"{100 * (120 / 550 + 720 / 900):.0f} %" in said


def test_an_order_with_a_count_or_a_length_is_added_up_whole() -> None:
    course = order("doxorubicin", (100, "mg/m2"), every=(21, "d"), days=126)
    ((tier, said),) = life(asked([course], about=SIZED))
    assert tier == "interrupt" and "600 mg/m²" in said


def test_without_height_or_weight_the_life_is_left_open_and_never_guessed() -> None:
    found = asked([order("doxorubicin", (600, "mg"), every=(21, "d"))], about=[patient(), SIZED[1]])
    assert life(found) == []
    assert "doxorubicin over a whole life: not checked: Height is not recorded" in left_open(found)


def test_doses_that_cannot_be_added_up_are_counted_and_told() -> None:
    about = [
        *SIZED,
        given("doxorubicin", 50, "mg", "1", status="stopped"),
        given("doxorubicin", 50, "furlong", "2"),
        given("doxorubicin", 5000, "mg", "3", status="not-done"),
    ]
    found = asked([order("doxorubicin", (60, "mg/m2"), every=(21, "d"))], about=about)
    assert life(found) == [] and "2 doses recorded here whose amount cannot be added up" in left_open(found)


def test_bleomycin_goes_by_units_and_milligrams_are_not_turned_into_them() -> None:
    about = [patient(), given("bleomycin", 380, "[USP'U]")]
    assert [one for one, _ in life(asked([order("bleomycin", (30, "U"), every=(7, "d"))], about=about))] == [
        "interrupt"
    ]
    found = asked([order("bleomycin", (30, "mg"), every=(7, "d"))], about=about)
    assert life(found) == [] and "cannot be turned into U" in left_open(found)


@pytest.mark.parametrize(("dose", "days", "told"), [(800, 20, 0), (1000, 30, 1), (600, 40, 0), (600, 60, 1)])
def test_amiodarone_is_not_loaded_for_longer_than_is_usual(dose: float, days: float, told: int) -> None:
    found = asked([order("amiodarone", (dose, "mg"), 1, days=days)])
    assert told == len([one for one in found.findings if one.rule == "most-course"])


def test_a_loading_dose_without_an_end_is_told() -> None:
    assert "does not say for how long" in left_open(asked([order("amiodarone", (1200, "mg"), 1)]))
    assert "does not say for how long" not in left_open(asked([order("amiodarone", (200, "mg"), 1)]))


def test_paracetamol_is_added_up_over_every_product_that_holds_it_and_what_is_unknown_hides_nothing() -> None:
    standing = [
        order("Acetaminophen 325 MG / Oxycodone 5 MG Oral Tablet", (2, "{tbl}"), 4, id="1"),
        order("对乙酰氨基酚片 0.5g", (2, "片"), 2, id="2"),
        order("paracetamol", (20, "mL"), 3, id="3"),
    ]
    found = asked([order("paracetamol 500 MG", (500, "mg"), 3, id="new")], standing)
    (one,) = [each for each in found.findings if each.kind == "dose"]
    assert one.text.en.startswith(f"paracetamol: ≥ {2 * 4 * 325 + 2 * 2 * 500 + 3 * 500} mg a day")
    assert "so that it can be added up" in left_open(found)


@pytest.mark.parametrize(
    ("dose", "words"),
    [
        ((-5, "mg"), "-5 mg is impossible"),
        ((0, "mg"), "0 mg is impossible"),
        ((5000, "g"), "5000 g is impossible"),
        ((5, "furlong"), "unit of '5 furlong' is not known"),
    ],
)
def test_an_impossible_dose_and_an_unknown_unit_are_told_and_not_added_up(dose: tuple[float, str], words: str) -> None:
    assert words in left_open(asked([order("ibuprofen", dose, 3)]))


def test_what_the_store_holds_as_given_is_read_where_a_life_matters(tmp_path: Path) -> None:
    today, whose = str(clock.now().date()), {"subject": {"reference": "Patient/p"}}
    sized = [patient(), measured("29463-7", 80, "kg", today), measured("8302-2", 180, "cm", today)]
    with Store(tmp_path / "records.db") as store:
        records = store.open(SYSTEM, Purpose.OPERATIONS)
        for one in (*sized, given("doxorubicin", 1000, "mg")):
            records.update(one["resourceType"], one["id"], one | (whose if one is not sized[0] else {}))
        told = Prescribing(store, Shelf(tmp_path / "none")).screen(
            records, "p", [order("doxorubicin", (60, "mg/m2"), every=(21, "d"), id="new") | {"status": "draft"}]
        )
    assert [tier for tier, _ in life(told.screening)] == ["interrupt"]
    assert told.screening.findings[0].resources == ("MedicationAdministration/doxorubicin-1",)
