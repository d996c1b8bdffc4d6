"""What options have in common is learned from all; corners are found; each only where the data say so."""

import numpy as np
import pytest
from scipy.optimize import check_grad

from salus.learning.effects.average import Scores, best_single
from salus.learning.effects.propensity import chances, trusted, turn
from salus.learning.effects.shared import Shared, both, fit_shared, surprise, usual
from salus.learning.effects.study import Study
from salus.learning.effects.surfaces import Surfaces, fit_surface, fit_surfaces


def world(rows=360, seed=3, options=2):
    draw = np.random.default_rng(seed)
    x = draw.normal(size=(rows, 3))
    option = draw.integers(0, options, rows)
    own = 0.6 + 0.3 * x[:, 0]
    return x, option, np.sin(2 * x[:, 0]) + x[:, 1] + own * option + 0.7 * draw.normal(size=rows), own


def strangers(rows=360):
    """Two options whose outcomes have nothing in common, not even the noise."""
    draw = np.random.default_rng(3)
    x, option, noise = draw.normal(size=(rows, 3)), draw.integers(0, 2, rows), draw.normal(size=rows)
    return x, option, np.where(option == 1, 4 * np.sin(3 * x[:, 1]) + 2 * noise, x[:, 0] + 0.05 * noise)


def test_the_gradient_of_the_posterior_is_its_slope():
    x, option, outcome, _ = world(40)
    start, _ = usual(3)
    theta = start + 0.3 * np.random.default_rng(1).normal(size=len(start))
    same = both(option, option)
    assert 1e-4 > check_grad(
        lambda at: surprise(at, x, same, outcome)[0], lambda at: surprise(at, x, same, outcome)[1], theta
    )


def test_a_small_difference_is_found_more_exactly_from_what_options_have_in_common():
    x, option, outcome, truth = world()
    shared = fit_shared(x, option, outcome, 2)
    apart = Surfaces(tuple(fit_surface(x[option == k], outcome[option == k]) for k in (0, 1)))
    missed = [np.sqrt(np.mean((one.means(x)[:, 1] - one.means(x)[:, 0] - truth) ** 2)) for one in (shared, apart)]
    assert missed[0] < 0.8 * missed[1]
    mean, doubt = shared.at(x)
    inside = np.abs(mean[:, 1] - mean[:, 0] - truth) < 1.96 * np.sqrt(doubt[:, 1])
    assert inside.mean() > 0.85 and (doubt[:, 0] == 0).all()


def test_options_stand_apart_where_the_data_say_so():
    assert isinstance(fit_surfaces(*world()[:3], 2), Shared)
    assert isinstance(fit_surfaces(*strangers(), 2), Surfaces)


def test_more_options_than_two_share_what_is_common():
    x, option, outcome, own = world(400, options=3)
    mean, doubt = fit_shared(x, option, outcome, 3).at(x)
    assert mean.shape == doubt.shape == (400, 3)
    assert 0.35 > np.sqrt(np.mean((mean[:, 2] - mean[:, 0] - 2 * own) ** 2))


@pytest.mark.parametrize("shared", [True, False])
def test_far_from_everybody_the_doubt_is_greater_and_of_one_outcome_less_than_of_two(shared):
    x, option, outcome, _ = world()
    apart = Surfaces(tuple(fit_surface(x[option == k], outcome[option == k]) for k in (0, 1)))
    made = fit_shared(x, option, outcome, 2) if shared else apart
    near, far = np.zeros((1, 3)), np.full((1, 3), 6.0)
    assert made.at(far)[1][0, 1] > 2 * made.at(near)[1][0, 1]
    assert np.allclose(made.outcomes(x)[0], made.means(x)) and (made.outcomes(x)[1] > 0).all()


def cornered(rows=900, seed=5, sharp=True):
    """Nearly everybody, or nearly nobody, is treated where the sum of two covariates is extreme."""
    draw = np.random.default_rng(seed)
    x = draw.normal(size=(rows, 4))
    corner = (x[:, 0] + x[:, 1]) / np.sqrt(2)
    chance = np.where(corner > 1, 0.98, np.where(corner < -1, 0.02, 0.5)) if sharp else 1 / (1 + np.exp(-x[:, 0]))
    option = (draw.random(rows) < chance).astype(np.int64)
    return Study(x, option, draw.normal(size=rows), ("a", "b", "c", "d"), ("no", "yes"))


def test_corners_that_lie_across_two_covariates_are_found():
    study, asked = cornered(), cornered(seed=6)
    found = chances(study, asked.x)
    assert trusted(study, 7)[1] > 0.9
    held = np.abs(found[:, 1] - 0.5)
    across = np.abs(asked.x[:, 0] + asked.x[:, 1]) / np.sqrt(2)
    assert held[across > 1.3].mean() > 0.42 > 0.2 > held[across < 0.7].mean()
    assert np.allclose(found.sum(1), 1)


def test_where_there_are_no_corners_the_smooth_way_counts():
    assert trusted(cornered(sharp=False), 7)[0] > 0.9


def test_sums_and_differences_stand_beside_the_covariates():
    assert np.array_equal(turn(np.array([[1.0, 2.0, 9.0]]), np.array([0, 1])), [[1, 2, 9, 3, 1]])


@pytest.mark.parametrize(("gain", "advised"), [(0.02, 0), (0.6, 1)])
def test_what_is_better_only_by_chance_is_not_advised_for_all(gain, advised):
    study = cornered(rows=200)
    aipw = np.stack([np.zeros(200), gain + np.random.default_rng(1).normal(size=200)], 1)
    flat = np.full((200, 2), 0.5)
    found = Scores(aipw, flat, flat, flat, np.arange(200) % 5, study.outcome)
    assert best_single(study, found) == advised
