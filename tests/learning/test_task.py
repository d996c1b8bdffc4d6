"""The task file: the examples of the manual are read, and every mistake is named with its key."""

import re
import tomllib
from datetime import timedelta
from pathlib import Path

import pytest

import salus.learning
from salus.base.errors import Invalid, Malformed, Missing
from salus.learning.moments import DAY_US, HOUR_US
from salus.learning.step2_prepare.cohort import Person, label_at, prediction_times, reason_to_leave_out
from salus.learning.step2_prepare.split import folds, held_out, parts
from salus.learning.task import Split, Task, read_task, task_of

MANUAL = Path(salus.learning.__file__ or "").parent / "README.md"
EXAMPLES = re.findall(r"```toml\n(.*?)```", MANUAL.read_text("utf-8"), re.DOTALL)
PLAIN = {
    "name": "t",
    "kind": "binary",
    "question": {"en": "?", "zh": "？"},
    "when": {"events": ["VISIT//*"]},
    "label": {"codes": ["ILL"], "within_days": 30},
}
D = DAY_US


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples_of_the_manual_are_good_tasks(example: str) -> None:
    assert task_of(tomllib.loads(example)).name


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": "a b"}, "'a b' must be letters"),
        ({"kind": "trinary"}, "Invalid enum value 'trinary'"),
        ({"question": {"en": "?"}}, "both languages"),
        ({"when": {}}, "say when to predict"),
        ({"when": {"event": ["X"]}}, "unknown field `event`"),
        ({"label": {"codes": [], "within_days": 3}}, "needs codes"),
        ({"label": {"codes": ["ILL"]}}, "give a horizon above 0"),
        ({"kind": "multiclass"}, "0 classes given"),
        ({"split": {"test": 1.5}}, "1.5 must lie between 0 and 1"),
        ({"features": {"values": ["median"]}}, "median: the known values are count, last"),
        ({"features": {"windows_days": [-1]}}, "windows are 0"),
    ],
)
def test_a_mistake_in_a_task_is_named(change: dict, words: str) -> None:
    with pytest.raises(Invalid, match=re.escape(words)):
        task_of({**PLAIN, **change})


def test_a_task_file_that_is_not_there_or_not_toml_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(Missing, match="no task file"):
        read_task(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text("name = ")
    with pytest.raises(Malformed, match=r"bad\.toml is not TOML"):
        read_task(tmp_path / "bad.toml")


def task(**change: dict) -> Task:
    return task_of({**PLAIN, **change})


@pytest.mark.parametrize(
    ("person", "cohort", "reason"),
    [
        (Person(birth=0, first=0), {}, None),
        (Person(birth=0, death=90 * D), {}, "dead"),
        (Person(), {"min_age": 18}, "no_birth"),
        (Person(birth=0), {"min_age": 18}, "too_young"),
        (Person(birth=-40_000 * D), {"max_age": 100}, "too_old"),
        (Person(birth=0, has=101 * D), {"has": ["X"]}, "lacks"),
        (Person(birth=0, has=100 * D), {"has": ["X"]}, None),
        (Person(birth=0, without=3 * D), {"without": ["X"]}, "excluded"),
        (Person(birth=0, first=90 * D), {"min_history_days": 30}, "short_history"),
        (Person(birth=0, labels=[(100 * D, "s", "ILL", None, None)]), {}, "already"),
        (Person(birth=0, labels=[(100 * D + 1, "s", "ILL", None, None)]), {}, None),
    ],
)
def test_who_is_left_out_at_day_100_and_why(person: Person, cohort: dict, reason: str | None) -> None:
    assert reason == reason_to_leave_out(person, 100 * D, task(cohort=cohort))


@pytest.mark.parametrize(
    ("labels", "end", "said"),
    [
        ([100 * D], 500 * D, ("no", None)),  # not after the moment
        ([100 * D + 1], 500 * D, ("yes", None)),
        ([130 * D], 500 * D, ("yes", None)),  # the last moment of the horizon counts
        ([130 * D + 1], 500 * D, ("no", None)),
        ([], 129 * D, ("", "unfinished")),  # nobody watched long enough to say no
        ([129 * D], 129 * D, ("yes", None)),  # but long enough to say yes
    ],
)
def test_what_the_label_is_within_30_days_of_day_100(labels: list[int], end: int, said: tuple) -> None:
    person = Person(birth=0, labels=[(at, "s", "ILL", None, None) for at in labels])
    found = label_at(person, 100 * D, None, end, task())

    assert said == (found.label, found.unclear)


@pytest.mark.parametrize(
    ("person", "rule", "said"),
    [
        (Person(), "end_of_data", ("no", 30.0, "horizon")),
        (Person(labels=[(110 * D, "s", "ILL", None, None)]), "end_of_data", ("yes", 10.0, "event")),
        (Person(labels=[(130 * D + 1, "s", "ILL", None, None)]), "end_of_data", ("no", 30.0, "horizon")),
        (Person(labels=[(110 * D, "s", "ILL", None, None)], death=110 * D), "end_of_data", ("yes", 10.0, "event")),
        (Person(death=105 * D, last=104 * D), "end_of_data", ("no", 5.0, "death")),
        (Person(death=105 * D, last=104 * D), "last_event", ("no", 5.0, "death")),
        (Person(last=120 * D), "last_event", ("no", 20.0, "lost")),
        (Person(last=120 * D), "end_of_data", ("no", 30.0, "horizon")),
    ],
)
def test_how_long_somebody_is_followed_within_30_days_of_day_100(person: Person, rule: str, said: tuple) -> None:
    label = {"codes": ["ILL"], "within_days": 30, "followed_until": rule}
    found = label_at(person, 100 * D, None, 500 * D, task(kind="survival", label=label))

    assert said == (found.label, found.value, found.ended)


def test_who_is_last_seen_at_the_prediction_time_is_not_followed() -> None:
    label = {"codes": ["ILL"], "within_days": 30, "followed_until": "last_event"}
    gone = label_at(Person(last=100 * D), 100 * D, None, 500 * D, task(kind="survival", label=label))
    found = label_at(Person(), 100 * D, None, 107 * D, task(kind="survival"))

    assert "unfollowed" == gone.unclear
    assert ("no", 7.0, "lost") == (found.label, found.value, found.ended)


def test_the_class_of_a_visit_is_the_first_of_its_own_encounter() -> None:
    several = task(
        kind="multiclass",
        label={"same_encounter": True, "classes": {"flu": ["F"], "cold": ["C*"]}},
    )
    found = [(1, "a", "C1", "other", None), (2, "b", "F", "e1", None), (3, "c", "C1", "e1", None)]

    assert ("flu", None) == label_at(Person(labels=found), 0, "e1", 9, several)[:2]
    assert "no_class" == label_at(Person(labels=found), 0, "e2", 9, several).unclear
    assert 24.0 == several.blind_hours


def test_a_visit_that_says_neither_yes_nor_no_is_not_over_and_nobodys_row() -> None:
    label = {"same_encounter": True, "codes": ["MISSED"], "no": ["KEPT"], "incident": False}
    found = [(1, "a", "KEPT", "e1", None), (2, "b", "MISSED", "e2", None), (2, "c", "KEPT", "e2", None)]
    answers = [label_at(Person(labels=found), 0, id, 9, task(label=label)) for id in ("e1", "e2", "e3")]

    assert [("no", None), ("yes", None), ("", "unfinished")] == [(one.label, one.unclear) for one in answers]


def test_codes_that_say_no_belong_to_a_question_about_a_visit() -> None:
    with pytest.raises(Invalid, match="codes that say no"):
        task(label={"codes": ["MISSED"], "no": ["KEPT"], "within_days": 30})


def test_prediction_times_keep_their_distance_and_the_latest_few() -> None:
    person = Person(anchors=[(day * D, None) for day in (0, 0, 5, 10, 12, 30, 45)])
    when = {"events": ["VISIT//*"], "min_gap_days": 10, "max_per_subject": 2, "offset_hours": 2}

    assert [30, 45] == [(at - 2 * HOUR_US) // D for at, _ in prediction_times(person, task(when=when))]


def test_the_same_share_of_every_label_is_held_out_and_subjects_stay_whole() -> None:
    subject = [f"p{i // 3}" for i in range(600)]
    label = ["yes" if i // 3 % 10 == 0 else "no" for i in range(600)]
    out = held_out(subject, label, 0.25, 7)
    ill = {s for s, y in zip(subject, label, strict=True) if y == "yes"}
    fold = folds(subject, label, 7)

    assert (200 * 0.25, 20 * 0.25) == (len(out), len(out & ill))
    assert out == held_out(subject[::-1], label[::-1], 0.25, 7)
    assert all(len(set(fold[i : i + 3])) == 1 for i in range(0, 600, 3))


@pytest.mark.parametrize("by", ["time", "both"])
def test_by_time_no_training_row_knows_what_comes_after_the_cut(by: str) -> None:
    import numpy as np

    at = np.arange(400) * D
    subject = [f"p{i % 50}" for i in range(400)]
    part = parts(Split(by=by), subject, ["no"] * 400, at, at + int(timedelta(days=20) / timedelta(microseconds=1)))
    train, test = ([i for i in range(400) if part[i] == name] for name in ("train", "test"))

    assert max(train) + 20 < min(test)
    assert (by == "time") == bool({subject[i] for i in train} & {subject[i] for i in test})
