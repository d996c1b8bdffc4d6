"""Everyone held out once: who answers whom, and what is judged."""

import csv
from pathlib import Path

import numpy as np
import pytest

from salus.base.errors import Invalid
from salus.learning.learn import Learned, learn_table
from salus.learning.run import Run
from salus.learning.step2_prepare.split import parts
from salus.learning.step5_evaluate.figures import Rotation
from salus.learning.step5_evaluate.measures import Answers, chance_of_ece, ece
from salus.learning.task import Budget, Split, Trust

PEOPLE = 300


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Learned:
    folder, chance = tmp_path_factory.mktemp("rotation"), np.random.default_rng(2)
    x = chance.normal(size=(PEOPLE, 3))
    ill = x[:, 0] + x[:, 1] + 0.7 * chance.normal(size=PEOPLE) > 0.5
    with (folder / "ward.csv").open("w", newline="", encoding="utf-8") as file:
        rows = [
            [f"p{i // 2}", *one, ["n", "s"][i % 2], "yes" if y else "no"]
            for i, (one, y) in enumerate(zip(x, ill, strict=True))
        ]
        csv.writer(file).writerows([["who", "a", "b", "c", "ward", "ill"], *rows])
    return learn_table(
        folder / "ward.csv",
        "ill",
        folder / "registry",
        subject="who",
        families=["logistic"],
        budget=Budget(seconds=0),
        split=Split(folds=3),
        trust=Trust(groups=["ward"]),
    )


def test_everyone_is_held_out_once_and_no_subject_stands_on_both_sides() -> None:
    subject = [f"p{i // 3}" for i in range(300)]
    label = ["yes" if i % 5 == 0 else "no" for i in range(300)]
    found = [
        np.array(parts(Split(folds=4, fold=fold), subject, label, np.zeros(300, np.int64), np.zeros(300, np.int64)))
        for fold in range(4)
    ]
    held = np.array([one == "test" for one in found])

    assert [1] * 300 == held.sum(axis=0).tolist()
    for one in held:
        names = np.array(subject)
        assert not set(names[one]) & set(names[~one])
        assert 60 / 4 == len(set(names[one & (np.array(label) == "yes")]))


def test_all_rows_are_judged_together_and_fold_by_fold(learned: Learned) -> None:
    found = Run(learned.run).read("step5_evaluate", "rotation.json", Rotation)
    pooled, each = found.figures["auroc"], [one["auroc"].value for one in found.each]

    assert (3, PEOPLE, PEOPLE // 2, ["logistic"] * 3) == (found.folds, found.rows, found.subjects, found.families)
    assert 0.8 < min(each) <= pooled.value <= max(each) + 0.02
    assert pooled.low < pooled.value < pooled.high
    assert {"n", "s"} <= {one.name for one in found.subgroups if one.by == "ward"}
    assert {"all", "class", "ward"} <= {one.by for one in found.coverage}
    assert 0 < found.chance["ece"] < 0.1


def test_the_report_says_it_and_the_folds_leave_no_files(learned: Learned) -> None:
    assert (
        "Everyone held out once, in 3 folds (300 rows of 150 subjects" in (learned.run / "report.en.html").read_text()
    )
    assert "轮流留出每个人，共 3 折" in (learned.run / "report.zh.html").read_text("utf-8")
    assert [] == list((learned.run / "folds").iterdir())


def test_chance_alone_makes_a_perfect_model_look_that_far_off() -> None:
    chance = np.random.default_rng(4)
    p = chance.beta(1, 6, 1500)
    drawn = [ece(Answers(p, chance.random(1500) < p), np.ones(1500)) for _ in range(300)]

    assert chance_of_ece(p) == pytest.approx(np.mean(drawn), rel=0.05)


@pytest.mark.parametrize(("split", "words"), [(Split(folds=3, fold=3), "no fold 3 of 3"), (Split(folds=1), "1 folds")])
def test_folds_that_cannot_be_are_refused(split: Split, words: str) -> None:
    from salus.learning.task import Label, Task, When, faults_of

    both = {"en": "?", "zh": "？"}
    task = Task(name="t", kind="binary", question=both, when=When(events=["A"]), label=Label(codes=["B"]), split=split)

    assert words in " ".join(issue.text for issue in faults_of(task))


def test_a_file_to_judge_on_and_folds_do_not_go_together(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="nobody is held out in turn"):
        learn_table(tmp_path / "a.csv", "ill", tmp_path, test=tmp_path / "b.csv", split=Split(folds=5))
