"""The battery of the ranking: it learns, comes back with the same bits, refuses nonsense, tells true shares."""

from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from salus.base.errors import Invalid, Malformed, Unsupported
from salus.learning.models.wide import Wide
from salus.learning.ranking import Known, Wish, fit, load
from salus.learning.ranking import ridge as ridge_module
from salus.learning.ranking.choosing import EXPECTED, best_cut, called
from salus.learning.ranking.measures import f1, found_in, gain, jaccard, mean_figure, miscalibration
from salus.learning.ranking.prior import prior_of
from salus.learning.ranking.ridge import PENALTIES, out_of_fold, solution

LABELS = ("a", "b", "c", "d", "e")


def world(rows: int = 900, seed: int = 3) -> tuple[Known, np.ndarray, np.ndarray, np.ndarray]:
    """Known, labels, whose rows, and the true shares: features, the group and company decide; gaps in the features."""
    chance = np.random.default_rng(seed)
    x, group = chance.normal(size=(rows, 6)), chance.integers(0, 4, rows)
    margin = np.stack([1.5 * x[:, 0] - 1, -x[:, 1] - 1, group - 2.5, 0.8 * x[:, 2] - 2, np.full(rows, -1.5)], axis=1)
    truth = 1 / (1 + np.exp(-margin))
    y = (chance.random(truth.shape) < truth).astype(float)
    x[chance.random(x.shape) < 0.05] = np.nan
    return Known(x, csr_matrix(np.eye(4)[group])), y, np.arange(rows) // 2, truth


def test_a_ranking_learns_what_is_plainly_there():
    known, y, subject, truth = world()
    made = fit(known.rows(np.arange(600)), y[:600], LABELS, subject[:600])
    shares = made.shares(known.rows(np.arange(600, 900)))

    assert np.corrcoef(shares.ravel(), truth[600:].ravel())[0, 1] > 0.85
    assert (
        jaccard(y[600:], made.called(shares)).mean()
        > jaccard(y[600:], called(np.tile(y[:600].mean(0), (300, 1)), 0.3)).mean()
    )


def test_shares_mean_what_they_say():
    known, y, subject, _ = world(3000)
    made = fit(known.rows(np.arange(2000)), y[:2000], LABELS, subject[:2000])

    assert miscalibration(y[2000:], made.shares(known.rows(np.arange(2000, 3000)))) < 0.03


def test_a_ranking_comes_back_from_its_files_with_the_same_bits(tmp_path: Path):
    known, y, subject, _ = world()
    made = fit(known, y, LABELS, subject)
    made.save(tmp_path)
    again = load(tmp_path)

    assert made.shares(known).tobytes() == again.shares(known).tobytes()
    assert (made.labels, made.cut) == (again.labels, again.cut)


def test_a_ranking_learns_the_same_twice():
    known, y, subject, _ = world()

    assert (
        fit(known, y, LABELS, subject).shares(known).tobytes() == fit(known, y, LABELS, subject).shares(known).tobytes()
    )


def test_a_wide_matrix_gives_nearly_the_same_ranking():
    known, y, subject, _ = world()
    wide = Known(Wide.of_dense(np.nan_to_num(known.x), np.zeros(6)), known.groups)
    dense = Known(np.nan_to_num(known.x), known.groups)
    shares = [fit(one, y, LABELS, subject).shares(one) for one in (wide, dense)]

    assert np.abs(shares[0] - shares[1]).mean() < 0.02


def test_features_that_are_comparable_are_left_as_they_are():
    known, y, subject, _ = world()
    words = Wide.of_dense(np.maximum(np.nan_to_num(known.x), 0), np.zeros(6))
    made = fit(Known(words, known.groups), y, LABELS, subject, Wish(scaled=False))

    assert made.forms[0].scale.tolist() == [1.0] * 6
    with pytest.raises(Invalid):
        fit(known, y, LABELS, subject, Wish(scaled=False))


def test_several_views_of_a_row_speak_each_for_itself(tmp_path: Path):
    known, y, subject, truth = world()
    halves = Known(known.x[:, :1], known.groups, more=(known.x[:, 1:],))
    made = fit(halves.rows(np.arange(600)), y[:600], LABELS, subject[:600])
    shares = made.shares(halves.rows(np.arange(600, 900)))
    made.save(tmp_path)

    assert np.corrcoef(shares.ravel(), truth[600:].ravel())[0, 1] > 0.85
    assert shares.tobytes() == load(tmp_path).shares(halves.rows(np.arange(600, 900))).tobytes()


def test_hints_of_what_was_done_before_are_weighed():
    known, y, subject, _ = world()
    before = np.where(np.random.default_rng(1).random(y.shape) < 0.9, y, 1 - y)
    without, hinted = fit(known, y, LABELS, subject), fit(Known(known.x, known.groups, (before,)), y, LABELS, subject)
    shares = hinted.shares(Known(known.x, known.groups, (before,)))

    assert f1(y, hinted.called(shares)).mean() > f1(y, without.called(without.shares(known))).mean() + 0.1


@pytest.mark.parametrize(
    "spoil",
    [
        lambda known, y, subject: (known, y[:-1], subject),
        lambda known, y, subject: (known, y * 2, subject),
        lambda known, y, subject: (known, np.where(np.arange(5) == 2, 0.0, y), subject),
        lambda known, y, subject: (known, y, np.zeros(len(y))),
        lambda known, y, subject: (Known(known.x + np.inf, known.groups), y, subject),
    ],
)
def test_nonsense_is_refused(spoil):
    known, y, subject, _ = world()
    known, y, subject = spoil(known, y, subject)

    with pytest.raises(Invalid):
        fit(known, y, LABELS, subject)


def test_one_label_is_no_ranking_and_other_features_are_not_answered():
    known, y, subject, _ = world()

    with pytest.raises(Invalid):
        fit(known, y[:, :1], ("a",), subject)
    with pytest.raises(Invalid):
        fit(known, y, LABELS, subject).shares(Known(known.x[:, :3], known.groups))


def test_files_of_something_else_are_refused(tmp_path: Path):
    (tmp_path / "ranking.json").write_text("{}")

    with pytest.raises(Malformed):
        load(tmp_path)


def test_few_rows_and_few_features_are_solved_the_same():
    known, y, _, _ = world(40)
    z = np.nan_to_num(known.x)
    wide = np.hstack([z, np.zeros((40, 60))])
    few, many = (solution(one, y, 0.1) for one in (z, wide))

    assert np.allclose(few[0], many[0][:6]) and np.allclose(few[1], many[1])
    assert np.allclose(few[0], np.linalg.solve(z.T @ z + 0.1 * (z**2).sum() / 40 * np.eye(6), z.T @ (y - y.mean(0))))


def test_the_penalty_is_chosen_by_rows_that_were_not_seen():
    chance = np.random.default_rng(0)
    z, y = chance.normal(size=(60, 200)), (chance.random((60, 3)) < 0.3).astype(float)

    assert out_of_fold(z, y, np.arange(60) % 5)[1] == PENALTIES[-1]


def test_rows_out_of_fold_are_scored_by_the_others_alone():
    chance = np.random.default_rng(1)
    y, fold = (chance.random((50, 3)) < 0.4).astype(float), np.arange(50) % 5
    for z in (chance.normal(size=(50, 8)), csr_matrix(chance.normal(size=(50, 80)) > 1, dtype=float)):
        scores, penalty = out_of_fold(z, y, fold)
        own = fold != 2
        plain = z.toarray() if hasattr(z, "toarray") else z
        unit = penalty * (plain**2).sum() / 50
        product = plain[own] @ plain[own].T + unit * np.eye(40)
        weights = plain[own].T @ np.linalg.solve(product, y[own] - y[own].mean(axis=0))

        assert np.allclose(plain[~own] @ weights + y[own].mean(axis=0), scores[~own])


def test_what_no_machine_solves_is_said(monkeypatch):
    monkeypatch.setattr(ridge_module, "MOST", 10)

    with pytest.raises(Unsupported):
        solution(np.ones((20, 20)), np.ones((20, 2)), 0.1)


def test_the_share_of_a_group_is_drawn_to_that_of_everybody():
    groups, y = np.array([[1.0, 0], [1, 0], [0, 1], [0, 0]]), np.array([[1.0], [1], [0], [0]])
    prior = prior_of(groups, y, pull=2.0)

    assert prior.shares.tolist() == [[(2 + 2 * 0.5) / (2 + 2)], [(0 + 2 * 0.5) / (1 + 2)]]
    assert prior.of(groups)[3].tolist() == [0.5]
    assert prior.of(np.array([[1.0, 1.0]]))[0, 0] == pytest.approx((3 / 4 + 1 / 3) / 2)


def test_as_many_are_called_as_make_the_expected_f1_greatest():
    shares = np.array([[0.9, 0.8, 0.1, 0.0], [0.3, 0.1, 0.1, 0.1]])

    assert called(shares, EXPECTED).tolist() == [[1, 1, 0, 0], [1, 0, 0, 0]]
    assert called(shares, 0.5).tolist() == [[1, 1, 0, 0], [1, 0, 0, 0]]
    assert best_cut(shares, called(shares, EXPECTED)) in (EXPECTED, 0.3, 0.2, 0.12)


def test_measures_are_means_over_rows():
    done, told = np.array([[1.0, 1, 0], [0, 0, 0]]), np.array([[1.0, 0, 0], [0, 0, 0]])

    assert jaccard(done, told).tolist() == [1 / 2, 1.0]
    assert f1(done, told).tolist() == [2 * 1 / 3, 1.0]
    assert found_in(done, np.array([[0.1, 0.2, 0.3], [0, 0, 0]]), 2).tolist() == [1 / 2, 1.0]


def test_a_difference_has_an_interval_by_subjects():
    better = gain(np.full(40, 0.5), np.full(40, 0.4), np.arange(40) // 2)

    assert (better.value, better.low, better.high) == pytest.approx((0.1, 0.1, 0.1))
    spread = mean_figure(np.arange(40) % 2 * 1.0, np.arange(40))
    assert spread.low < spread.value < spread.high
