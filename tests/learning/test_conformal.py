"""Answers that cannot be ruled out hold the truth as often as promised, for each class and each large group."""

import csv
import random

import numpy as np
import pytest

from salus.learning.learn import learn_table
from salus.learning.run import Run
from salus.learning.step4_train.conformal import Ranges, Sets
from salus.learning.step4_train.conformalise import bound, ranges_of, sets_of, share_below
from salus.learning.step5_evaluate.figures import Evaluation
from salus.learning.step7_deploy import Prediction, Registry
from salus.learning.task import Budget, Trust

CHANCE = np.random.default_rng(3)


def rare(rows: int, chance: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One in ten ill; in women the marker says less. (probabilities, truth, sex)"""
    sex = np.where(chance.random(rows) < 0.3, "female", "male").astype(object)
    y = (chance.random(rows) < 0.1).astype(int)
    marker = chance.normal(size=rows) + y * np.where(sex == "male", 2.0, 0.7)
    p = 1 / (1 + np.exp(-(2 * marker - 4)))
    return np.column_stack([1 - p, p]), y, sex


def test_a_bound_is_the_rank_that_would_be_too_tight_for_one_training_set_in_ten() -> None:
    assert 22 == next(n for n in range(1, 100) if share_below(n, 0.9) > 0)
    assert 0.1 == pytest.approx(share_below(10**6, 0.9), abs=1e-3)
    tight = 0

    for _ in range(400):
        found = bound(CHANCE.random(200), np.arange(200), 0.9)
        assert found is not None
        tight += found > 0.1  # of uniform scores, 90 % reach 0.1
    assert tight < 400 * 0.14


def test_each_class_is_covered_where_all_together_would_hide_the_rare_one() -> None:
    given, y, _ = rare(20_000, np.random.default_rng(1))
    sets = sets_of(given, y, ["no", "yes"], np.arange(len(y)), {}, 0.9)

    new, truth, groups = rare(20_000, np.random.default_rng(2))
    hit = sets.members(new, {})[np.arange(len(truth)), truth]
    assert min(hit[truth == c].mean() for c in (0, 1)) > 0.89
    assert (hit & (truth == 1))[groups == "female"].sum() / (truth == 1)[groups == "female"].sum() < 0.88
    assert [] == sets.unbounded


def test_a_group_that_is_missed_gets_bounds_of_its_own() -> None:
    given, y, sex = rare(20_000, np.random.default_rng(1))
    sets = sets_of(given, y, ["no", "yes"], np.arange(len(y)), {"sex": sex}, 0.9)

    assert [("sex", "female")] == [(group.by, group.name) for group in sets.groups]
    new, truth, groups = rare(20_000, np.random.default_rng(2))
    hit = sets.members(new, {"sex": groups})[np.arange(len(truth)), truth]
    cells = [(name, c) for name in ("female", "male") for c in (0, 1)]
    assert min(hit[(groups == name) & (truth == c)].mean() for name, c in cells) > 0.88


def test_a_class_of_few_people_is_always_among_the_answers_and_named() -> None:
    y = np.array([0] * 300 + [1] * 15)
    p = np.where(y == 1, 0.8, 0.1) + CHANCE.random(315) * 0.1
    sets = sets_of(np.column_stack([1 - p, p]), y, ["no", "yes"], np.arange(315), {}, 0.9)

    assert (["yes"], 0.0) == (sets.unbounded, sets.least[1])
    assert sets.members(np.array([[0.999, 0.001]]), {}).tolist() == [[True, True]]


def test_visits_of_one_person_count_as_one() -> None:
    score = np.repeat(CHANCE.random(20), 50)

    assert bound(score, np.repeat(np.arange(20), 50), 0.9) is None
    assert bound(score, np.arange(1000), 0.9) is not None


def test_a_range_is_wide_where_numbers_were_missed_by_much() -> None:
    chance = np.random.default_rng(4)
    truth = chance.random(6000) * 10
    foretold = truth + chance.normal(size=6000) * (0.1 + truth / 5)
    ranges = ranges_of(foretold[:3000], truth[:3000], np.arange(3000), {}, 0.9)

    half = ranges.halves(foretold[3000:], {})
    hit = np.abs(foretold - truth)[3000:] <= half
    assert 0.89 < hit.mean() < 0.95
    assert min(hit[(foretold[3000:] > low) & (foretold[3000:] <= low + 3)].mean() for low in (0, 3, 6)) > 0.86
    assert ranges.half[-1] > 3 * ranges.half[1]


def test_a_wider_range_for_a_group_that_needs_it() -> None:
    chance = np.random.default_rng(5)
    group = np.where(chance.random(4000) < 0.2, "old", "young").astype(object)
    truth = chance.normal(size=4000)
    foretold = truth + chance.normal(size=4000) * np.where(group == "old", 3, 1)
    ranges = ranges_of(foretold, truth, np.arange(4000), {"age": group}, 0.9)

    assert ["old"] == [one.name for one in ranges.groups]
    assert (np.abs(foretold - truth) <= ranges.halves(foretold, {"age": group}))[group == "old"].mean() >= 0.9


def test_all_answers_or_none_are_no_answer() -> None:
    both = {"no": 0.6, "yes": 0.4}

    assert "all" == Prediction(both, answers=["no", "yes"], level=0.9).undecided
    assert "none" == Prediction(both, answers=[], level=0.9).undecided
    assert Prediction(both, answers=["no"], level=0.9).undecided is None
    assert Prediction(both).undecided is None


@pytest.fixture(scope="module", params=[False, True], ids=["one family", "a stack"])
def learned(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Registry]:
    folder, chance = tmp_path_factory.mktemp("conformal"), random.Random(6)
    with (folder / "t.csv").open("w", newline="", encoding="utf-8") as file:
        write = csv.writer(file)
        write.writerow(["id", "sex", "ward", "marker", "other", "ill"])
        for i in range(2400):
            marker, sex, ward = chance.gauss(0, 1), chance.choice(["F", "M"]), chance.choice(["east", "west"])
            ill = chance.random() < 1 / (1 + np.exp(-(2 * marker - 1)))
            row = [f"p{i}", sex, ward, f"{marker:.3f}", f"{chance.gauss(0, 1):.3f}", "yes" if ill else "no"]
            write.writerow(row)
    found = learn_table(
        folder / "t.csv",
        "ill",
        folder / "models",
        subject="id",
        name="ill",
        families=["logistic", "tree"] if request.param else ["logistic"],
        stack=bool(request.param),
        budget=Budget(seconds=0),
        trust=Trust(groups=["ward"]),
    )
    return Run(found.run), Registry(folder / "models")


def test_coverage_is_told_of_held_out_rows_by_class_and_group(learned: tuple[Run, Registry]) -> None:
    found = learned[0].read("step5_evaluate", "figures.json", Evaluation)

    assert [("all", ""), ("class", "no"), ("class", "yes")] == [(one.by, one.name) for one in found.coverage[:3]]
    assert {("sex", "F"), ("sex", "M"), ("ward", "east"), ("ward", "west")} == {
        (one.by, one.name) for one in found.coverage[3:]
    }
    assert found.coverage[0].rows == sum(one.rows for one in found.coverage[1:3])
    assert all((one.figures["covered"].value or 0) > 0.84 for one in found.coverage)
    assert 1 <= (found.coverage[0].figures["size"].value or 0) <= 2


def test_a_report_and_a_card_tell_the_coverage_in_both_languages(learned: tuple[Run, Registry]) -> None:
    run, registry = learned
    for language, words in (("en", "Answers that cannot be ruled out"), ("zh", "无法排除的答案")):
        assert words in (run.folder / f"report.{language}.html").read_text("utf-8")
        assert words in (registry.folder / "ill" / "1" / f"card.{language}.md").read_text("utf-8")


def test_a_deployed_model_says_what_it_cannot_rule_out(learned: tuple[Run, Registry]) -> None:
    model = learned[1].promoted("ill")
    assert model is not None

    def asked(marker: str) -> Prediction:
        return model.predict_row({"sex": "F", "ward": "east", "marker": marker, "other": "0"})

    assert (["yes"], 0.9) == (asked("3").answers, asked("3").level)
    assert ["no"] == asked("-3").answers
    middle = next(asked(f"{m / 10}") for m in range(-10, 20) if len(asked(f"{m / 10}").answers) != 1)
    assert middle.undecided in ("all", "none")


def test_bounds_are_plain_tables() -> None:
    sets, ranges = Sets(level=0.9, least=[0.2, 0.3]), Ranges(level=0.9, edges=[1.0], half=[0.5, 2.0])

    assert [[False, True]] == sets.members(np.array([[0.1, 0.9]]), {}).tolist()
    assert [0.5, 2.0] == ranges.halves(np.array([1.0, 1.1]), {}).tolist()
