"""Features by formula: the same at the bedside, with what stands behind them."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from salus.analytics.events import EVENT_SCHEMA
from salus.base.errors import Invalid
from salus.learning.dictionary import Concept, EventRecipe, Feature
from salus.learning.formulas import Expression
from salus.learning.moments import moment_us
from salus.learning.step3_features.derived import with_derived, with_inputs
from salus.learning.step3_features.windows import Windows
from salus.learning.step7_deploy.evidence import Known, by_formula
from salus.learning.task import Task, task_of

AT = datetime(2026, 3, 1, tzinfo=UTC)
RATE, ARM, LINE = "LOINC//rate", "LOINC//arm", "LOINC//line"


def task(**derived: object) -> Task:
    return task_of(
        {
            "name": "ward",
            "kind": "binary",
            "question": {"en": "?", "zh": "？"},
            "when": {"dates": [AT]},
            "label": {"codes": ["X"], "within_days": 1},
            "features": {"windows_days": [1, 0], "values": ["last"], "derived": derived},
        }
    )


def recipe() -> EventRecipe:
    """The last values of three codes."""
    label = {"en": "?", "zh": "？"}
    made = [
        Feature(name=f"{code}.last{tail}", source=code, value="last", window_days=days, label=label)
        for code in (RATE, ARM, LINE)
        for days, tail in ((1, ".1d"), (0, ""))
    ]
    return EventRecipe(concepts=[Concept(code=code) for code in (RATE, ARM, LINE)], features=made)


def events(*said: tuple[str, float, float]) -> pa.Table:
    """(code, hours before, value)."""
    rows = [
        {
            "subject_id": "p",
            "time": AT - timedelta(hours=hours),
            "code": code,
            "numeric_value": value,
            "source_id": f"Observation/{i}",
        }
        for i, (code, hours, value) in enumerate(said)
    ]
    return pa.Table.from_pylist(rows, schema=EVENT_SCHEMA)


SHOCK = {"formula": "rate / pressure", "of": {"rate": RATE, "pressure": [LINE, ARM]}}


def test_a_formula_takes_the_first_known_of_several_codes() -> None:
    made, lacking = with_derived(recipe(), task(shock=SHOCK))
    place = [feature.name for feature in made.features].index("shock.last")

    by_line = Windows(made).one(events((RATE, 1, 90), (ARM, 1, 120), (LINE, 2, 100)), moment_us(AT))
    by_arm = Windows(made).one(events((RATE, 1, 90), (ARM, 1, 120)), moment_us(AT))

    assert [] == lacking
    assert [90 / 100, 90 / 120] == [by_line[0, place], by_arm[0, place]]


def test_a_pattern_derives_one_feature_a_code_and_makes_what_it_needs() -> None:
    made, _ = with_derived(recipe(), task(change={"formula": "x.last - x.first", "of": {"x": "LOINC//*"}}))
    names = [feature.name for feature in made.features]
    found = Windows(made).one(events((RATE, 30, 60), (RATE, 20, 70), (RATE, 1, 90)), moment_us(AT))[0]

    assert (90 - 60, 90 - 70) == (found[names.index(f"{RATE}.change")], found[names.index(f"{RATE}.change.1d")])
    assert f"{RATE}.first" in names


def test_a_crowd_and_one_alone_have_the_same_bits() -> None:
    made, _ = with_derived(recipe(), task(shock=SHOCK))
    chance = np.random.default_rng(1)
    people = [events((RATE, 1, chance.normal(80, 9)), (ARM, 2, chance.normal(120, 20))) for _ in range(40)]
    named = [one.set_column(0, "subject_id", pa.array([f"p{i}"] * len(one))) for i, one in enumerate(people)]
    rows = pa.table({"row": range(40), "subject_id": [f"p{i}" for i in range(40)], "at_us": [moment_us(AT)] * 40})
    together = Windows(made).matrix(pa.concat_tables(named), rows)
    alone = np.vstack([Windows(made).one(one, moment_us(AT)) for one in people])

    assert together.tobytes() == alone.tobytes()


def test_what_cannot_be_made_is_named_and_inputs_are_kept() -> None:
    made, lacking = with_derived(
        recipe(), task(shock=SHOCK, gap={"formula": "a - b", "of": {"a": "LOINC//no", "b": ARM}})
    )
    shock = next(j for j, feature in enumerate(made.features) if feature.name == "shock.last")
    kept = made.only([made.features[j] for j in with_inputs(made, [shock])])

    assert ["gap"] == lacking
    assert {f"{RATE}.last", f"{LINE}.last", f"{ARM}.last", "shock.last"} == {one.name for one in kept.features}
    assert ["shock.last"] == list(kept.derived)


def test_behind_a_formula_stand_the_events_of_all_it_speaks_of() -> None:
    made, _ = with_derived(recipe(), task(shock=SHOCK))
    rate, arm = Known(5, "Observation/1", RATE, None, 90.0), Known(7, "Observation/2", ARM, None, 120.0)

    assert {"shock": [arm, rate]} == by_formula({RATE: [rate], ARM: [arm]}, made)


@pytest.mark.parametrize(
    "text", ["__import__('os')", "a.b.c", "a if b else c", "[a]", "a ** b", "abs(a, b)", "a +", "1" * 300]
)
def test_a_formula_can_only_say_arithmetic(text: str) -> None:
    with pytest.raises(Invalid, match="cannot be read"):
        Expression(text)


def test_a_formula_over_unnamed_codes_is_refused() -> None:
    with pytest.raises(Invalid, match="speaks of pressure"):
        task(shock={"formula": "rate / pressure", "of": {"rate": RATE}})
    with pytest.raises(Invalid, match="the known values are"):
        task(shock={"formula": "rate.middle", "of": {"rate": RATE}})
