"""A table in, a model out; and what is wrong with a table is said with the value and the cure."""

import csv
import gzip
import math
import random
from pathlib import Path

import msgspec
import numpy as np
import pytest

from salus.base.errors import Invalid, Malformed, Missing
from salus.learning.learn import Learned, learn_table
from salus.learning.run import Run
from salus.learning.step5_evaluate.figures import Evaluation
from salus.learning.step7_deploy import Registry
from salus.learning.task import Budget

BUDGET = Budget(seconds=0)
HEADER = ["visit_id", "person", "age", "sex", "ward_type", "icd", "symptoms", "lab", "copy_of_lab", "always", "outcome"]


def row(i: int, chance: random.Random) -> list[str]:
    """Ill when the lab is high, cough is present, or the code is one of the bad ones."""
    lab, cough = chance.gauss(5, 2), chance.choice(["cough=1", "cough=0", "fever=1"])
    code = chance.choice(["A01.1", "A01.2", "B20.0", "C34.9", "Z00"])
    score = lab - 5 + (2 if cough == "cough=1" else -1) + (2 if code.startswith("A01") else -1)
    ill = chance.random() < 1 / (1 + math.exp(-1.5 * score))
    return [
        str(10_000 + i), f"p{i // 2}", f"[{chance.randrange(2, 9)}0-90)", chance.choice(["Female", "Male"]),
        chance.choice(["1", "2", "9"]), code, f"{cough}; {chance.choice(['rash=0', 'rash=1'])}",
        f"{lab:.3f}" if chance.random() > 0.1 else "?", "", "same", "ill" if ill else "well",
    ]  # fmt: skip


def write(path: Path, rows: list[list[str]], header: list[str] = HEADER) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def ward(count: int = 700, seed: int = 5) -> list[list[str]]:
    chance = random.Random(seed)
    rows = [row(i, chance) for i in range(count)]
    for one in rows:
        one[8] = one[7]
    return rows


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> tuple[Learned, Registry]:
    folder = tmp_path_factory.mktemp("table")
    rows = ward()
    rows[10], rows[300], rows[500] = rows[10][:-2], [*rows[300], "more"], ["x"]
    data = write(folder / "ward.csv", rows)
    made = learn_table(data, "outcome", folder / "registry", subject="person", budget=BUDGET)
    return made, Registry(folder / "registry")


def test_three_bad_rows_are_named_and_the_rest_used(learned: tuple[Learned, Registry]) -> None:
    run = Run(learned[0].run)
    note = next(note for note in run.notes() if note.key == "note.bad_rows")

    assert ("3", "12, 302, 502") == (note.slots["count"], note.slots["lines"])
    assert 697 == run.rows().num_rows
    assert "302,12 cells where the header has 11" in (learned[0].run / "step1_collect" / "bad_rows.csv").read_text()


def test_useless_columns_are_left_out_and_the_reader_told(learned: tuple[Learned, Registry]) -> None:
    told = {(note.key, note.slots.get("column")) for note in Run(learned[0].run).notes()}

    assert {("note.identity", "visit_id"), ("note.twin", "copy_of_lab"), ("note.constant", "always")} <= told


def test_the_model_beats_both_baselines_on_people_it_never_saw(learned: tuple[Learned, Registry]) -> None:
    found = Run(learned[0].run).read("step5_evaluate", "figures.json", Evaluation)
    best, points = found.chosen["auroc"].value, found.baselines["points"]["auroc"].value

    assert ("binary", ["ill", "well"]) == (found.kind, sorted(found.classes))
    assert best is not None and points is not None and best > 0.8 and best > points > 0.5
    assert 0.5 == found.baselines["most_frequent"]["auroc"].value
    assert {"sex", "age"} == {group.by for group in found.subgroups}


def test_held_out_rows_are_those_of_other_people(learned: tuple[Learned, Registry]) -> None:
    rows = Run(learned[0].run).rows().to_pylist()
    train = {row["subject_id"] for row in rows if row["part"] == "train"}
    test = {row["subject_id"] for row in rows if row["part"] == "test"}

    assert set() == train & test


def test_one_row_is_answered_with_reasons_that_add_up(learned: tuple[Learned, Registry]) -> None:
    model = learned[1].promoted("ward-outcome")
    assert model is not None
    said = model.predict_row({"lab": "9.5", "symptoms": "cough=1; rash=0", "icd": "A01.1", "sex": "Male"})
    claim = said.probabilities[said.claim]

    assert math.isclose(math.log(claim / (1 - claim)), said.base + sum(one.weight for one in said.contributions))
    assert said.interval[said.claim][0] <= claim <= said.interval[said.claim][1]
    assert {"lab", "symptoms", "icd"} == {one.label["en"].split(" = ")[0] for one in said.contributions[:3]}
    assert "too-little-data" == model.predict_row({}).abstained


def test_test_rows_are_encoded_as_single_rows_are(learned: tuple[Learned, Registry]) -> None:
    run, model = Run(learned[0].run), learned[1].promoted("ward-outcome")
    assert model is not None
    import pyarrow.parquet as pq

    from salus.learning.step3_features.encode import encode

    table = pq.read_table(learned[0].run / "step1_collect" / "table.parquet").to_pylist()
    rows, matrix = run.rows().to_pylist(), run.matrix()
    for i, one in enumerate(rows):
        if one["part"] == "test":
            alone = encode(model.recipe, table[one["row"]])[0]

            assert np.array_equal(alone, matrix[i], equal_nan=True)


def test_the_report_speaks_of_held_out_rows_only_and_in_both_languages(learned: tuple[Learned, Registry]) -> None:
    run = learned[0].run
    found = Run(run).read("step5_evaluate", "figures.json", Evaluation)
    held_out = sum(row["part"] == "test" for row in Run(run).rows().to_pylist())
    english, chinese = ((run / f"report.{lang}.html").read_text("utf-8") for lang in ("en", "zh"))

    assert held_out == found.rows == sum(one.rows for one in found.curves.calibration)
    assert f"Judged on {held_out} rows" in english and "从未见过" in chinese
    assert "<script" not in english and english.count("<svg") >= 4
    assert english.count("<svg") == english.count('role="img"') == chinese.count("<svg")
    assert msgspec.json.decode((run / "report.json").read_bytes())["evaluation"]["rows"] == held_out


def test_the_model_card_has_the_headings_of_tripod_ai(learned: tuple[Learned, Registry]) -> None:
    folder = learned[1].folder / "ward-outcome" / "1"
    card = (folder / "card.en.md").read_text("utf-8")

    assert all(f"## {title}" in card for title in ("Intended use", "Source of data", "Outcome", "Limitations"))
    assert "## 预期用途" in (folder / "card.zh.md").read_text("utf-8")


def test_every_step_runs_again_alone(learned: tuple[Learned, Registry]) -> None:
    from salus.learning.step3_features import features
    from salus.learning.step5_evaluate import evaluate

    run = Run(learned[0].run)
    before = run.matrix()
    features(run)
    evaluate(run)

    assert np.array_equal(before, run.matrix(), equal_nan=True)


def test_a_step_says_which_step_must_come_before(tmp_path: Path) -> None:
    with pytest.raises(Missing, match=r"begin a run with `salus learn`"):
        _ = Run(tmp_path).plan
    with pytest.raises(Missing, match=r"run `python -m salus.learning.step2_prepare"):
        Run(tmp_path).rows()


def changed(column: str, value: str) -> list[list[str]]:
    place = HEADER.index(column)
    return [[value if i == place else cell for i, cell in enumerate(one)] for one in ward(60)]


TWICE = [*HEADER[:-2], "age", "outcome"]
BAD = [
    (lambda p: p / "none.csv", {}, Missing, "There is no file"),
    (lambda p: write(p / "a.csv", [], [""]), {}, Malformed, "a.csv is empty: give a CSV file"),
    (lambda p: write(p / "a.csv", []), {}, Malformed, "column names but no rows"),
    (lambda p: write(p / "a.csv", ward(60)), {"target": "diagnosis"}, Invalid, "no target column 'diagnosis'"),
    (lambda p: write(p / "a.csv", ward(60)), {"subject": "patient"}, Invalid, "no subject column 'patient'"),
    (lambda p: write(p / "a.csv", changed("outcome", "ill")), {}, Invalid, "says 'ill' in all 60 rows"),
    (lambda p: write(p / "a.csv", changed("outcome", "")), {}, Invalid, "'outcome' is empty in every row"),
    (lambda p: write(p / "a.csv", ward(60)), {"positive": "dead"}, Invalid, "= 'dead': its values are ill, well"),
    (lambda p: write(p / "a.csv", ward(60), TWICE), {}, Invalid, "age of a.csv stand"),
    (lambda p: write(p / "a.csv", ward(8)), {}, Invalid, "has 8 subjects or more"),
    (lambda p: write(p / "a.csv", [one[:5] for one in ward(60)]), {}, Malformed, "60 of 60 rows|no rows"),
    (lambda p: write(p / "a.csv", ward(60)), {"families": ["magic"]}, Invalid, "'magic' is no model family"),
]  # fmt: skip


@pytest.mark.parametrize(("make", "asked", "error", "words"), BAD)
def test_what_cannot_be_learned_from_is_refused_with_the_cure(make, asked, error, words: str, tmp_path: Path) -> None:
    with pytest.raises(error, match=words):
        learn_table(make(tmp_path), registry=tmp_path / "r", **{"target": "outcome", "budget": BUDGET, **asked})


def test_a_column_that_gives_the_target_away_is_left_out_with_a_warning(tmp_path: Path) -> None:
    rows = [[*one, one[-1].upper()] for one in ward(200)]
    data = write(tmp_path / "leak.csv", rows, [*HEADER, "discharge_letter"])
    made = learn_table(data, "outcome", tmp_path / "r", families=["tree"], budget=Budget(seconds=0), subject="person")

    assert {"discharge_letter"} == {n.slots["column"] for n in Run(made.run).notes() if n.key == "note.leak"}


def test_many_classes_and_a_test_file_of_their_own(tmp_path: Path) -> None:
    chance = random.Random(2)

    def visits(count: int) -> list[list[str]]:
        kinds = ["flu", "cold", "sprain"]
        made = []
        for i in range(count):
            kind = chance.choice(kinds)
            signs = {"flu": "fever;cough", "cold": "cough;sneeze", "sprain": "pain"}[kind]
            made.append([f"v{i}", signs if chance.random() < 0.9 else "cough", str(chance.randrange(90)), kind])
        return made

    header = ["visit", "signs", "age", "what"]
    train, test = write(tmp_path / "a.csv", visits(300), header), write(tmp_path / "b.csv", visits(90), header)
    made = learn_table(train, "what", tmp_path / "r", test=test, families=["logistic"], budget=Budget(seconds=0))
    found = Run(made.run).read("step5_evaluate", "figures.json", Evaluation)
    model = Registry(tmp_path / "r").promoted("a-what")
    assert model is not None
    said = model.predict_row({"signs": "pain", "age": "30"})
    others = [math.log(p) for name, p in said.probabilities.items() if name != said.claim]

    assert (90, 3, True) == (found.rows, len(found.per_class), (found.chosen["accuracy"].value or 0) > 0.8)
    assert "sprain" == said.claim == max(said.probabilities, key=lambda name: said.probabilities[name])
    assert math.isclose(
        math.log(said.probabilities["sprain"]) - sum(others) / 2, said.base + sum(c.weight for c in said.contributions)
    )


def test_a_number_is_foretold_with_an_interval_and_beats_the_mean(tmp_path: Path) -> None:
    chance = random.Random(9)
    rows = [
        [f"{(x := chance.gauss(0, 1)):.4f}", f"{chance.random():.3f}", f"{50 + 9 * x + chance.gauss(0, 1):.3f}"]
        for _ in range(300)
    ]
    data = tmp_path / "n.csv.gz"
    data.write_bytes(gzip.compress("\n".join(",".join(r) for r in [["x", "noise", "y"], *rows]).encode()))
    made = learn_table(data, "y", tmp_path / "r", families=["linear", "tree"], budget=Budget(seconds=0))
    found = Run(made.run).read("step5_evaluate", "figures.json", Evaluation)
    model = Registry(tmp_path / "r").promoted("n-y")
    assert model is not None and found.chosen["r2"].value is not None
    said = model.predict_row({"x": "1", "noise": "0.5"})
    assert said.value is not None

    assert ("number", "linear") == (found.kind, found.family) and found.chosen["r2"].value > 0.9
    assert said.interval["value"][0] < 59 < said.interval["value"][1]
    assert math.isclose(said.value, said.base + sum(one.weight for one in said.contributions))


def test_two_columns_of_which_every_value_is_new_are_not_taken_for_the_same(tmp_path: Path) -> None:
    chance = random.Random(5)
    rows = [(chance.gauss(0, 1), chance.gauss(0, 1)) for _ in range(300)]
    data = tmp_path / "two.csv"
    data.write_text("a,b,ill\n" + "".join(f"{a},{b},{'yes' if a + b > 0 else 'no'}\n" for a, b in rows), "utf-8")

    made = learn_table(data, "ill", tmp_path / "r", families=["logistic"], budget=Budget(seconds=0))

    assert not [note for note in Run(made.run).notes() if note.key == "note.twin"]
