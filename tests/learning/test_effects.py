"""Effects of treatment: right where truth is known, hidden where the data cannot answer."""

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from salus.base.errors import Invalid
from salus.cli import terminal
from salus.learning.effects.average import Scores, effect, estimate, scores
from salus.learning.effects.finding import find
from salus.learning.effects.gate import checks, permuted
from salus.learning.effects.overlap import overlap, preference, widened
from salus.learning.effects.people import Asked, read_study
from salus.learning.effects.personal import autoc, by_baseline, effects, proof, slope
from salus.learning.effects.policy import grown, judged
from salus.learning.effects.study import Study, folds
from salus.learning.effects.surfaces import fit_surface, surprise


def made(count: int = 300, seed: int = 1, personal: float = 0.0, chosen: float = 0.0, corner: bool = False) -> Study:
    """Effect 1, plus `personal` times the first covariate; `chosen`: how strongly the second decides the option; with
    `corner` nearly everybody in the upper fifth of the third is treated."""
    draw = np.random.default_rng(seed)
    x = draw.normal(size=(count, 4))
    chance = 1 / (1 + np.exp(-chosen * x[:, 1]))
    chance = np.where(corner & (x[:, 2] > 0.84), 0.99, chance)
    option = (draw.random(count) < chance).astype(np.int64)
    outcome = 2 * x[:, 1] + option * (1 + personal * x[:, 0]) + draw.normal(size=count)
    return Study(x, option, outcome, ("a", "b", "c", "d"), ("usual", "new"), randomised=not chosen and not corner)


@cache
def known(count: int = 300, **more: float) -> tuple[Study, Scores]:
    """A study and its scores, worked out once for all tests."""
    study = made(count, **more)  # type: ignore[arg-type]
    return study, scores(study, 3)


def test_the_gradient_of_the_surface_is_that_of_its_value():
    draw = np.random.default_rng(3)
    x, y = draw.normal(size=(30, 3)), draw.normal(size=30)
    theta = draw.normal(size=6) * 0.3
    _, gradient = surprise(theta, x, y)
    step = 1e-6
    for at in range(6):
        more, less = theta.copy(), theta.copy()
        more[at] += step
        less[at] -= step
        numeric = (surprise(more, x, y)[0] - surprise(less, x, y)[0]) / (2 * step)
        assert gradient[at] == pytest.approx(numeric, rel=1e-4, abs=1e-6)


def test_a_surface_knows_that_it_knows_little_far_from_its_rows():
    draw = np.random.default_rng(4)
    x = draw.uniform(-1, 1, size=(150, 2))
    surface = fit_surface(x, np.sin(2 * x[:, 0]) + 0.1 * draw.normal(size=150))
    near, wide = surface.at(np.array([[0.0, 0.0], [6.0, 6.0]]))
    assert near[0] == pytest.approx(0.0, abs=0.15)
    assert wide[1] > 20 * wide[0]


def test_an_average_effect_is_found_in_a_trial_and_behind_confounding():
    for _, scored in (known(), known(chosen=0.7)):
        found = effect(scored, 1)
        assert found.low < 1 < found.high and found.error < 0.25
    naive, _ = known(chosen=0.7)
    plain = naive.outcome[naive.option == 1].mean() - naive.outcome[naive.option == 0].mean()
    assert plain > 1.5  # what the confounding would have said


def test_a_better_outcome_may_be_a_lower_one():
    study = made()
    turned = Study(study.x, study.option, -study.outcome, study.names, study.options, higher=False, randomised=True)
    assert judged(turned, scores(turned, 3)).choice.mean() == 1.0


def test_the_gate_holds_for_a_trial_and_not_where_the_options_were_never_comparable():
    assert all(one.holds for one in checks(*known()))
    hidden = find(made(chosen=6.0))
    assert "gate.equipoise" in {one.key for one in hidden.checks if not one.holds}
    assert hidden.contrasts == () and hidden.verdict is None and not hidden.passed


def test_a_negative_control_that_moves_keeps_the_results_back():
    study, scored = known(chosen=0.7)
    moved = {"shoe size": study.option * 1.0 + np.random.default_rng(1).normal(size=len(study.option)) * 0.1}
    assert "gate.controls" in {one.key for one in checks(study, scored, moved) if not one.holds}


def test_shuffled_options_look_like_an_effect_no_more_often_than_chance():
    study, scored = known()
    assert permuted(study, scored.chance) <= 3


def test_of_people_in_a_corner_where_all_were_treated_no_estimate_is_given_and_intervals_widen():
    study, found = known(900, corner=True)
    common, there = overlap(study, found), study.x[:, 2] > 1.0
    assert common.kept[there].mean() < 0.35 < 0.9 < common.kept[~there & (study.x[:, 2] < 0.6)].mean()
    wide = widened(np.ones(len(there)), found.chance, study, 1)
    assert wide[there].mean() > 1.5 * wide[study.x[:, 2] < 0.6].mean()
    assert (wide >= 1).all()


def test_the_preference_score_is_a_half_where_the_chance_is_the_usual_one():
    study = made()
    share = study.option.mean()
    asked = np.array([[1 - share, share]])
    assert preference(asked, study)[0, 0] == pytest.approx(0.5)


def test_personal_effects_come_from_a_model_only_where_it_has_proved_itself():
    same, plain = known()
    told = proof(same, plain, 1)
    assert not told.holds and effects(same, plain, 1, told).by == "baseline"
    differing, found = known(500, personal=1.5)
    proved = proof(differing, found, 1)
    assert proved.holds
    given = effects(differing, found, 1, proved)
    truth = 1 + 1.5 * differing.x[:, 0]
    assert given.by == "model" and np.corrcoef(given.value, truth)[0, 1] > 0.95


def test_a_yes_or_no_outcome_scales_the_effect_by_the_persons_own_risk():
    draw = np.random.default_rng(9)
    x = draw.normal(size=(600, 2))
    option = draw.integers(0, 2, 600)
    risk = np.clip(0.35 + 0.15 * x[:, 0], 0.02, 0.9) * (1 - 0.4 * option)
    study = Study(x, option, (draw.random(600) < risk).astype(float), ("a", "b"), ("no", "yes"), False, True)
    found = scores(study, 3)
    given = by_baseline(study, found, 1)
    assert given.by == "baseline" and np.corrcoef(given.value, -x[:, 0])[0, 1] > 0.8
    assert effect(found, 1).high < 0


def test_slope_and_autoc_are_those_of_arithmetic():
    foretold, gain = np.array([0.0, 1.0, 2.0, 3.0]), np.array([1.0, 1.0, 3.0, 3.0])
    assert slope(foretold, gain).value == pytest.approx(0.8)
    assert autoc(np.array([3.0, 1.0, 2.0])) == pytest.approx((3 + 2 + 2) / 3 - 2)
    assert estimate(np.array([1.0, 3.0])).value == 2.0


def test_a_tree_is_the_best_of_all_trees_of_two_questions():
    draw = np.random.default_rng(2)
    x = draw.normal(size=(400, 2))
    best = ((x[:, 0] > 0) ^ (x[:, 1] > 0)).astype(int)
    gains = np.stack([1.0 - best, 1.0 * best], 1)
    tree = grown(x, gains)
    assert (tree.choice(x) == best).mean() > 0.9
    assert grown(x, gains, 1).gain < tree.gain <= 400


def test_choosing_by_person_is_advised_only_where_it_is_better_on_people_it_never_saw():
    assert not judged(*known()).earned
    verdict = judged(*known(500, personal=3.0))
    assert verdict.earned and verdict.advised == verdict.worth and 0.2 < verdict.choice.mean() < 0.9


def test_folds_spread_each_option_evenly():
    study = made()
    for option in (0, 1):
        counts = np.bincount(folds(study, 5, 1)[study.option == option])
        assert counts.max() - counts.min() <= 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"x": np.full((300, 4), np.nan)}, "covariate is missing"),
        ({"outcome": np.full(300, np.nan)}, "outcome is missing"),
        ({"option": np.zeros(300, dtype=np.int64)}, "Too few people"),
        ({"outcome": np.zeros(3)}, "one row each"),
    ],
)
def test_a_study_that_cannot_be_is_refused_with_the_cure(change, words):
    good = made()
    given = {"x": good.x, "option": good.option, "outcome": good.outcome} | change
    with pytest.raises(Invalid, match=words):
        Study(given["x"], given["option"], given["outcome"], good.names, good.options)


def write(folder: Path, study: Study) -> Path:
    lines = ["ward,age,arm,result,later"]
    for at in range(len(study.outcome)):
        ward = ("north", "south", "")[at % 3]
        lines.append(f"{ward},{study.x[at, 1]:.4f},{'AB'[study.option[at]]},{study.outcome[at]:.4f},{at}")
    place = folder / "trial.csv"
    place.write_text("\n".join([*lines, "north,1,,2,3"]), "utf-8")
    return place


def run(folder: Path, study: Study, *more: str):
    asked = ["effects", str(write(folder, study)), "--treatment", "arm", "--outcome", "result", "--leave-out", "later"]
    return CliRunner().invoke(
        terminal(["effects"]), [*asked, "--report", str(folder / "out"), "--language", "zh", *more]
    )


def test_the_command_answers_in_words_and_writes_the_report_in_both_languages(tmp_path):
    told = run(tmp_path, made(), "--randomised", "--first", "A")
    assert told.exit_code == 0, told.output
    assert "各项检查均通过" in told.output and "1 行缺少方案或结局" in told.output
    kept = json.loads((tmp_path / "out" / "effects.json").read_text("utf-8"))
    assert kept["passed"] and kept["contrasts"][0]["average"]["low"] < 1 < kept["contrasts"][0]["average"]["high"]
    assert "ward = south" in kept["covariates"] and "later" not in kept["covariates"]
    assert "One option for all" in (tmp_path / "out" / "effects.en.html").read_text("utf-8")


def test_the_command_hides_what_the_gate_refuses_and_ends_with_1(tmp_path):
    told = run(tmp_path, made(chosen=6.0))
    assert told.exit_code == 1 and "结果不予显示" in told.output
    kept = json.loads((tmp_path / "out" / "effects.json").read_text("utf-8"))
    assert (kept["contrasts"], kept["policy"]) == ([], None)


def test_an_outcome_in_words_is_yes_where_it_is_said_to_be_and_columns_that_name_rows_are_left_out(tmp_path):
    study = made()
    place = write(tmp_path, Study(study.x, study.option, (study.outcome > 1).astype(float), study.names, study.options))
    text = place.read_text("utf-8").replace(",1.0000,", ",better,").replace(",0.0000,", ",worse,")
    lines = text.replace(",2,3", ",worse,3").splitlines()
    place.write_text("\n".join(f"{'row' if at == 0 else at},{line}" for at, line in enumerate(lines)), "utf-8")
    read = read_study(place, Asked("arm", "result", positive="better", leave_out=("later",)))
    assert read.study.is_binary and read.study.outcome.mean() == (study.outcome > 1).mean()
    assert read.left_out == {"row": "identity"}
    with pytest.raises(Invalid, match="say which is yes"):
        read_study(place, Asked("arm", "result"))
    with pytest.raises(Invalid, match="never 'good'"):
        read_study(place, Asked("arm", "result", positive="good"))


@pytest.mark.parametrize(
    "more", [("--first", "C"), ("--treatment", "nothing"), ("--outcome", "ward"), ("--treatment", "later")]
)
def test_a_question_that_does_not_fit_the_table_is_refused(tmp_path, more):
    told = run(tmp_path, made(), *more)
    assert isinstance(told.exception, Invalid) and not (tmp_path / "out").exists()
