"""How groups of people fare with a model, and a model that is not promoted by itself because of it."""

import csv
import math
import random
from pathlib import Path

import numpy as np
import pytest

from salus.base.errors import Conflict, Invalid
from salus.learning.learn import Learned, learn_table
from salus.learning.run import Run
from salus.learning.step5_evaluate.bootstrap import Figure, figures_of
from salus.learning.step5_evaluate.curves import decision_curve
from salus.learning.step5_evaluate.fairness import gaps_of
from salus.learning.step5_evaluate.figures import Evaluation, Gap
from salus.learning.step5_evaluate.measures import BINARY, Answers, calibration_line
from salus.learning.step5_evaluate.telling import beyond_chance
from salus.learning.step7_deploy import Registry
from salus.learning.task import Budget, Trust, task_of

CHANCE = np.random.default_rng(9)


def well_calibrated(rows: int) -> Answers:
    p = np.clip(CHANCE.random(rows), 0.02, 0.98)
    return Answers(p, CHANCE.random(rows) < p, 0.5)


def test_calibration_error_is_the_mean_distance_over_ten_bins() -> None:
    p = np.repeat(np.arange(10) / 10 + 0.05, 10)
    yes = np.tile(np.arange(10) < 5, 10)

    assert sum(abs(0.5 - (i / 10 + 0.05)) for i in range(10)) / 10 == pytest.approx(
        BINARY["ece"](Answers(p, yes), np.ones(100))
    )


def test_the_interval_of_a_calibration_error_holds_it() -> None:
    answers = well_calibrated(3000)
    found = figures_of(answers, {"ece": BINARY["ece"]}, np.arange(3000))["ece"]

    assert found.low <= found.value <= found.high < 0.06


def test_as_many_foretold_as_came_is_one_and_a_shift_of_nothing() -> None:
    answers, one = well_calibrated(50_000), np.ones(50_000)
    half = Answers(answers.probability / 2, answers.is_yes)

    assert 1 == pytest.approx(BINARY["o_e"](answers, one), abs=0.02)
    assert 2 == pytest.approx(BINARY["o_e"](half, one), abs=0.04)
    assert 0 == pytest.approx(BINARY["large"](answers, one), abs=0.04)
    assert BINARY["large"](half, one) > 0.5


def test_calibration_in_the_large_is_the_intercept_when_the_slope_is_held_at_one() -> None:
    z = CHANCE.normal(size=40_000)
    yes = CHANCE.random(40_000) < 1 / (1 + np.exp(-(z + 0.7)))
    answers = Answers(1 / (1 + np.exp(-z)), yes)

    assert 0.7 == pytest.approx(BINARY["large"](answers, np.ones(40_000)), abs=0.05)
    assert calibration_line(answers, np.ones(40_000))[0] == pytest.approx(0.7, abs=0.05)


def test_the_gain_of_a_decision_curve_has_an_interval_around_it() -> None:
    answers = well_calibrated(2000)
    curve = decision_curve(answers, answers.probability, np.arange(2000))
    one = curve[len(curve) // 2]

    assert one.low <= one.model - max(0, one.everyone) <= one.high
    assert one.low > 0


def test_the_gap_is_between_the_worst_and_the_best_off() -> None:
    group = np.array(["a"] * 1000 + ["b"] * 1000 + ["c"] * 1000, dtype=object)
    p = np.concatenate([np.full(1000, 0.9), np.full(500, 0.9), np.full(500, 0.1), np.full(1000, 0.9)])
    said = Answers(p, np.tile([True, False], 1500), 0.5)
    found = {gap.measure: gap for gap in gaps_of(said, "binary", {"ward": group}, np.arange(3000), {"recall": 0.3})}

    assert ("b", "a", 0.5, True) == (
        found["recall"].least,
        found["recall"].most,
        found["recall"].difference.value,
        found["recall"].too_wide,
    )
    assert 0.4 < found["recall"].difference.low < 0.5 < found["recall"].difference.high < 0.6
    assert not found["selected"].too_wide


def test_of_many_groups_two_lie_apart_by_chance() -> None:
    gap = Gap(by="ward", measure="auroc", least="a", most="b", difference=Figure(value=0.1, low=0.01, high=0.19))

    assert beyond_chance(gap, 2)
    assert not beyond_chance(gap, 5)


def test_a_group_without_cases_is_not_compared() -> None:
    group = np.array(["a"] * 100 + ["b"] * 100, dtype=object)
    said = Answers(CHANCE.random(200), np.array([True, False] * 50 + [False] * 100), 0.5)

    assert [] == list(gaps_of(said, "binary", {"ward": group}, np.arange(200), {}))


def test_a_bound_on_what_is_not_measured_is_refused() -> None:
    task = {"name": "t", "kind": "binary", "question": {"en": "?", "zh": "？"}, "when": {"events": ["V"]}}
    label = {"codes": ["I"], "within_days": 3}

    with pytest.raises(Invalid, match="beauty: of a binary task one can bound auroc, recall"):
        task_of({**task, "label": label, "trust": {"bounds": {"beauty": 0.1}}})


@pytest.fixture(scope="module")
def unfair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Learned, Registry]:
    """The marker says much of men and nothing of women."""
    folder, chance = tmp_path_factory.mktemp("fairness"), random.Random(2)
    with (folder / "t.csv").open("w", newline="", encoding="utf-8") as file:
        write = csv.writer(file)
        write.writerow(["id", "sex", "marker", "ill"])
        for i in range(1200):
            marker, sex = chance.gauss(0, 1), chance.choice(["female", "male"])
            ill = chance.random() < 1 / (1 + math.exp(-(3 * marker if sex == "male" else 0)))
            write.writerow([f"p{i}", sex, f"{marker:.3f}", "yes" if ill else "no"])
    found = learn_table(
        folder / "t.csv", "ill", folder / "models", subject="id", name="ill", families=["logistic"],
        budget=Budget(seconds=0), trust=Trust(bounds={"auroc": 0.1}),
    )  # fmt: skip
    return found, Registry(folder / "models")


def test_a_model_that_serves_one_sex_only_waits_for_a_person(unfair: tuple[Learned, Registry]) -> None:
    learned, registry = unfair

    assert not learned.promoted and registry.promoted("ill") is None
    (gap,) = registry.too_wide("ill", "1")
    assert ("sex", "auroc", "female", "male") == (gap.by, gap.measure, gap.least, gap.most)
    with pytest.raises(Conflict, match=r"ill 1 is not promoted by itself.*auroc by sex: 0\."):
        registry.promote("ill", "1")


def test_the_report_and_the_card_say_it_in_both_languages(unfair: tuple[Learned, Registry]) -> None:
    learned, registry = unfair
    for language, words in (("en", "AUROC is lower for Female than for Male"), ("zh", "AUROC：女低于男")):
        for text in (
            (learned.run / f"report.{language}.html").read_text("utf-8"),
            (registry.folder / "ill" / "1" / f"card.{language}.md").read_text("utf-8"),
        ):
            assert words in text
    assert "Not promoted by itself" in (learned.run / "report.en.html").read_text("utf-8")


def test_every_group_has_its_calibration_and_its_share_called_yes(unfair: tuple[Learned, Registry]) -> None:
    found = Run(unfair[0].run).read("step5_evaluate", "figures.json", Evaluation)

    for group in found.subgroups:
        for key in ("auroc", "recall", "specificity", "selected", "large", "o_e", "ece"):
            one = group.figures[key]
            assert one.low <= one.value <= one.high, key


def test_a_person_may_promote_it_with_a_reason_that_is_kept(unfair: tuple[Learned, Registry], tmp_path: Path) -> None:
    registry = unfair[1]
    registry.promote("ill", "1", "Only men are asked here", "li")

    (line,) = registry.promotions("ill")
    assert ("1", "li", "Only men are asked here") == (line.version, line.by, line.reason)
    assert line.despite[0].startswith("auroc by sex: 0.")
    model = registry.promoted("ill")
    assert model is not None and "1" == model.version
