"""Several families that answer together."""

import csv
from pathlib import Path

import numpy as np
import pytest

from salus.learning.learn import learn_table
from salus.learning.models.family import Setting, family, load_model
from salus.learning.models.stack import Member, Stack, weights_of
from salus.learning.run import Run
from salus.learning.step6_optimise.chosen import Chosen
from salus.learning.step7_deploy.registry import Registry
from salus.learning.task import Budget

BINARY = Setting("binary")


def halves(rows: int = 600) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """An answer that depends on two things, and the margins of two who each know one of them."""
    chance = np.random.default_rng(5)
    x = chance.normal(size=(rows, 2))
    y = (x.sum(axis=1) + 0.5 * chance.normal(size=rows) > 0).astype(int)
    return x, y, [2 * x[:, :1], 2 * x[:, 1:], chance.normal(size=(rows, 1))]


def test_who_knows_half_each_weigh_alike_and_who_knows_nothing_weighs_nothing() -> None:
    _, y, margins = halves()

    one, other, nothing = weights_of(margins, y, BINARY)

    assert one == pytest.approx(other, rel=0.3)
    assert nothing < 0.1 * one


def test_weights_for_a_number_share_it_out() -> None:
    x, _, _ = halves()
    y = 3 * x[:, 0] + 3 * x[:, 1]

    weights = weights_of([6 * x[:, :1], 6 * x[:, 1:]], y, Setting("number", 1))

    assert [0.5, 0.5] == pytest.approx(weights, abs=0.05)


def test_a_stack_comes_back_from_its_files_and_its_parts_sum_to_its_answer(tmp_path: Path) -> None:
    x, y, _ = halves()
    members = [Member("logistic", 0.7), Member("tree", 0.4)]
    made = Stack(members, [family(one.family).fit(x, y, BINARY, dict(family(one.family).defaults)) for one in members])
    made.save(tmp_path)
    again = load_model("stack", tmp_path)

    assert made.margins(x).tobytes() == again.margins(x).tobytes()
    assert np.allclose(again.parts(x).sum(axis=2), again.margins(x))


def table(path: Path) -> Path:
    """What a line and a tree each see half of: a slope over many columns, a step in another."""
    chance = np.random.default_rng(11)
    slopes, step = chance.normal(size=(800, 8)), chance.normal(size=800)
    y = slopes.sum(axis=1) + 6.0 * ((np.abs(step) < 0.7) - 0.5) + 0.6 * chance.normal(size=800) > 0
    rows = ([*slope, b, "yes" if ill else "no"] for slope, b, ill in zip(slopes, step, y, strict=True))
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([[*"abcdefgh", "step", "ill"], *rows])
    return path


def test_a_stack_is_deployed_where_it_is_better_and_answers_with_reasons(tmp_path: Path) -> None:
    made = learn_table(
        table(tmp_path / "ward.csv"),
        "ill",
        tmp_path / "registry",
        families=["logistic", "tree"],
        stack=True,
        budget=Budget(seconds=0),
    )
    chosen = Run(made.run).read("step6_optimise", "chosen.json", Chosen)
    deployed = Registry(tmp_path / "registry").load(made.name, made.version)

    assert "stack" == chosen.family == deployed.bundle.family
    assert {part.family: part.weight for part in chosen.parts} == chosen.params
    assert len(chosen.parts) > 1
    assert {*"abcdefgh", "step"} == set(deployed.bundle.importance)
