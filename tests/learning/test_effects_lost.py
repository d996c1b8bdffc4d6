"""Effects where some people were lost before their outcome was known: weighted by the chance of being seen."""

import csv
import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from salus.base.errors import Invalid
from salus.cli import terminal
from salus.learning.effects.average import effect, estimate, scores
from salus.learning.effects.finding import find
from salus.learning.effects.people import Asked, read_study
from salus.learning.effects.staying import LEAST, Lived, lines, seen_chance, staying, stood_for
from salus.learning.effects.study import Study
from salus.learning.survival.follow import Follow

TREATMENTS = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "treatment-small"
NAMES = (("sick", "other"), ("usual", "new"))


def trial(count: int = 1500, seed: int = 5, informed: float = 1.0) -> tuple[Study, float]:
    """A trial in which the new treatment helps; of the new the sick leave, of the usual the healthy. And its truth."""
    draw = np.random.default_rng(seed)
    x = draw.normal(size=(count, 2))
    option = draw.integers(0, 2, count)
    rate = 0.5 * np.exp(1.2 * x[:, 0] - 0.5 * option)
    leaves = 0.35 * np.exp(informed * x[:, 0] * np.where(option == 1, 1, -1))
    event, left = draw.exponential(1 / rate), draw.exponential(1 / leaves)
    time, lost = np.minimum(np.minimum(event, left), 1.0), (left < event) & (left < 1.0)
    had = (event <= 1.0) & ~lost
    whole = np.random.default_rng(0).normal(size=100_000)
    truth = float(np.mean(np.exp(-0.5 * np.exp(1.2 * whole)) - np.exp(-0.5 * np.exp(1.2 * whole - 0.5))))
    study = Study(x, option, had.astype(float), *NAMES, higher=False, randomised=True, lived=Lived(time, lost))
    return study, truth


def kaplan_meier(study: Study) -> float:
    """The difference of risks where being lost is taken to hang on nothing."""
    follow = Follow(study.lived.time, study.outcome == 1)
    risks = [1 - float(follow.some(study.option == k).surviving().at(1.0)) for k in (0, 1)]
    return risks[1] - risks[0]


def test_where_the_sick_leave_one_treatment_weights_are_right_and_plain_curves_are_wrong():
    study, truth = trial()
    found = effect(scores(study), 1)
    assert found.low < truth < found.high
    assert abs(found.value - truth) < 0.05 < 0.08 < abs(kaplan_meier(study) - truth)


def test_where_nobody_is_lost_nothing_changes():
    study, _ = trial(400)
    whole = Study(study.x, study.option, study.outcome, *NAMES, False, True)
    none_lost = Study(*vars_of(whole), lived=Lived(study.lived.time, np.zeros(400, dtype=bool)))
    plain, weighed = scores(whole), scores(none_lost)
    assert np.allclose(plain.aipw, weighed.aipw) and (weighed.stays == 1).all()
    assert none_lost.is_binary


def vars_of(study: Study) -> tuple:
    return study.x, study.option, study.outcome, study.names, study.options, study.higher, study.randomised


def test_the_chance_of_being_seen_is_that_of_the_truth():
    study, _ = trial(4000, informed=0.8)
    model = staying(study.x, study.option, study.lived, 2)
    at = np.array([[-1.0, 0.0], [0.0, 0.0], [1.0, 0.0]])
    for option, turned in ((0, -1), (1, 1)):
        found = model.at(at, np.full(3, option), np.ones(3))
        assert found == pytest.approx(np.exp(-0.35 * np.exp(0.8 * turned * at[:, 0])), abs=0.06)
    chance = seen_chance(model, study.x, study.option, study.lived)
    assert (chance >= LEAST).all() and (chance <= 1).all()
    rough = lines(study.x, study.outcome, study.option, study.lived, chance, 2).at(study.x, study.option)
    stands = stood_for(study.outcome, study.lived, chance, rough)
    for option in (0, 1):  # the same mean, by weights or by what each stands for
        rows = study.option == option
        weight = np.where(study.lived.lost, 0, 1 / chance)[rows]
        found = estimate(stands[rows])
        assert abs(found.value - np.average(study.outcome[rows], weights=weight)) < 2 * found.error


def test_few_lost_are_lost_by_chance_and_their_covariates_say_nothing():
    study, _ = trial(60)
    lost = np.zeros(60, dtype=bool)
    lost[:5] = True
    model = staying(study.x, study.option, Lived(study.lived.time * np.where(lost, 0.5, 1), lost), 2)
    found = model.at(study.x, study.option, np.full(60, 0.9))
    assert np.ptp(found) == pytest.approx(0) and found[0] < 1


def test_a_measurement_that_was_not_taken_is_weighed_for():
    draw = np.random.default_rng(3)
    x, option = draw.normal(size=(1500, 2)), draw.integers(0, 2, 1500)
    value = 120 + 8 * x[:, 0] - 5 * option + draw.normal(size=1500)
    lost = draw.random(1500) < 1 / (1 + np.exp(-1.5 * x[:, 0] * np.where(option == 1, 1, -1)))
    given = np.where(lost, 0.0, value)
    study = Study(x, option, given, *NAMES, higher=False, randomised=True, lived=Lived(None, lost, risk=False))
    naive = value[~lost & (option == 1)].mean() - value[~lost & (option == 0)].mean()
    found = effect(scores(study), 1)
    assert abs(found.value + 5) < 0.5 < 3 < abs(naive + 5)
    assert not study.is_binary


def test_a_study_that_hardly_anybody_was_followed_through_is_refused():
    study, _ = trial(600, informed=4.0)
    found = find(study)
    fails = {one.key for one in found.checks if not one.holds}
    assert "gate.followed" in fails and found.contrasts == () and found.means == ()


def colon(folder: Path) -> Path:
    """The trial of levamisole and fluorouracil after surgery for colon cancer: a row a person, until death."""
    with gzip.open(TREATMENTS / "survival__colon.csv.gz", "rt", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["etype"] == "2"]
    place = folder / "colon.csv"
    with place.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return place


def run(table: Path, *more: str):
    asked = ["effects", str(table), "--treatment", "rx", "--report", str(table.parent / "out"), "--language", "en"]
    return CliRunner().invoke(terminal(["effects"]), [*asked, *more])


LIVED = ("--time", "time", "--event", "status", "--horizon", "1826", "--lower-is-better", "--randomised")


@pytest.mark.skipif(not TREATMENTS.exists(), reason="the public tables of treatments are not beside this checkout")
def test_the_colon_cancer_trial_is_read_as_it_was_published(tmp_path):
    told = run(colon(tmp_path), *LIVED, "--first", "Obs", "--leave-out", "rownames,id,study,etype")
    assert told.exit_code == 0, told.output
    kept = json.loads((tmp_path / "out" / "effects.json").read_text("utf-8"))
    lev, both = (one["average"] for one in kept["contrasts"])
    assert lev["low"] < 0 < lev["high"]  # levamisole alone did nothing
    assert both["high"] < 0 and -0.17 < both["value"] < -0.07  # with fluorouracil fewer died
    assert kept["lost"] > 5
    read = read_study(colon(tmp_path), Asked("rx", "status", first="Obs", time="time", horizon=1826, randomised=True))
    follow = Follow(read.study.lived.time, read.study.outcome == 1)
    plain = [1 - float(follow.some(read.study.option == k).surviving().at(1826)) for k in (0, 2)]
    assert both["value"] == pytest.approx(plain[1] - plain[0], abs=0.03)  # in a trial curves say much the same
    assert "stand for them" in (tmp_path / "out" / "effects.en.html").read_text("utf-8")


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("--time", "time"), "--event both"),
        (("--event", "status"), "--event both"),
        ((), "--outcome, or"),
        (("--outcome", "status", *LIVED), "--outcome, or"),
        ((*LIVED[:4], "--horizon", "99"), "up to 9"),
        (LIVED[:4], "above 0 up to 9"),
        (("--time", "name", *LIVED[2:]), "how long each person was followed"),
        (("--time", "time", "--event", "age", *LIVED[4:]), "yes or no"),
        (("--time", "day", *LIVED[2:]), "no column 'day'"),
    ],
)
def test_a_lifetime_that_is_said_by_halves_is_refused_with_the_cure(tmp_path, more, words):
    lines = [f"{'AB'[at % 2]},{at % 9 + 1},{at % 3 % 2},x{at % 5},{at}" for at in range(80)]
    place = tmp_path / "lives.csv"
    place.write_text("\n".join(["rx,time,status,name,age", *lines]), "utf-8")
    told = run(place, *more)
    assert isinstance(told.exception, Invalid) and words in str(told.exception)
    assert not (tmp_path / "out").exists()
