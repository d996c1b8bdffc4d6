"""Subtypes of patients: found where they were planted, none where there are none, nothing told of a few people."""

import csv
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from salus.analytics.events import EVENT_SCHEMA
from salus.base.errors import Invalid, Malformed, Missing
from salus.cli import terminal
from salus.learning.subtypes.choosing import Wanted
from salus.learning.subtypes.cloud import Cloud, margin
from salus.learning.subtypes.finding import Found, find
from salus.learning.subtypes.kept import keep, kept
from salus.learning.subtypes.people import columns_of, odd_zeros, read_cells, read_people, scores_of, values_of
from salus.learning.subtypes.plane import lay_out
from salus.learning.subtypes.profiles import became, profiles_of
from salus.learning.subtypes.report import plain, report_html, write_report
from salus.learning.subtypes.stability import likeness

PLACE = Path(mkdtemp(prefix="salus-subtypes-"))
QUICK = Wanted(counts=(2, 3, 4), draws=12)
KINDS = np.array([[4.0, 0, 0], [0, 4.0, 0], [0, 0, 4.0]])


def planted(people: int = 180, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Three kinds of people, each high in one of three numbers, two more numbers that say nothing."""
    draw = np.random.default_rng(seed)
    kind = np.arange(people) % 3
    return np.hstack([KINDS[kind] + draw.normal(size=(people, 3)), draw.normal(size=(people, 2))]), kind


def written(name: str, numbers: np.ndarray, **more: list[str]) -> Path:
    path = PLACE / f"{name}.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        lines = csv.writer(file)
        lines.writerow([f"lab{i}" for i in range(numbers.shape[1])] + list(more))
        lines.writerows(
            [[f"{n:.3f}" for n in row] + list(rest) for row, *rest in zip(numbers, *more.values(), strict=True)]
        )
    return path


@cache
def three() -> tuple[Found, np.ndarray]:
    numbers, kind = planted()
    died = ["yes" if one == 0 and i % 2 else "no" for i, one in enumerate(kind)]
    path = written("three", numbers, died=died, patient=[f"p{i}" for i in range(len(kind))])
    return find(path, QUICK, "patient", ("died",), ()), kind


def test_planted_groups_are_found_and_their_number_is_right():
    found, kind = three()
    assert found.choice.chosen is not None and 3 == found.choice.chosen.count
    table = np.zeros((3, 3))
    np.add.at(table, (kind, found.answers.groups), 1)
    assert table.max(axis=1).sum() >= 0.95 * len(kind)
    assert found.choice.chosen.jaccard.min() > 0.9 and found.choice.chosen.cloud < 0.05


def test_the_outcome_takes_no_part_and_is_told_by_subtype():
    found, kind = three()
    assert not any(column.source in {"died", "patient"} for column in found.people.columns)
    group = np.bincount(found.answers.groups[kind == 0]).argmax()
    shares = {one.word: one.value for one in found.profiles[group].outcomes["died"]}
    assert 0.5 == pytest.approx(shares["yes"], abs=0.05)


def test_each_subtype_is_described_by_what_was_planted():
    found, _ = three()
    first = {(one.traits[0].column.name, one.traits[0].difference > 1) for one in found.profiles}
    assert {("lab0", True), ("lab1", True), ("lab2", True)} == first


@pytest.mark.parametrize("correlated", [0.0, 2.0], ids=["noise", "one long cloud"])
def test_where_there_are_no_groups_it_cannot_tell(correlated: float):
    draw = np.random.default_rng(5)
    numbers = draw.normal(size=(150, 5)) + correlated * draw.normal(size=(150, 1))
    found = find(written(f"none{correlated}", numbers), QUICK, None, (), ())
    assert found.choice.chosen is None and found.subtypes is None and [] == found.profiles
    for language, words in (("en", "I cannot tell: no stable groups"), ("zh", "无法判断")):
        assert words in report_html(found, "none", language)


def test_two_sexes_and_noise_are_no_subtypes():
    draw = np.random.default_rng(6)
    path = written("sexes", draw.normal(size=(150, 4)), sex=["f" if i % 2 else "m" for i in range(150)])
    assert find(path, QUICK, None, (), ()).choice.chosen is None


def test_the_order_of_the_rows_changes_nothing_and_the_seed_makes_it_certain():
    numbers, _ = planted(90)
    order = np.random.default_rng(2).permutation(90)
    quick = Wanted(counts=(3,), draws=5)
    one, other = (find(written(name, x), quick, None, (), ()) for name, x in (("a", numbers), ("b", numbers[order])))
    assert np.array_equal(one.answers.groups[order], other.answers.groups)
    assert np.array_equal(one.answers.chances[order], other.answers.chances)
    assert plain(one, "x") == plain(other, "x")
    assert np.array_equal(one.plane.at, other.plane.at)


def test_a_new_person_gets_a_subtype_with_a_probability_or_is_unlike_any(tmp_path: Path):
    found, kind = three()
    write_report(found, tmp_path, "three")
    read = kept(tmp_path)
    cells = {f"lab{i}": [f"{4.0 * (i == 0)}", "30" if i == 3 else "0", "2" if i < 3 else "0", None] for i in range(5)}
    answers = read.of(cells)
    assert np.bincount(found.answers.groups[kind == 0]).argmax() == answers.groups[0]
    assert answers.chance[0] > 0.9 and [] == answers.unlike[0]
    assert ["lab3"] == answers.unlike[1][:1]
    assert answers.chance[2] < 1 or answers.unlike[2]
    assert (-1, ["little"]) == (answers.groups[3], answers.unlike[3])
    again = read.of(found.people.cells)
    assert np.array_equal(found.answers.groups, again.groups) and found.answers.unlike == again.unlike


@pytest.mark.parametrize("method", ["kmeans", "ward", "mixture"])
def test_every_method_is_kept_and_read_back_to_the_same_bits(method: str, tmp_path: Path):
    found = find(written("m", planted(90)[0]), Wanted((3,), (method,), 5), None, (), ())
    keep(found.subtypes, tmp_path)
    answers = kept(tmp_path).of(found.people.cells)
    assert np.array_equal(found.answers.chances, answers.chances)
    assert 1.0 == pytest.approx(answers.chances.sum(axis=1).min())


def test_kept_subtypes_that_were_changed_are_refused(tmp_path: Path):
    with pytest.raises(Missing, match="holds no subtypes"):
        kept(tmp_path)
    keep(three()[0].subtypes, tmp_path)
    numbers = tmp_path / "subtypes.safetensors"
    numbers.write_bytes(numbers.read_bytes()[:-8] + bytes(8))
    with pytest.raises(Malformed, match="find the subtypes anew"):
        kept(tmp_path)


def test_nothing_is_told_of_fewer_than_five_people():
    numbers, kind = planted(60)
    columns, _ = columns_of({f"lab{i}": [str(n) for n in column] for i, column in enumerate(numbers.T)})
    groups = np.where(kind == 2, 1, kind)
    groups[:3] = 2
    died = ["yes" if i in (5, 6) else "no" for i in range(60)]
    first, second, hidden = profiles_of(columns, numbers, groups, 3, {"died": died})
    assert hidden.people is None and () == hidden.traits and {} == hidden.outcomes
    assert first.rounded and 0 == first.people % 10
    assert () == second.outcomes["died"]  # one or two people died in it
    assert () == became(["yes"] * 3 + ["no"] * 57, np.ones(60, dtype=bool))


def test_outcomes_are_shares_of_few_answers_and_means_of_many():
    inside = np.arange(60) < 30
    grades = ["1" if i % 2 else "3" for i in range(60)]
    assert [("1", 0.5), ("3", 0.5)] == [(one.word, one.value) for one in became(grades, inside)]
    (amount,) = became([str(i) for i in range(60)], inside)
    assert (None, sum(range(30)) / 30) == (amount.word, amount.value)


def test_the_report_and_its_json_leave_hidden_groups_out(tmp_path: Path):
    found, _ = three()
    hidden = profiles_of(found.people.columns, found.people.values, np.arange(180) % 180 // 88, 3, {})
    told = replace(found, profiles=hidden)
    assert hidden[2].people is None
    assert "Fewer than 5 people" in report_html(told, "t", "en") and "不足 5 人" in report_html(told, "t", "zh")
    assert plain(told, "t")["subtypes"][2] == {
        "number": 3, "people": None, "rounded": True, "hidden": True, "traits": [], "outcomes": {},
    }  # fmt: skip


def test_the_report_stands_in_both_languages_with_map_and_table(tmp_path: Path):
    found, _ = three()
    write_report(found, tmp_path, "三种<b>")
    for language, words in (("en", "distances between groups"), ("zh", "各组之间的距离")):
        page = (tmp_path / f"subtypes.{language}.html").read_text("utf-8")
        assert words in page and 2 == page.count("<svg") and "三种&lt;b&gt;" in page and "subtypes." not in page
    told = json.loads((tmp_path / "findings.json").read_bytes())
    assert 3 == told["chosen"]["groups"] and 9 == len(told["candidates"])
    rows = list(csv.DictReader((tmp_path / "people.csv").read_text("utf-8").splitlines()))
    assert "p0" == rows[0]["row"] and {"1", "2", "3"} == {row["subtype"] for row in rows}


def test_the_map_keeps_neighbours_and_is_certain_by_its_seed():
    places, kind = planted(120)[0][:, :3], np.arange(120) % 3
    plane, again = lay_out(places, 3), lay_out(places, 3)
    assert np.array_equal(plane.at, again.at) and plane.faith > 0.8
    away = np.linalg.norm(plane.at[:, None] - plane.at[None], axis=2) + np.eye(120) * 1e9
    assert (kind[plane.rows][away.argmin(axis=1)] == kind[plane.rows]).mean() > 0.9


def test_columns_are_prepared_and_those_that_say_nothing_of_a_kind_are_left_out():
    people = 60
    cells = {
        "record_id": [str(1000 + i) for i in range(people)],
        "same": ["1"] * people,
        "note": [f"word {i % 20}" for i in range(people)],
        "rarely": [None if i % 2 else "1.5" if i % 3 else "2" for i in range(people)],
        "dose": [str(np.exp(i / 8)) for i in range(people)],
        "sex": ["f" if i % 3 else "m" for i in range(people)],
    }
    columns, left_out = columns_of(cells)
    assert {"record_id": "identity", "same": "constant", "note": "words", "rarely": "missing"} == left_out
    assert ["dose", "sex = m"] == [column.name for column in columns] and columns[0].log
    scores = scores_of(columns, values_of(columns, {"dose": [None, "-1"], "sex": ["m", "?x"]}))
    assert 0 == scores[0, 0] and scores[1, 0] < -3 and 0 == scores[1, 1]


def test_zeros_where_nobody_measured_are_named_and_may_be_unknown():
    draw = np.random.default_rng(8)
    numbers = np.hstack([draw.normal(200, 30, size=(120, 1)), draw.normal(size=(120, 2))])
    numbers[:20, 0] = 0
    path = written("zeros", numbers)
    told = read_people(path, None, ())
    assert ["lab0"] == odd_zeros(told.columns, told.values)
    known = read_people(path, None, (), ("lab0",))
    assert [] == odd_zeros(known.columns, known.values) and 20 == np.isnan(known.values[:, 0]).sum()


def test_a_margin_keeps_its_values_but_has_one_hump():
    draw = np.random.default_rng(9)
    two = np.sort(np.append(draw.normal(-1, 0.3, 200), draw.normal(1, 0.3, 200)))
    edges = [-9, -0.4, 0.4, 9]
    was, now = (np.histogram(values, bins=edges)[0] for values in (two, margin(two)))
    assert was[1] < 0.1 * was[0] and now[1] > 5 * was[1]
    flat = np.sort(draw.uniform(-1.7, 1.7, 300))
    assert np.abs(margin(flat) - flat).max() < 0.2
    few = np.repeat([0.0, 1.0], 20)
    assert few.tolist() == margin(few).tolist()


def test_a_cloud_has_the_correlations_of_the_people_even_in_yes_and_no():
    draw = np.random.default_rng(10)
    scores = draw.normal(size=(800, 3)) + draw.normal(size=(800, 1))
    scores[:, :2] = scores[:, :2] > 0.5
    made = Cloud(scores).people(np.random.default_rng(1))
    assert np.corrcoef(scores.T) == pytest.approx(np.corrcoef(made.T), abs=0.1)


def test_a_task_and_its_events_give_a_table_of_people(tmp_path: Path):
    start, events = datetime(2022, 1, 1, tzinfo=UTC), []
    for number in range(60):
        one = [("MEDS_BIRTH", -9000 - 40 * number, None), *[("VISIT//AMB", day, None) for day in (100, 400)]]
        one += [
            ("LAB//a", 50, 5.0 + number % 7 / 10),
            ("LAB//b", 60, 2.0 + number % 5),
            ("ILL//1", 150 + number * 20, None),
        ]
        for code, day, value in one:
            at = start + timedelta(days=day)
            events.append(
                {"subject_id": f"p{number}", "code": code, "time": at, "numeric_value": value, "source_id": "x"}
            )
    (tmp_path / "events").mkdir()
    pq.write_table(pa.Table.from_pylist(events, schema=EVENT_SCHEMA), tmp_path / "events" / "0.parquet")
    task = tmp_path / "ill.toml"
    task.write_text(
        """name = "ill"\nkind = "binary"\n[question]\nen = "Ill?"\nzh = "得病吗？"\n[when]\nevents = ["VISIT//*"]\n"""
        """[label]\ncodes = ["ILL//1"]\nwithin_days = 365\n[features]\nwindows_days = [0]\nvalues = ["last"]\n"""
        """min_subjects = 5\n[models]\nfamilies = ["logistic"]\n""",
        "utf-8",
    )
    asked = [
        "subtypes",
        str(task),
        "--groups",
        "2",
        "--draws",
        "5",
        "--method",
        "kmeans",
        "--report",
        str(tmp_path / "out"),
    ]
    call = CliRunner()
    assert isinstance(call.invoke(terminal(["subtypes"]), asked).exception, Invalid)
    told = call.invoke(terminal(["subtypes"]), [*asked, "--events", str(tmp_path / "events"), "--language", "en"])
    assert told.exit_code in (0, 1), told.output
    cells = read_cells(tmp_path / "out" / "features.csv")
    assert 60 == len(set(cells["subject_id"])) and {"yes", "no"} == set(cells["label"])
    columns = json.loads((tmp_path / "out" / "findings.json").read_bytes())["columns"]
    assert len(columns) >= 3 and not {"label", "subject_id"} & set(columns)


def test_jaccard_is_a_share_of_those_in_either_group():
    one, other = np.array([0, 0, 0, 1, 1]), np.array([0, 0, 1, 1, 1])
    assert [[2 / 3, 1 / 5], [0, 2 / 3]] == likeness(one, other, 2).tolist()


def test_bad_questions_are_refused_in_words():
    path = written("bad", planted(60)[0], who=["a"] * 60)
    for match, more in (
        ("no column 'x'", {"outcomes": ("x",)}),
        ("several rows", {"subject": "who"}),
        ("no method", {"wanted": Wanted(methods=("magic",))}),
        ("number of groups", {"wanted": Wanted(counts=(40,))}),
        ("draws", {"wanted": Wanted(draws=2)}),
        ("at least 2 are needed", {"leave_out": ("lab0", "lab1", "lab2", "lab3")}),
    ):
        asked = {"wanted": QUICK, "subject": None, "outcomes": (), "leave_out": (), **more}
        with pytest.raises(Invalid, match=match):
            find(path, **asked)
    with pytest.raises(Invalid, match="lacks the columns"):
        three()[0].subtypes.of(read_cells(written("few", planted(60)[0][:, :2])))
    with pytest.raises(Invalid, match="at least 40"):
        find(written("small", planted(30)[0]), QUICK, None, (), ())


@pytest.mark.parametrize("seed", range(4))
def test_odd_tables_are_answered(seed: int, tmp_path: Path):
    draw = np.random.default_rng(seed)
    people = 45
    numbers = [
        draw.integers(0, 2, size=(people, 3)),
        np.repeat(draw.normal(size=(3, 4)), 15, axis=0),
        draw.standard_cauchy(size=(people, 3)) * 1e9,
        np.where(draw.random((people, 5)) < 0.3, np.nan, draw.normal(size=(people, 5))),
    ][seed]
    found = find(written(f"odd{seed}", numbers), Wanted(draws=5), None, (), ())
    write_report(found, tmp_path, "odd")
    assert {2, 3, 4} == {one.count for one in found.choice.candidates}
    assert np.isfinite(found.plane.at).all() and (tmp_path / "subtypes.zh.html").exists()


def test_the_command_finds_and_applies(tmp_path: Path):
    path, call = written("cli", planted(90)[0]), CliRunner()
    out = str(tmp_path / "out")
    asked = ["subtypes", str(path), "--groups", "3", "--method", "ward", "--draws", "5", "--report", out]
    found = call.invoke(terminal(["subtypes"]), [*asked, "--language", "zh"])
    assert 0 == found.exit_code and "3 个亚型" in found.output, found.output
    people = str(tmp_path / "new.csv")
    put = call.invoke(
        terminal(["subtypes"]), ["subtypes", "apply", out, str(path), "--out", people, "--language", "en"]
    )
    assert 0 == put.exit_code and "90 people" in put.output, put.output
    assert Path(people).read_text("utf-8") == (Path(out) / "people.csv").read_text("utf-8")
