"""Time zero, who takes part and the start of following are one moment: nobody lives through it by being treated."""

import copy

import duckdb
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from lipid_clinic import TASK, clinic

from salus.analytics.events import events_of, in_order, table_of
from salus.learning.effects.declared import EffectTask, effect_task_of
from salus.learning.effects.starting import Event, Past, begun, looked_for, past_of, people, starts, why_not
from salus.learning.moments import DAY_US, moment_us

USUAL, NEW, ATTACK, PAIN = "ATC//C10AB05", "ATC//C10AA05", "SNOMED//22298006", "SNOMED//68962001"
LAB, VISIT, DEATH = "LOINC//22748-8", "ENCOUNTER//AMB", "MEDS_DEATH"
END = 3000


def task(**parts) -> EffectTask:
    return effect_task_of({**copy.deepcopy(TASK), **parts})


def day(number: float) -> int:
    return round(number * DAY_US)


def past(*events: tuple, born: float = -20_000) -> Past:
    """Events as (day, code) or (day, code, day of record), with a first lab on day 0."""
    made = [Event(day(at), day(rest[1] if len(rest) > 1 else at), rest[0], 5.0, "U") for at, *rest in events]
    made = sorted([Event(0, 0, LAB), *made])
    death = next((one.at for one in made if one.code == DEATH), None)
    return Past(made, day(born), death, made[0].at, made[-1].at)


def asked(question: EffectTask, of: Past):
    return begun(question, "p", of, looked_for(question, "U"), day(END))


def test_the_first_order_is_time_zero_and_what_comes_after_counts():
    found, why = asked(task(), past((100, NEW), (200, ATTACK), (150, PAIN)))
    assert why == "" and (found.at_us, found.option) == (day(100), 1)
    attack, pain, fracture = found.came
    assert (attack.value, attack.days, attack.lost) == (1.0, 100.0, False)
    assert (pain.value, pain.days) == (1.0, 50.0)
    assert (fracture.value, fracture.days, fracture.lost) == (0.0, 365.0, False)


@pytest.mark.parametrize(
    ("events", "why"),
    [
        ([(100, NEW), (100, USUAL)], "several"),
        ([(20, NEW)], "short_history"),
        ([(200, LAB)], "no_start"),
        ([(END, NEW)], "unfollowed"),
        ([(100, NEW), (90, DEATH)], "dead"),
    ],
)
def test_who_cannot_take_part_is_left_out_and_it_is_said_why(events, why):
    assert asked(task(), past(*events)) == (None, why)


def test_children_and_people_of_unknown_age_are_left_out_where_age_is_asked():
    assert asked(task(), past((100, NEW), born=-1000)) == (None, "too_young")
    unborn = past((100, NEW))
    unborn.birth = None
    assert asked(task(), unborn) == (None, "no_birth")


def test_a_later_start_counts_after_the_wash_out_and_never_before():
    found, _ = asked(task(cohort={"min_history_days": 200}), past((100, USUAL), (300, NEW), (900, NEW)))
    assert (found.at_us, found.option) == (day(900), 1)  # at 100 the history is short, at 300 the wash-out is not over
    ever = task(time_zero={"washout_days": 0}, cohort={"min_history_days": 200})
    assert asked(ever, past((100, USUAL), (900, NEW))) == (None, "short_history")


def test_only_what_was_recorded_by_then_counts():
    question = task(cohort={"has": ["SNOMED//1"], "without": ["SNOMED//2"]})
    assert asked(question, past((50, "SNOMED//1", 150), (100, NEW))) == (None, "lacks")
    found, _ = asked(question, past((50, "SNOMED//1"), (60, "SNOMED//2", 150), (100, NEW)))
    assert found is not None
    assert why_not(question, past((50, "SNOMED//1"), (60, "SNOMED//2", 150)), day(200)) == "excluded"
    incident = task(outcome={**TASK["outcome"], "incident": True})
    assert asked(incident, past((50, ATTACK), (100, NEW))) == (None, "already")
    assert asked(incident, past((50, ATTACK, 150), (100, NEW)))[0] is not None


def test_a_death_says_that_the_outcome_cannot_come_and_the_end_of_the_data_says_nothing():
    died, _ = asked(task(), past((100, NEW), (150, DEATH)))
    assert (died.came[0].value, died.came[0].days, died.came[0].lost) == (0.0, 50.0, False)
    late, _ = asked(task(), past((END - 100, NEW)))
    assert (late.came[0].days, late.came[0].lost) == (100.0, True)
    own, _ = asked(task(followed_until="last_event"), past((100, NEW), (160, LAB)))
    assert (own.came[0].days, own.came[0].lost) == (60.0, True)
    together, _ = asked(task(outcome={**TASK["outcome"], "codes": [ATTACK, DEATH]}), past((100, NEW), (150, DEATH)))
    assert together.came[0].value == 1.0


def test_who_changes_to_another_option_is_lost_where_the_question_is_of_staying_with_it():
    both = past((100, NEW), (150, USUAL), (200, ATTACK))
    as_begun, _ = asked(task(), both)
    staying, _ = asked(task(estimand="until_switched"), both)
    assert as_begun.came[0].value == 1.0
    assert (staying.came[0].value, staying.came[0].days, staying.came[0].lost) == (0.0, 50.0, True)


VISITS = {
    "options": [{"code": "none", "en": "Nothing", "zh": "不用药"}, TASK["options"][1]],
    "time_zero": {"events": [VISIT], "offset_hours": 12, "within_days": 7},
}


def test_a_visit_can_be_time_zero_and_nothing_begun_an_option():
    question = task(**VISITS)
    treated, untreated = past((100, VISIT), (103, NEW)), past((100, VISIT), (120, NEW))
    assert starts(question, treated) == [day(100.5)]
    assert [asked(question, one)[0].option for one in (treated, untreated)] == [1, 0]
    found = asked(question, past((100, VISIT), (103, NEW), (200, ATTACK)))[0].came[0]
    assert found.days == pytest.approx(200 - 107.5)  # from the end of the week for everybody


def test_who_has_the_outcome_or_dies_before_following_begins_is_left_out_whatever_was_given():
    question = task(**VISITS)
    for event, why in ((ATTACK, "before_start"), (DEATH, "unfollowed")):
        for given in ((101, NEW), (300, LAB)):
            assert asked(question, past((100, VISIT), given, (104, event))) == (None, why)
    assert asked(question, past((90, NEW), (100, VISIT))) == (None, "treated")
    assert asked(question, past((300, LAB))) == (None, "no_start")


def test_a_measured_outcome_is_the_last_number_in_the_usual_unit_or_not_known():
    question = task(outcome={**TASK["outcome"], "codes": [LAB], "value": True})
    of = past((100, NEW), (150, LAB), (300, LAB))
    of.events[-1] = of.events[-1]._replace(value=3.5)
    assert asked(question, of)[0].came[0].value == 3.5
    of.events[-1] = of.events[-1]._replace(unit="other")
    assert asked(question, of)[0].came[0].value == 5.0
    assert asked(question, past((100, NEW), (600, LAB)))[0].came[0].lost


def test_a_person_is_read_from_a_table_at_the_bedside_as_from_all_records_in_training(tmp_path):
    resources = [one for one in clinic(60) if one["id"] != "p0007-o1"]
    table = table_of(in_order(event for one in resources for event in events_of(one)))
    pq.write_table(table, tmp_path / "all.parquet")
    question = task()
    begun_, _, _ = people(question, duckdb.connect(), f"read_parquet('{tmp_path / 'all.parquet'}')")
    last = max(one for one in table["time"].to_pylist() if one is not None)
    for one in begun_:
        own = past_of(question, table.filter(pc.equal(table["subject_id"], one.subject)))
        again, why = begun(question, one.subject, own, looked_for(question, None), moment_us(last))
        assert (again, why) == (one, "")
    assert len(begun_) == 60
