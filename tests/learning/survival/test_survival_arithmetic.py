"""The arithmetic of time to event, against answers worked by hand, plain loops, and published coefficients."""

import csv
import gzip
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salus.base.errors import Invalid
from salus.learning.models.family import Setting, family
from salus.learning.survival.follow import Follow
from salus.learning.survival.grid import Grid, risks_of
from salus.learning.survival.pairs import Pairs
from salus.learning.survival.partial import Partial

DATA = Path(__file__).resolve().parents[3] / ".." / "shared" / "data"


def follow(*pairs: tuple[float, int]) -> Follow:
    return Follow.of(np.array(pairs, dtype=np.float64))


@st.composite
def followed_rows(draw: st.DrawFn) -> tuple[Follow, np.ndarray, np.ndarray]:
    """Few different times and scores, so that ties are common."""
    count = draw(st.integers(2, 14))

    def whole(most: int) -> list[int]:
        return draw(st.lists(st.integers(0, most), min_size=count, max_size=count))

    times, events, scores, weights = whole(5), whole(1), whole(4), whole(3)
    rows = np.array(list(zip([t + 1 for t in times], events, strict=True)), dtype=np.float64)
    return Follow.of(rows), np.array(scores, float), np.array(weights, float)


def test_who_stays_free_is_the_product_over_the_events():
    found = follow((2, 1), (3, 0), (4, 1), (4, 0), (6, 1)).surviving()

    assert [1, 4 / 5, 4 / 5, 4 / 5 * 2 / 3, 0] == pytest.approx(found.at([1, 2, 3, 4, 6]).tolist())
    assert [1, 4 / 5, 0.8 * 2 / 3] == pytest.approx(found.before([2, 4, 6]).tolist())


def test_at_one_time_events_come_before_censoring():
    found = follow((4, 1), (4, 0), (6, 1)).followed()

    assert [1, 1 / 2, 1 / 2] == pytest.approx(found.at([3, 4, 6]).tolist())


@given(followed_rows(), st.integers(1, 6))
@settings(max_examples=100, deadline=None)
def test_those_seen_stand_for_all_when_weighted_by_their_chance(drawn, when):
    one, _, weight = drawn
    had, free = one.known_at(when)
    seen = one.seen_weight(when, weight)
    if weight.sum() == 0 or (free & (weight > 0)).sum() == 0:
        return

    assert weight.sum() == pytest.approx(seen.sum())
    assert 1 - one.surviving(weight).at(when) == pytest.approx(seen[had].sum() / weight.sum())


def plain_concordance(one: Follow, score: np.ndarray, weight: np.ndarray, first: np.ndarray) -> float:
    right = every = 0.0
    for i in np.flatnonzero(one.event):
        for j in range(len(score)):
            later = one.time[j] > one.time[i] or (one.time[j] == one.time[i] and not one.event[j])
            if later:
                counts = weight[i] * first[i] * weight[j]
                every += counts
                right += counts * (1.0 if score[i] > score[j] else 0.5 if score[i] == score[j] else 0.0)
    return right / every if every else math.nan


@given(followed_rows())
@settings(max_examples=200, deadline=None)
def test_pairs_are_counted_as_by_two_plain_loops(drawn):
    one, score, weight = drawn
    pairs = Pairs(one, score)
    chance = one.followed(weight).before(one.time)

    assert plain_concordance(one, score, weight, np.ones(len(score))) == pytest.approx(pairs.share(weight), nan_ok=True)
    assert plain_concordance(one, score, weight, 1 / np.maximum(chance, 1e-6) ** 2) == pytest.approx(
        pairs.uno(weight), nan_ok=True
    )


def test_ties_by_efrons_way_give_the_published_answer():
    """The first test data of Therneau's validation of coxph: 1.676857 by Efron's way."""
    one = follow((9, 1), (1, 1), (1, 0), (6, 1), (6, 1), (8, 0))
    x = np.array([[0.0], [1], [1], [1], [0], [0]])

    assert [1.676857] == pytest.approx(Partial(x, one).fit().tolist(), abs=1e-6)


def rows_of(name: str) -> list[dict[str, str]]:
    place = DATA / name
    if not place.is_file():
        pytest.skip(f"the shared data set {name} is not here")
    return list(csv.DictReader(gzip.open(place, "rt", encoding="utf-8")))


def test_lung_cancer_of_veterans_has_the_coefficients_that_r_gives():
    rows = rows_of("treatment-small/survival__veteran.csv.gz")
    cells = [r["celltype"] for r in rows]
    x = np.array(
        [
            [float(r["trt"]), *(c == one for one in ("smallcell", "adeno", "large"))]
            + [float(r[k]) for k in ("karno", "diagtime", "age", "prior")]
            for r, c in zip(rows, cells, strict=True)
        ],
        dtype=np.float64,
    )
    one = follow(*((float(r["time"]), int(r["status"])) for r in rows))
    partial = Partial(x - x.mean(axis=0), one)
    found = partial.fit()

    published = [2.946e-01, 8.616e-01, 1.196e00, 4.013e-01, -3.282e-02, 8.132e-05, -8.706e-03, 7.159e-03]
    assert published == pytest.approx(found.tolist(), rel=2e-4)
    assert -474.3971 == pytest.approx(partial.value(found) * len(x), abs=1e-3)
    assert 0.736 == pytest.approx(Pairs(one, x @ found).share(np.ones(len(x))), abs=5e-4)


def test_levamisole_with_fluorouracil_saves_lives_in_the_colon_trial():
    rows = [r for r in rows_of("treatment-small/survival__colon.csv.gz") if r["etype"] == "2"]
    x = np.array([[r["rx"] == "Lev", r["rx"] == "Lev+5FU"] for r in rows], dtype=np.float64)
    one = follow(*((float(r["time"]), int(r["status"])) for r in rows))

    assert [-0.02664, -0.37171] == pytest.approx(Partial(x, one).fit().tolist(), abs=1e-5)


def test_a_sparing_penalty_drops_what_says_nothing():
    chance = np.random.default_rng(4)
    x = chance.normal(size=(500, 8))
    time = chance.exponential(np.exp(-1.0 * x[:, 0]))
    partial = Partial(x, Follow(time, chance.random(500) < 0.8))
    found, free = partial.fit(sparing=0.08), partial.fit()

    assert [True] + 7 * [False] == (np.abs(found) > 1e-9).tolist()
    assert 0 < found[0] < free[0]
    for j in range(8):  # at the top no small step gains
        for step in (-1e-4, 1e-4):
            moved = found + step * np.eye(8)[j]
            assert partial.penalised(moved, 0, 0.08) <= partial.penalised(found, 0, 0.08) + 1e-12


@given(followed_rows())
@settings(max_examples=60, deadline=None)
def test_the_slope_of_the_likelihood_is_that_of_small_steps(drawn):
    one, score, _ = drawn
    if not one.event.any():
        with pytest.raises(Invalid, match="No row had the event"):
            Partial(score[:, None], one)
        return
    partial = Partial(np.column_stack([score, score[::-1] ** 2 / 4]), one)
    at, step = np.array([0.3, -0.2]), 1e-5
    found = partial.slope(at)
    for j in range(2):
        ahead, behind = at + step * np.eye(2)[j], at - step * np.eye(2)[j]

        assert (partial.value(ahead) - partial.value(behind)) / (2 * step) == pytest.approx(found.gradient[j], abs=1e-6)
        bend = (partial.slope(ahead).gradient - partial.slope(behind).gradient) / (2 * step)
        assert (-bend).tolist() == pytest.approx(found.bend[j].tolist(), abs=1e-6)


def test_the_loss_is_the_mean_log_likelihood_of_what_was_seen():
    one = follow((0.5, 1), (1.5, 0), (2, 0))
    total = np.array([[0.2, 0.5], [0.1, 0.4], [0.3, 0.7]])
    likelihood = [1 - math.exp(-0.2), math.exp(-0.1 - 0.3 / 2), math.exp(-0.7)]

    assert -np.mean(np.log(likelihood)) == pytest.approx(Grid(one, np.array([1.0, 2.0])).loss(np.log(total)))


def test_the_line_mends_hazards_that_are_told_too_high_and_too_far_apart():
    chance = np.random.default_rng(8)
    times = np.arange(1.0, 7.0)
    log_hazard = chance.normal(size=4000)
    time = chance.exponential(np.exp(2.5 - log_hazard))
    grid = Grid(Follow(time, np.ones(4000, dtype=bool)), times)
    true = log_hazard[:, None] - 2.5 + np.log(times)
    told = true + log_hazard[:, None] + 1
    slope, shift = grid.line(told)
    mended = slope * told + np.array(shift)

    assert 0.5 == pytest.approx(slope, abs=0.06)
    assert grid.loss(true) == pytest.approx(grid.loss(mended), abs=2e-3)
    observed = 1 - grid.follow.surviving().at(6.0)
    assert observed == pytest.approx(risks_of(mended)[:, -1].mean(), abs=0.01)


def test_a_risk_never_falls_as_time_goes_by():
    found = risks_of(np.log([[0.1, 0.3, 0.2]]))[0]

    assert (np.diff(found) >= 0).all() and found[-1] == pytest.approx(1 - math.exp(-0.2))


def test_hazards_learn_what_matters_early_but_not_late():
    """Group a has its events before 1, group b after 1; by 2 both have had as many."""
    chance = np.random.default_rng(6)
    early = chance.random(800) < 0.5
    time = np.where(early, chance.uniform(0, 1, 800), chance.uniform(1, 2, 800))
    event = chance.random(800) < 0.7
    time[~event] = 2.0
    x = np.column_stack([early.astype(float), chance.normal(size=800)])
    setting = Setting("survival", times=tuple(k / 6 for k in range(1, 13)))
    for name, params in (("hazards", {"rounds": 200, "share": 1.0}), ("survival_forest", {"share": 1.0})):
        made = family(name)
        found = made.fit(x, np.column_stack([time, event]), setting, {**made.defaults, **params})
        risk = risks_of(found.margins(np.array([[1.0, 0.0], [0.0, 0.0]])))

        assert risk[0, 5] > 0.5 > 0.15 > risk[1, 5], name  # by 1
        assert 0.7 == pytest.approx(risk[0, -1], abs=0.12), name
        assert 0.7 == pytest.approx(risk[1, -1], abs=0.12), name
