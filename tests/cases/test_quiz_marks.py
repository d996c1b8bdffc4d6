"""Marks, cards and difficulty of the quizzes, by arithmetic."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import exp
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salus.assistants.cases.quizzes.checking import checked, script_of
from salus.assistants.cases.quizzes.kept import response, review_of, review_response, sitting_of
from salus.assistants.cases.quizzes.marks import brier, by_rank, closeness, marks, missed
from salus.assistants.cases.quizzes.progress import bands, change, finished
from salus.assistants.cases.quizzes.review import Review, cards
from salus.assistants.cases.quizzes.script import encoded
from salus.assistants.cases.quizzes.shelf import shipped
from salus.assistants.cases.quizzes.sitting import Guess, Sitting, begun, take
from salus.base.errors import Conflict, Invalid
from salus.learning.rasch import PRIOR, rasch

AT = datetime(2026, 3, 1, 9, tzinfo=UTC)
CASE = shipped()["thirst-and-vomiting"]
RIGHT, NEAR, WRONG = "E10.1", "E10.9", "A09"


def sat(*turns: tuple[Guess, ...], tests: tuple[str, ...] = (), script=CASE) -> Sitting:
    """A finished sitting: three steps, the tests, then the end; the last list again where there are too few."""
    thens = ["on", "on", *tests, "finish"]
    lists = [*turns, *[turns[-1]] * len(thens)][: len(thens)]
    found = begun("s", script, "Practitioner/1", AT)
    for at, (guesses, then) in enumerate(zip(lists, thens, strict=True)):
        found = take(found, script, guesses, then, AT + timedelta(minutes=at))
    return found


def test_the_diagnosis_counts_half_by_the_last_list_and_half_by_all():
    found = marks(sat((Guess(WRONG, 50), Guess(RIGHT, 20)), (Guess(WRONG, 50),), (Guess(RIGHT, 90),)), CASE)
    assert found.diagnosis == pytest.approx((1 + (0.8 + 0 + 1) / 3) / 2)
    assert found.brier == pytest.approx((0.5**2 + 0.8**2 + 0.5**2 + 1 + 0.1**2) / 3)
    assert found.rank == 1 and found.right


def test_a_sibling_of_the_diagnosis_has_half_the_points_and_is_not_right():
    found = marks(sat((Guess(NEAR, 80),)), CASE)
    assert found.diagnosis == pytest.approx(0.5) and found.rank is None and closeness(NEAR, RIGHT) == 0.5


def test_tests_count_by_those_needed_and_by_the_money_that_went_to_them():
    one = (Guess(RIGHT, 90),)
    assert marks(sat(one, tests=("glucose", "ketones", "gas")), CASE).tests == 1
    assert marks(sat(one), CASE).tests == 0
    assert marks(sat(one, tests=("glucose", "ct-abdomen")), CASE).tests == pytest.approx(1 / 3 * 600 / 60600)


def test_what_must_not_be_missed_counts_once_it_stood_on_any_list():
    assert marks(sat((Guess("K35.9", 10), Guess(RIGHT, 10)), (Guess(RIGHT, 90),)), CASE).danger == 1
    assert marks(sat((Guess(RIGHT, 90),)), CASE).danger == 0.5


def test_what_went_well_is_not_asked_again():
    whole = sat((Guess("K35.8", 10), Guess(RIGHT, 80)), (Guess(RIGHT, 90),), tests=("glucose", "ketones", "gas"))
    assert missed(CASE, marks(whole, CASE)) == []
    assert {one.about for one in missed(CASE, marks(sat((Guess(WRONG, 90),)), CASE))} == {
        "diagnosis",
        "danger",
        "tests",
    }


@given(st.lists(st.tuples(st.sampled_from([RIGHT, NEAR, WRONG, "J18.9", "I26.9"]), st.integers(0, 20)), min_size=1,
                max_size=5, unique_by=lambda row: row[0]))  # fmt: skip
def test_marks_stay_within_their_bounds_and_a_sure_truth_is_best(rows):
    guesses = tuple(Guess(*row) for row in rows)
    assert 0 <= by_rank(guesses, RIGHT) <= 1 and 0 <= brier(guesses, RIGHT) <= 2
    assert brier((Guess(RIGHT, 100),), RIGHT) <= brier(guesses, RIGHT)
    assert 0 <= marks(sat(guesses), CASE).total <= 1


@pytest.mark.parametrize(
    "guesses",
    [(), (Guess(RIGHT, 60), Guess(WRONG, 60)), (Guess(RIGHT, -1),), (Guess(RIGHT, 1), Guess(RIGHT, 2)),
     tuple(Guess(f"A0{at}", 1) for at in range(6))],
)  # fmt: skip
def test_a_list_that_cannot_be_is_refused(guesses):
    with pytest.raises(Invalid):
        take(begun("s", CASE, "Practitioner/1", AT), CASE, guesses, "on", AT)


def test_steps_come_in_their_order_tests_after_them_and_nothing_after_the_end():
    first, one = begun("s", CASE, "Practitioner/1", AT), (Guess(RIGHT, 50),)
    for early in ("glucose", "finish", "examination", ""):
        with pytest.raises(Invalid):
            take(first, CASE, one, early, AT)
    with pytest.raises(Conflict):
        take(sat(one), CASE, one, "finish", AT)


def test_a_sitting_and_a_review_come_back_from_their_records_as_they_were():
    whole = sat((Guess("K35.8", 10), Guess(RIGHT, 80)), tests=("glucose",))
    assert sitting_of(response(whole)) == whole
    review = Review("r", CASE.id, "potassium-first", "hard", "Practitioner/1", AT)
    assert review_of(review_response(review)) == review


def test_a_card_comes_later_the_better_it_was_known_and_the_same_answers_give_the_same_day():
    sittings, scripts = [sat((Guess(WRONG, 90),))], {CASE.id: CASE}

    def due(rating: str) -> datetime:
        said = [Review("r", CASE.id, "potassium-first", rating, "Practitioner/1", AT + timedelta(hours=1))]
        found = {one.concept.id: one for one in cards(sittings, said, scripts, AT + timedelta(days=1))}
        assert found["three-of-dka"].asked == 0 and found["potassium-first"].asked == 1
        return found["potassium-first"].at

    assert due("again") <= due("hard") < due("good") < due("easy") == due("easy")


def test_cards_of_a_case_that_is_gone_are_not_asked():
    assert cards([sat((Guess(WRONG, 90),))], [], {}, AT) == []


def test_confidence_is_compared_with_the_truth_band_by_band():
    done = finished([sat((Guess(RIGHT, 70), Guess(WRONG, 10)))], {CASE.id: CASE})
    assert [(one.count, one.sure, one.right) for one in bands(done)] == [(3, 0.1, 0.0), (3, pytest.approx(0.7), 1.0)]


def test_a_change_is_told_of_new_cases_only_once_there_are_enough():
    scripts = {f"case-{at}": encoded_as(f"case-{at}") for at in range(6)}
    bad, good = (Guess(WRONG, 90),), (Guess(RIGHT, 90),)
    done = [sat(bad if at < 3 else good, script=scripts[f"case-{at}"]) for at in range(6)]
    done = [replace(one, id=str(at), began=AT + timedelta(days=at)) for at, one in enumerate(done)]
    assert change(finished(done[:4], scripts)) is None
    found = change(finished([*done, replace(done[0], id="again")], scripts))
    assert found is not None and found.cases == 3 and found.after > found.before


def encoded_as(id: str):
    return script_of(encoded(CASE).replace(f"id: {CASE.id}", f"id: {id}", 1))


def test_difficulty_of_one_answer_is_where_its_surprise_meets_the_prior():
    found = rasch([(0, 0, True)], 1, 1)
    ability = found.ability[0]
    assert found.difficulty[0] == pytest.approx(-ability)
    assert ability / PRIOR**2 == pytest.approx(1 / (1 + exp(2 * ability)))


def test_difficulties_that_are_known_are_found_again():
    draw, hard = Random(4), (-1.5, -0.5, 0.5, 1.5)
    people = [draw.gauss(0, 1) for _ in range(400)]
    told = [
        (who, item, draw.random() < 1 / (1 + exp(difficulty - able)))
        for who, able in enumerate(people)
        for item, difficulty in enumerate(hard)
    ]
    found = rasch(told, len(people), len(hard))
    for told_as, true, error in zip(found.difficulty, hard, found.difficulty_error, strict=True):
        assert abs(told_as - true) < 3 * error and error < 0.3


def test_the_shipped_cases_are_whole_and_each_ends_at_its_diagnosis():
    assert len(shipped()) >= 4
    for script in shipped().values():
        again, faults = checked(encoded(script))
        assert again == script and faults == [] and script.origin == "composed"
        assert script.path[-1].ranking[0] == script.diagnosis and script.sources


@pytest.mark.parametrize(
    ("change", "place", "words"),
    [
        (("diagnosis: E10.1", "diagnosis: Z99.9"), "diagnosis", "Z99.9"),
        (("kind: history", "kind: presentation"), "steps", "in this order"),
        (("- id: glucose", "- id: gas"), "tests", "'gas' stands twice"),
        (("after: ketones", "after: potatoes"), "path.potatoes", "neither a step nor a test"),
        (("cost: 600\n", "cost: -5\n"), "tests[0].cost", "Expected"),
        (("currency: CNY", "currency: [CNY"), "line", "not YAML"),
        (("level: student", "level: wizard"), "level", "wizard"),
        (("version: 1", "versoin: 1"), "", "versoin"),
    ],
)
def test_each_fault_of_a_case_is_named_by_its_place(change, place, words):
    _, faults = checked(encoded(CASE).replace(*change, 1))
    assert any(one.path.startswith(place) and words in one.text for one in faults), faults


@given(st.text(max_size=200))
def test_any_text_is_answered_with_faults_never_with_a_crash(text):
    script, faults = checked(text)
    assert script is None and faults
