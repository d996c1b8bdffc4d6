"""Tuning: pruned, held to its time, taken up again; and weights of classes that leave probabilities honest."""

import time
from contextlib import suppress
from pathlib import Path

import msgspec
import numpy as np
import pytest

from salus.learning.attempt import Ask, Attempt, Stopped, Told
from salus.learning.models.family import FAMILIES, Matrix, Setting, family
from salus.learning.run import silent
from salus.learning.sample import Sample, load_sample
from salus.learning.step4_train.calibrate import calibrate
from salus.learning.step6_optimise.journal import Head, Journal, Line
from salus.learning.step6_optimise.search import search
from salus.learning.step6_optimise.workbench import Outcome, Workbench
from salus.learning.task import Task, task_of

WEIGHED = [name for name in FAMILIES if family(name).weighs and not family(name).series]


def task(seconds: float = 60, trials: int = 4, **models: object) -> Task:
    return task_of(
        {
            "name": "t",
            "kind": "binary",
            "question": {"en": "?", "zh": "？"},
            "when": {"events": ["*"]},
            "label": {"codes": ["x"], "within_days": 1},
            "models": models,
            "budget": {"seconds": seconds, "trials": trials},
        }
    )


def rows(count: int = 600, rate: float = 0.0, width: int = 5) -> tuple[Matrix, np.ndarray]:
    chance = np.random.default_rng(5)
    x = chance.normal(size=(count, width))
    return x, (1.5 * x[:, 0] - x[:, 1] + chance.logistic(size=count) > rate).astype(np.int64)


def sample(count: int = 600, width: int = 5) -> Sample:
    x, y = rows(count, width=width)
    return Sample(x, y, np.arange(count) % 3, Setting("binary"), np.arange(count))


def looks(name: str, params: dict, go_on: int = 99) -> list[Told]:
    """What a trial tells when it is stopped after so many looks."""
    seen: list[Told] = []

    def told(one: Told) -> bool:
        seen.append(one)
        return len(seen) < go_on

    with suppress(Stopped):
        Attempt(sample(), Ask(name, params), told).run()
    return seen


def test_trees_are_looked_at_by_rounds_and_every_family_by_folds() -> None:
    assert [0, 1, 2, 3, 4, 5] == [one.step for one in looks("lightgbm", dict(family("lightgbm").defaults))]
    assert [0, 1, 2, 3, 4, 5] == [one.step for one in looks("additive", dict(family("additive").defaults))]
    assert [3, 4, 5] == [one.step for one in looks("logistic", {"strength": 0.1})]


def test_a_trial_that_is_told_to_stop_grows_no_further() -> None:
    seen = looks("lightgbm", {**family("lightgbm").defaults, "rounds": 400}, go_on=2)

    assert [0, 1] == [one.step for one in seen]


def test_the_last_look_is_the_loss_over_all_folds() -> None:
    last = looks("logistic", {"strength": 0.1})[-1]

    assert last.last
    assert 0.4 < last.loss < 0.6


def test_a_sample_comes_back_from_its_files(tmp_path: Path) -> None:
    given = sample()
    given.save(tmp_path)

    assert given.digest() == load_sample(tmp_path).digest()


def test_a_trial_that_overruns_is_stopped_and_the_next_one_starts_afresh(tmp_path: Path) -> None:
    sample(6_000, 60).save(tmp_path)
    with Workbench(tmp_path) as bench:
        bench.attempt("logistic", {"strength": 0.1}, 60, lambda step, loss: False)  # the process has started
        started = time.monotonic()
        endless = {**family("lightgbm").defaults, "rounds": 10_000_000}
        slow = bench.attempt("lightgbm", endless, 0.3, lambda step, loss: False)
        took = time.monotonic() - started
        after = bench.attempt("logistic", {"strength": 0.1}, 60, lambda step, loss: False)

    assert "stopped" == slow.state
    assert len(slow.steps) < 3
    assert took < 120  # its rounds would take hours
    assert "done" == after.state


def test_what_a_family_refuses_is_said(tmp_path: Path) -> None:
    x, y = rows(60)
    Sample(x, np.zeros_like(y), np.arange(60) % 3, Setting("binary"), np.arange(60)).save(tmp_path)
    with Workbench(tmp_path) as bench, pytest.raises(Exception, match="All labels are the same"):
        bench.attempt("logistic", {"strength": 0.1}, 60, lambda step, loss: False)


def test_a_search_keeps_its_whole_time_and_each_familys(tmp_path: Path) -> None:
    started = time.monotonic()
    search(sample(6_000, 60), ["elastic", "forest"], task(seconds=3, trials=50), tmp_path, silent)

    assert time.monotonic() - started < 3 + 120  # 50 trials of each would take minutes
    assert {"elastic", "forest"} == {line.family for line in lines(tmp_path)}


def lines(folder: Path) -> list[Line]:
    return [msgspec.json.decode(one, type=Line) for one in (folder / "trials.jsonl").read_bytes().splitlines()[1:]]


def kept(folder: Path) -> list[tuple]:
    """Everything of the trials but the time they took."""
    return [(line.family, line.params, line.state, line.steps) for line in lines(folder)]


def test_a_search_that_was_broken_off_ends_as_one_that_was_not(tmp_path: Path) -> None:
    names, wanted = ["logistic", "tree"], task(seconds=3600, trials=7)
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    found = search(sample(), names, wanted, whole, silent)
    search(sample(), names[:1], task(seconds=3600, trials=4), broken, silent)
    with (broken / "trials.jsonl").open("ab") as file:
        file.write(b'{"family":"logistic","par')  # the power went while this was written

    assert found == search(sample(), names, wanted, broken, silent)
    assert kept(whole) == kept(broken)


def test_trials_that_do_worse_than_most_are_pruned(tmp_path: Path) -> None:
    search(sample(), ["svm"], task(seconds=3600, trials=12), tmp_path, silent)
    states = [line.state for line in lines(tmp_path)]

    assert "done" == states[0]
    assert "pruned" in states
    assert all(len(line.steps) < 3 for line in lines(tmp_path) if line.state == "pruned")


def test_what_earlier_trials_took_counts_to_the_budget(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "trials.jsonl", Head(sample=sample().digest(), weights="none"))
    journal.add("logistic", {"strength": 0.1}, Outcome("done", {3: 0.6, 4: 0.5, 5: 0.5}, 30.0))

    assert 1 == len(search(sample(), ["logistic"], task(seconds=30), tmp_path, silent))


def test_another_sample_begins_a_new_search(tmp_path: Path) -> None:
    place = tmp_path / "trials.jsonl"
    Journal(place, Head(sample="a", weights="none")).add("tree", {"depth": 3}, Outcome("done", {5: 0.5}, 1.0))

    assert 1 == len(Journal(place, Head(sample="a", weights="none")).lines)
    assert [] == Journal(place, Head(sample="b", weights="none")).lines


def test_the_best_so_far_is_told(tmp_path: Path) -> None:
    told: list[dict[str, str]] = []
    search(sample(), ["logistic"], task(trials=2), tmp_path, lambda stage, share, **slots: told.append(slots))

    assert {"family": "logistic", "loss": f"{min(one.loss for one in lines(tmp_path)):.4g}", "trials": "2"} == told[-1]


@pytest.mark.parametrize("name", WEIGHED)
def test_weights_leave_the_probabilities_honest(name: str) -> None:
    x, y = rows(20_000, rate=4.5)
    setting, params = Setting("binary"), {**family(name).defaults, "balanced": 1.0}
    learn, judge = np.arange(10_000), np.arange(10_000, 20_000)
    given = np.zeros((10_000, 1))
    for fold in range(4):
        own = learn % 4 == fold
        given[own] = family(name).fit(x[learn][~own], y[learn][~own], setting, dict(params)).margins(x[learn][own])
    line = calibrate(given, y[learn], setting)
    model = family(name).fit(x[learn], y[learn], setting, dict(params))
    raw, honest = model.margins(x[judge]), line.probabilities(model.margins(x[judge]))[:, 1]

    assert y.mean() < 0.06
    assert (1 / (1 + np.exp(-raw))).mean() > 2 * y[judge].mean()  # uncalibrated it would cry far too often ...
    truth = 1 / (1 + np.exp(4.5 - 1.5 * x[judge, 0] + x[judge, 1]))
    assert 0.85 < truth.sum() / honest.sum() < 1.15  # ... calibrated it does not


def test_weights_are_a_choice_of_the_search(tmp_path: Path) -> None:
    search(sample(), ["logistic", "bayes"], task(trials=4, weights="tuned"), tmp_path, silent)
    told = {name: [line.params.get("balanced") for line in lines(tmp_path) if line.family == name] for name in WEIGHED}

    assert {0.0, 0.5, 1.0} >= set(told["logistic"][1:])
    assert not [line for line in lines(tmp_path) if line.family == "bayes" and "balanced" in line.params]


def test_declared_weights_hold_from_the_first_trial_on(tmp_path: Path) -> None:
    search(sample(), ["logistic"], task(trials=2, weights="balanced"), tmp_path, silent)

    assert [1.0, 1.0] == [line.params["balanced"] for line in lines(tmp_path)]
