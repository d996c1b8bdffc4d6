"""Drift: measures against outcomes, silence where nothing moved, an alarm where something did."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from salus.learning.dictionary import Feature
from salus.learning.step7_deploy.drift import drift_of, expected_accuracy, expected_auroc, place_in
from salus.learning.step7_deploy.watching import Counts, Watch, watch_of

CHANCE = np.random.default_rng(12)
FEATURES = [Feature(name=name, source=name, value="last", label={"en": name, "zh": name}) for name in ("a", "b")]


def people(rows: int, shift: float = 0, missing: float = 0.1) -> np.ndarray:
    x = CHANCE.normal(size=(rows, 2))
    x[:, 0] += shift
    x[CHANCE.random(rows) < missing, 1] = np.nan
    return x


def answers(x: np.ndarray) -> np.ndarray:
    p = 1 / (1 + np.exp(-2 * x[:, 0] + 1))
    return np.column_stack([1 - p, p])


@pytest.fixture(scope="module")
def watch() -> Watch:
    x = people(5000)
    return watch_of(x, FEATURES, {"a": 1.0, "b": 0.5}, answers(x), ("binary", 0.4))


def week(watch: Watch, x: np.ndarray) -> Counts:
    seen = Counts()
    for row, p in zip(x, answers(x)[:, 1], strict=True):
        watch.count(seen, ["a", "b"], row[None])
        seen.tell(float(p))
    return seen


def test_calibrated_probabilities_say_the_auroc_and_the_accuracy_that_outcomes_will_show() -> None:
    p = np.sort(CHANCE.beta(1, 3, 40_000))
    yes = CHANCE.random(40_000) < p

    assert roc_auc_score(yes, p) == pytest.approx(expected_auroc(p, np.ones(40_000)), abs=0.01)
    assert ((p >= 0.3) == yes).mean() == pytest.approx(expected_accuracy(p, np.ones(40_000), 0.3), abs=0.01)


def test_weeks_like_training_raise_no_alarm(watch: Watch) -> None:
    for rows in (10, 40, 100, 400):
        seen = week(watch, people(rows))

        assert [] == [one.feature for one in watch.drifts(seen) if one.alarm]
        assert not watch.expected(seen).alarm


def test_a_feature_that_moved_is_named_first(watch: Watch) -> None:
    first, second = watch.drifts(week(watch, people(300, shift=1.2)))

    assert ("a", True) == (first.feature, first.alarm)
    assert first.psi > 0.5 and 0.2 < first.js < 1
    assert not second.alarm


def test_a_feature_that_is_no_longer_recorded_is_an_alarm(watch: Watch) -> None:
    first = watch.drifts(week(watch, people(200, missing=0.6)))[0]

    assert ("b", True) == (first.feature, first.alarm)
    assert (0.1, 0.6) == (pytest.approx(first.missing_before, abs=0.02), pytest.approx(first.missing, abs=0.1))


def test_answers_that_no_longer_tell_people_apart_are_an_alarm_before_any_outcome(watch: Watch) -> None:
    same = people(400)
    same[:, 0] *= 0.2
    expected = watch.expected(week(watch, same))

    assert expected.alarm
    assert expected.auroc_before - expected.auroc > 0.1


def test_a_histogram_says_what_the_probabilities_say(watch: Watch) -> None:
    x = people(2000)
    p = np.sort(answers(x)[:, 1])

    assert expected_auroc(p, np.ones(2000)) == pytest.approx(watch.expected(week(watch, x)).auroc, abs=0.005)


def test_bins_hold_what_is_not_known_apart() -> None:
    assert [0, 0, 1, 2, 3] == place_in([1.0, 2.0], np.array([0.0, 1.0, 1.5, 9.0, np.nan])).tolist()
    assert 0 == drift_of("x", [10, 10, 0], [0, 0, 5]).psi
