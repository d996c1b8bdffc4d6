"""Measures of foretold times to event, against scikit-survival's answers, plain sums, and what must hold."""

import importlib.util
import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from salus.learning.step5_evaluate.lasting import removed_by
from salus.learning.step5_evaluate.lifecurves import tenths, thirds
from salus.learning.step5_evaluate.lifetimes import SURVIVAL, Lifetimes, by_horizon, integrated_brier
from salus.learning.step5_evaluate.measures import auroc
from salus.learning.survival.follow import Follow

HERE = Path(__file__).parent
GOLDEN = json.loads((HERE / "golden.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def lives() -> Lifetimes:
    script = importlib.util.spec_from_file_location("golden_survival", HERE / "golden.py")
    assert script is not None and script.loader is not None
    golden = importlib.util.module_from_spec(script)
    script.loader.exec_module(golden)
    time, event, risk = golden.rows()
    return Lifetimes(risk, Follow(time, event), np.array(golden.TIMES))


def one(lives: Lifetimes) -> np.ndarray:
    return np.ones(len(lives.risk))


@pytest.mark.parametrize("key", ["harrell", "uno"])
def test_concordance_is_that_of_scikit_survival(lives: Lifetimes, key: str) -> None:
    assert GOLDEN[key] == pytest.approx(SURVIVAL[key](lives, one(lives)), abs=1e-12)


def test_discrimination_and_brier_score_by_each_time_are_those_of_scikit_survival(lives: Lifetimes) -> None:
    seen = lives.seen(one(lives))
    found = [auroc(answers, weight) for answers, weight in zip(lives.answers, seen.T, strict=True)]

    assert GOLDEN["auroc"] == pytest.approx(found, abs=1e-12)
    assert GOLDEN["brier"] == pytest.approx(lives.brier(one(lives)).tolist(), abs=1e-12)
    assert GOLDEN["free"] == pytest.approx(lives.follow.surviving().at(lives.times).tolist(), abs=1e-12)


def test_the_integrated_score_begins_at_nothing(lives: Lifetimes) -> None:
    score = lives.brier(one(lives))
    area = (score[0] / 2 + (score[0] + score[1]) / 2 + (score[1] + score[2]) / 2 + (score[2] + score[3]) / 2) * 0.5

    assert area / 2 == pytest.approx(integrated_brier(lives, one(lives)))


def test_drawing_a_row_twice_is_having_it_twice(lives: Lifetimes) -> None:
    twice = np.append(np.arange(160), [3, 3, 77])
    weight = np.bincount(twice, minlength=160).astype(float)
    copied = lives.some(twice)
    for key, measure in SURVIVAL.items():
        if key != "ece":  # copies share a probability, so its groups may be cut elsewhere
            assert measure(copied, np.ones(163)) == pytest.approx(measure(lives, weight), abs=1e-9), key


def test_one_curve_for_all_is_chance_and_saves_nothing(lives: Lifetimes) -> None:
    curve = 1 - lives.follow.surviving().at(lives.times)
    alike = Lifetimes(np.tile(curve, (160, 1)), lives.follow, lives.times)
    found = {key: SURVIVAL[key](alike, one(lives)) for key in ("harrell", "uno", "gain", "o_e")}

    assert {"harrell": 0.5, "uno": 0.5, "gain": 0.0, "o_e": 1.0} == pytest.approx(found)


def test_without_censoring_the_measures_are_those_of_yes_and_no() -> None:
    chance = np.random.default_rng(3)
    time, risk = chance.exponential(size=90), chance.random((90, 1))
    lives = Lifetimes(risk, Follow(time, np.ones(90, dtype=bool)), np.array([0.7]))
    plain = auroc(lives.answers[0], np.ones(90))

    assert plain == pytest.approx(by_horizon(auroc)(lives, np.ones(90)))
    assert (time <= 0.7).sum() / risk.sum() == pytest.approx(SURVIVAL["o_e"](lives, np.ones(90)))


def test_thirds_and_tenths_hold_every_row_once_and_rise_with_the_risk(lives: Lifetimes) -> None:
    three, ten = thirds(lives), tenths(lives)

    assert (160, 160) == (sum(group.rows for group in three), sum(group.rows for group in ten))
    assert ["low", "middle", "high"] == [group.name for group in three]
    assert [160, 0.0] == [sum(group.at_risk[0][1] for group in three), three[0].at_risk[0][0]]
    assert three[0].foretold[-1][1] > three[1].foretold[-1][1] > three[2].foretold[-1][1]
    assert all(low.mean < high.mean for low, high in pairwise(ten))


def test_death_before_the_event_makes_it_rarer_than_it_would_be_alone() -> None:
    """Of four, one dies at 1; events at 2 and 3; the last is followed to 4."""
    lives = Lifetimes(
        np.full((4, 1), 0.5), Follow(np.array([1.0, 2, 3, 4]), np.array([False, True, True, False])), np.array([4.0])
    )
    found = removed_by(lives, np.array(["death", "event", "event", "horizon"]))

    assert found is not None
    assert 1 - 2 / 3 * 1 / 2 == pytest.approx(found.alone)
    assert 1 / 4 + 1 / 4 == pytest.approx(found.beside)
    assert removed_by(lives, np.array(["lost", "event", "event", "horizon"])) is None
