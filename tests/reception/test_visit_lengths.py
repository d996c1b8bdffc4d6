"""What is known of how long visits take, and the plays of a day that are drawn from it."""

from itertools import count

import numpy as np
import pytest

from salus.services.reception.habits import HABIT, habits_of, learned, mood_of
from salus.services.reception.lengths import Pace, drawn
from salus.services.reception.playing import ANYONE, Line, calls

A, B, NEW = "Practitioner/a", "Practitioner/b", "Practitioner/new"


def days(doctor: int, minutes: float, mood: float = 0.0, many: int = 10, visits: int = 20) -> list[list[float]]:
    draws = np.random.default_rng(doctor)
    means = np.log(minutes) + draws.normal(0, mood, many)
    return [np.exp(draws.normal(mean, 0.5, visits)).tolist() for mean in means]


def test_what_is_learned_is_what_the_rule_of_bayes_says():
    mean, covariance = np.array([2.0, 2.5]), np.array([[0.2, 0.1], [0.1, 0.3]])
    counts, means = np.array([4, 9]), np.array([2.4, 2.2])
    found, left = learned(mean, covariance, counts, means, 0.25)
    sure = np.linalg.inv(covariance) + np.diag(counts / 0.25)
    told = np.linalg.solve(sure, np.linalg.solve(covariance, mean) + counts / 0.25 * means)
    assert left == pytest.approx(np.linalg.inv(sure)) and found == pytest.approx(told)


def test_visits_of_one_doctor_tell_something_of_another_and_less_than_of_their_own():
    habits = habits_of({A: days(1, 20)}, 10)
    (known, new), covariance = habits.on([A, NEW], {})
    assert known == pytest.approx(np.log(20), abs=0.1) and np.log(10) - 0.125 < new < known
    assert covariance[0, 0] < 0.02 and covariance[1, 1] > HABIT**2
    assert habits_of({}, 10).on([NEW], {})[1][0, 0] > covariance[1, 1]


def test_who_is_slow_today_is_taken_to_be_slow_where_days_are_seen_to_differ():
    moody, even = (habits_of({A: days(1, 10, mood), B: days(2, 10, mood)}, 10) for mood in (0.4, 0.0))
    slow = {A: [20.0] * 6}
    (a, b), _ = moody.on([A, B], slow)
    assert a - moody.on([A], {})[0][0] > 0.3 and abs(b - moody.on([B], {})[0][0]) < 0.1
    assert even.on([A], slow)[0][0] - even.on([A], {})[0][0] < 0.15


@pytest.mark.parametrize("mood", [0.0, 0.3])
def test_how_days_differ_is_not_taken_for_how_visits_differ(mood: float):
    many = {str(n): [np.log(day) for day in days(n, 10, mood)] for n in range(20)}
    assert mood_of(many, 0.25) == pytest.approx(mood**2, abs=0.02)


def test_visits_drawn_are_spread_as_those_seen():
    seen = days(3, 10)
    _, visits = drawn(Pace(habits_of({A: seen}, 10)), [A], [None], 400, 50, np.random.default_rng(1))
    shares = (0.1, 0.25, 0.5, 0.75, 0.9)
    assert np.quantile(visits, shares) == pytest.approx(np.quantile(np.concatenate(seen), shares), rel=0.1)


def test_the_longer_somebody_has_been_in_the_room_the_slower_a_doctor_nobody_knows_is_taken_to_be():
    made = [drawn(Pace(habits_of({}, 10)), [NEW], [one], 2000, 20, np.random.default_rng(1)) for one in (1.0, 25.0)]
    (soon, quick), (late, slow) = made
    assert slow.mean() > 1.15 * quick.mean() and (soon >= 0).all() and (late > 0).all()


def test_what_is_drawn_does_not_depend_on_the_order_in_which_doctors_are_known():
    one, other = ({A: [9.0, 12.0], B: [30.0]}, {B: [30.0], A: [9.0, 12.0]})
    first, second = (
        drawn(Pace(habits_of({}, 10), today=today), [NEW], [3.0], 50, 5, np.random.default_rng(1))
        for today in (one, other)
    )
    assert first[0].tolist() == second[0].tolist() and first[1].tolist() == second[1].tolist()


def by_hand(key: list[float], there: list[float], wished: list[int], free: list[float], visits: list[list[float]]):
    """One play, minute by minute of who is free, as a person would follow it."""
    called: dict[int, float] = {}
    turn = [iter(one) for one in visits]
    for _ in count():
        minute, doctor = min((one, n) for n, one in enumerate(free))
        own = [n for n, one in enumerate(wished) if n not in called and one in (ANYONE, doctor)]
        here = [n for n in own if there[n] <= minute]
        if minute == np.inf:
            return called
        if here:
            first = min(here, key=lambda n: (key[n], n))
            called[first] = minute
            free[doctor] = minute + next(turn[doctor])
        else:
            free[doctor] = min((there[n] for n in own), default=np.inf)


def test_plays_of_many_at_once_go_as_one_followed_by_hand():
    draws = np.random.default_rng(5)
    for doctors, people, asked in ((1, 6, 4), (2, 9, 5), (3, 14, 3)):
        wished = draws.integers(ANYONE, doctors, people)
        there = np.where(draws.random((40, people)) < 0.2, np.inf, draws.uniform(0, 60, (40, people)).round())
        there[:, people - asked :] = 0
        key = draws.integers(0, 30, (40, people)).astype(float)
        free, visits = draws.uniform(0, 9, (40, doctors)), draws.exponential(9, (40, doctors, people + 1))
        found = calls(Line(key, there, wished), asked, free, visits)
        for n in range(40):
            told = by_hand(key[n].tolist(), there[n].tolist(), wished.tolist(), free[n].tolist(), visits[n].tolist())
            assert found[n].tolist() == pytest.approx([told[one] for one in range(people - asked, people)])
