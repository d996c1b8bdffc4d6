"""Measures and intervals: against scikit-learn's answers, and against their own definitions."""

import numpy as np
import pytest
from sklearn import metrics

from salus.learning.models.family import Setting
from salus.learning.step4_train.calibrate import calibrate
from salus.learning.step4_train.intervals import isotonic_at, steps_of
from salus.learning.step5_evaluate.bootstrap import figures_of
from salus.learning.step5_evaluate.curves import calibration_bins, decision_curve
from salus.learning.step5_evaluate.many import MULTICLASS, NUMBER, Choices, Values
from salus.learning.step5_evaluate.measures import BINARY, Answers

CHANCE = np.random.default_rng(4)
P = np.round(CHANCE.random(300), 2)
YES = CHANCE.random(300) < P
W = CHANCE.integers(0, 4, 300).astype(float)
SAID = P >= 0.6

REFERENCE = {
    "auroc": metrics.roc_auc_score(YES, P, sample_weight=W),
    "auprc": metrics.average_precision_score(YES, P, sample_weight=W),
    "accuracy": metrics.accuracy_score(YES, SAID, sample_weight=W),
    "precision": metrics.precision_score(YES, SAID, sample_weight=W),
    "recall": metrics.recall_score(YES, SAID, sample_weight=W),
    "specificity": metrics.recall_score(~YES, ~SAID, sample_weight=W),
    "f1": metrics.f1_score(YES, SAID, sample_weight=W),
    "brier": metrics.brier_score_loss(YES, P, sample_weight=W),
}


@pytest.mark.parametrize("name", REFERENCE)
def test_a_measure_is_what_scikit_learn_says(name: str) -> None:
    assert REFERENCE[name] == pytest.approx(BINARY[name](Answers(P, YES, 0.6), W))


def test_a_weight_of_two_is_the_row_twice() -> None:
    twice = np.repeat(np.arange(300), W.astype(int))
    for measure in BINARY.values():
        plain = measure(Answers(P[twice], YES[twice], 0.6), np.ones(len(twice)))

        assert plain == pytest.approx(measure(Answers(P, YES, 0.6), W), abs=1e-6)


def test_true_probabilities_have_slope_one_and_intercept_zero() -> None:
    p = np.clip(np.random.default_rng(1).random(20_000), 0.02, 0.98)
    yes = np.random.default_rng(2).random(20_000) < p
    found = figures_of(Answers(p, yes), {k: BINARY[k] for k in ("slope", "intercept")}, np.arange(20_000))

    assert found["slope"].low < 1 < found["slope"].high
    assert found["intercept"].low < 0 < found["intercept"].high


def test_many_classes_are_measured_as_scikit_learn_does() -> None:
    p = CHANCE.dirichlet([1, 1, 1, 1], 200)
    truth = np.array([CHANCE.choice(4, p=row) for row in p])
    one, choices = np.ones(200), Choices(p, truth)

    assert metrics.accuracy_score(truth, p.argmax(1)) == pytest.approx(MULTICLASS["accuracy"](choices, one))
    assert metrics.f1_score(truth, p.argmax(1), average="macro") == pytest.approx(MULTICLASS["macro_f1"](choices, one))
    assert metrics.log_loss(truth, p) == pytest.approx(MULTICLASS["log_loss"](choices, one))
    assert metrics.top_k_accuracy_score(truth, p, k=3) == pytest.approx(MULTICLASS["top3"](choices, one))
    assert metrics.roc_auc_score(truth, p, multi_class="ovr") == pytest.approx(MULTICLASS["macro_auroc"](choices, one))


def test_numbers_are_measured_by_their_errors() -> None:
    values, one = Values(np.array([1.0, 2.0, 5.0]), np.array([2.0, 2.0, 3.0])), np.ones(3)

    assert (1 + 0 + 2) / 3 == NUMBER["mae"](values, one)
    assert ((1 + 0 + 4) / 3) ** 0.5 == NUMBER["rmse"](values, one)


def test_rows_of_one_subject_are_drawn_together() -> None:
    yes = np.repeat([True, False], 50)
    spread = figures_of(Answers(yes.astype(float), yes, 0.5), {"f1": BINARY["recall"]}, np.zeros(100, dtype=int))

    assert (1.0, 1.0, 1.0) == (spread["f1"].value, spread["f1"].low, spread["f1"].high)


def isotonic_by_hand(score: np.ndarray, hit: np.ndarray, new: float, label: float) -> float:
    """Pool adjacent violators over the scores with the new one put in."""
    pairs = sorted([*zip(score, hit, strict=True), (new, label)])
    levels = sorted({s for s, _ in pairs})
    blocks = [[sum(h for s, h in pairs if s == level), sum(s == level for s, _ in pairs), level] for level in levels]
    pooled: list[list[float]] = []
    for block in blocks:
        pooled.append(block)
        while len(pooled) > 1 and pooled[-2][0] / pooled[-2][1] >= pooled[-1][0] / pooled[-1][1]:
            last = pooled.pop()
            pooled[-1] = [pooled[-1][0] + last[0], pooled[-1][1] + last[1], last[2]]
    return next(total / count for total, count, top in pooled if new <= top)


def test_venn_abers_is_the_isotonic_fit_with_the_new_row_as_a_miss_and_as_a_hit() -> None:
    score = np.round(CHANCE.random(60), 1)
    hit = (CHANCE.random(60) < score).astype(float)
    levels = np.unique(score)
    rows = np.array([(score == level).sum() for level in levels], dtype=float)
    hits = np.array([hit[score == level].sum() for level in levels])
    for i, level in enumerate(levels):
        by_hand = tuple(isotonic_by_hand(score, hit, level, label) for label in (0.0, 1.0))

        assert by_hand == pytest.approx(isotonic_at(rows, hits, i))


def test_an_interval_holds_the_probability_and_narrows_with_more_rows() -> None:
    widths = []
    for n in (100, 10_000):
        chance = np.random.default_rng(n)
        p = chance.random(n)
        steps = steps_of(p, chance.random(n) < p)
        low, high = steps.interval(0.4)
        widths.append(high - low)

        assert low <= 0.4 <= high
    assert widths[1] < widths[0]


def test_intervals_hold_the_true_rate_of_nearly_every_bin() -> None:
    chance = np.random.default_rng(8)
    p = chance.random(5000)
    steps = steps_of(p, chance.random(5000) < p**2)
    inside = [steps.interval(q)[0] - 0.05 <= q**2 <= steps.interval(q)[1] + 0.05 for q in np.linspace(0.02, 0.98, 97)]

    assert 0.95 < np.mean(inside)


def test_calibration_mends_margins_that_are_too_bold() -> None:
    chance = np.random.default_rng(5)
    z = chance.normal(size=(5000, 1))
    y = (chance.random(5000) < 1 / (1 + np.exp(-z[:, 0] - 1))).astype(int)
    line = calibrate(z * 3, y, Setting("binary"))

    assert 1 / 3 == pytest.approx(line.slope, rel=0.1)
    assert 1 == pytest.approx(line.shift[0], abs=0.1)


def test_the_calibration_picture_counts_every_row_once() -> None:
    assert 300 == sum(one.rows for one in calibration_bins(Answers(P, YES)))


def test_treating_all_is_worth_the_share_of_cases_less_the_false_alarms() -> None:
    first = decision_curve(Answers(P, YES), P, np.arange(300))[0]
    share = YES.mean()

    assert share - (1 - share) * 0.01 / 0.99 == pytest.approx(first.everyone)


def test_calibration_without_skill_still_tells_people_apart() -> None:
    chance = np.random.default_rng(6)
    z, y = chance.normal(size=(300, 1)), (chance.random(300) < 0.1).astype(int)

    assert calibrate(z, y, Setting("binary")).slope > 0.05
