"""Units: each row is a value, two units, the test it is of, and the answer as arithmetic."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salus.base.errors import Invalid
from salus.codes import LABS, units

GLUCOSE, CREATININE, CHOLESTEROL, UREA, POTASSIUM, CALCIUM = (
    "14771-0",
    "14682-9",
    "22748-8",
    "22664-7",
    "2823-3",
    "2000-8",
)

CONVERSIONS = [
    # the same kind of unit
    (1.0, "g", "mg", None, 1000),
    (72.5, "kg", "g", None, 72.5 * 1000),
    (150.0, "[lb_av]", "kg", None, 150 * 0.45359237),
    (70.0, "[in_i]", "cm", None, 70 * 2.54),
    (1.75, "m", "cm", None, 175),
    (120.0, "mm[Hg]", "kPa", None, 120 * 0.133322387415),
    (4.5, "10*9/L", "10*3/uL", None, 4.5),
    (4.5, "10*12/L", "10*6/uL", None, 4.5),
    (140.0, "g/L", "g/dL", None, 140 / 10),
    (0.5, "ug/mL", "ng/mL", None, 0.5 * 1000),
    (0.5, "ug/mL", "mg/L", None, 0.5),
    (350.0, "pg/mL", "ng/L", None, 350),
    (2.5, "m[IU]/L", "u[IU]/mL", None, 2.5),
    (60.0, "/min", "/h", None, 60 * 60),
    (1.0, "ukat/L", "U/L", None, 60),
    (42.0, "%", "1", None, 0.42),
    (90.0, "mL/min/{1.73_m2}", "mL/s/{1.73_m2}", None, 90 / 60),
    (24.2, "kg/m2", "g/cm2", None, 24.2 * 1000 / 10000),
    # degrees
    (37.0, "Cel", "[degF]", None, 37 * 9 / 5 + 32),
    (100.4, "[degF]", "Cel", None, (100.4 - 32) * 5 / 9),
    (0.0, "Cel", "K", None, 273.15),
    # substance and mass: only with the molar mass of the test
    (5.5, "mmol/L", "mg/dL", GLUCOSE, 5.5 * 180.156 / 10),
    (126.0, "mg/dL", "mmol/L", GLUCOSE, 126 * 10 / 180.156),
    (88.4, "umol/L", "mg/dL", CREATININE, 88.4 * 113.12 / 10000),
    (1.2, "mg/dL", "umol/L", CREATININE, 1.2 * 10000 / 113.12),
    (3.4, "mmol/L", "mg/dL", CHOLESTEROL, 3.4 * 386.65 / 10),
    (5.0, "mmol/L", "mg/dL", UREA, 5.0 * 60.056 / 10),
    # urea nitrogen is counted as N2: a urea of 5 mmol/L is a nitrogen of 14 mg/dL
    (5.0, "mmol/L", "mg/dL", "3094-0", 5.0 * 28.014 / 10),
    # charge
    (4.0, "mmol/L", "meq/L", POTASSIUM, 4.0 * 1),
    (2.4, "mmol/L", "meq/L", CALCIUM, 2.4 * 2),
    (4.8, "meq/L", "mg/dL", CALCIUM, 4.8 / 2 * 40.078 / 10),
    # a ratio to creatinine: its molar mass is the creatinine's
    (30.0, "mg/g", "mg/mmol", "14959-1", 30 * 113.12 / 1000),
    # HbA1c: two scales with the same dimension, joined by the master equation and not by a factor
    (48.0, "mmol/mol", "%", "4548-4", 0.09148 * 48 + 2.152),
    (6.5, "%", "mmol/mol", "4548-4", (6.5 - 2.152) / 0.09148),
    (48.0, "mmol/mol", "%", "59261-8", 0.09148 * 48 + 2.152),
    (48.0, "mmol/mol", "%", None, 48 / 10),
]


@pytest.mark.parametrize(("value", "source", "target", "loinc", "expected"), CONVERSIONS)
def test_a_value_keeps_its_meaning_in_another_unit(
    value: float, source: str, target: str, loinc: str | None, expected: float
) -> None:
    assert expected == pytest.approx(units.convert(value, source, target, loinc), rel=1e-9)
    assert value == pytest.approx(units.convert(expected, target, source, loinc), rel=1e-9, abs=1e-9)


REFUSED = [
    ("mmol/L", "mg/dL", None),  # of what?
    ("mmol/L", "mg/dL", "6690-2"),  # a count has no molar mass
    ("mmol/L", "meq/L", GLUCOSE),  # no charge
    ("kg", "cm", None),
    ("U/L", "[IU]/L", None),  # arbitrary units do not convert
    ("[IU]/L", "g/L", None),
    ("Cel", "kg", None),
    ("furlong", "m", None),
    ("mmol/L", "mg%", GLUCOSE),
    ("mg//dL", "g/L", None),
    ("mg/dL", "mg/dL/", None),
    ("", "kg", None),
]


@pytest.mark.parametrize(("source", "target", "loinc"), REFUSED)
def test_what_is_not_known_is_refused_and_never_guessed(source: str, target: str, loinc: str | None) -> None:
    with pytest.raises(Invalid):
        units.convert(1.0, source, target, loinc)


def test_every_unit_in_our_table_is_known() -> None:
    unknown = []
    for entry in LABS.values():
        if entry.unit and entry.unit not in units.DEGREES:
            try:
                units.parse(entry.unit)
            except Invalid:
                unknown.append((entry.code, entry.unit))

    assert [] == unknown


@given(
    st.floats(0.001, 1e6),
    st.sampled_from(["g", "mg", "ug", "kg", "[lb_av]", "[oz_av]"]),
    st.sampled_from(["g", "mg", "kg"]),
)
def test_there_and_back_is_the_same_value(value: float, source: str, target: str) -> None:
    assert value == pytest.approx(units.convert(units.convert(value, source, target), target, source))


def test_the_two_tests_of_one_substance_have_intervals_that_agree() -> None:
    """The interval in mmol/L and the one in mg/dL were written separately; they must not contradict each other."""
    pairs = [
        ("14771-0", "1558-6"),
        ("22748-8", "18262-6"),
        ("14682-9", "2160-0"),
        ("14933-6", "3084-1"),
        ("14631-6", "1975-2"),
    ]
    for molar, mass in pairs:
        for sex in ("female", "male"):
            for one, other in zip(LABS[molar].reference(sex), LABS[mass].reference(sex), strict=True):
                if one is not None and other is not None:
                    unit = LABS[molar].unit, LABS[mass].unit
                    assert other == pytest.approx(units.convert(one, str(unit[0]), str(unit[1]), molar), rel=0.03)
