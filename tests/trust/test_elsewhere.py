"""A model on data from elsewhere: judged by its own task, kept as evidence, recalibrated only as a new version."""

import random
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import roc_auc_score

from salus.base.errors import Invalid, Malformed, Missing
from salus.cli import main
from salus.learning.elsewhere import Elsewhere, evaluate_elsewhere, recalibrate
from salus.learning.learn import learn_table
from salus.learning.step7_deploy import Registry, external
from salus.learning.step7_deploy.dossier import empty_fields, report_of
from salus.learning.task import Budget


@pytest.fixture(scope="module")
def there(places: Path, models: Registry, tmp_path_factory: pytest.TempPathFactory) -> Elsewhere:
    place = tmp_path_factory.mktemp("run")
    return evaluate_elsewhere(models.load("ill-year", "1"), places / "there", place, "tester")


def test_what_it_says_elsewhere_is_what_it_says_at_the_bedside(there: Elsewhere, places: Path) -> None:
    events, rows = pq.read_table(places / "there"), there.run.rows().slice(0, 40)
    said = []
    for subject, at_us in zip(rows["subject_id"].to_pylist(), rows["at_us"].to_pylist(), strict=True):
        own = events.filter([one == subject for one in events["subject_id"].to_pylist()])
        at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at_us)
        said.append(there.deployed.predict_events(own, at).probabilities["yes"])
    line = there.deployed.bundle.calibration

    assert line is not None
    assert said == pytest.approx(line.probabilities(there.margins)[:40, 1].tolist(), abs=1e-12)


def test_its_figures_are_those_of_reference_software(there: Elsewhere) -> None:
    figure = there.found.evaluation.chosen["auroc"]

    assert roc_auc_score(there.data.y, there.margins[:, 0]) == pytest.approx(figure.value)
    assert figure.low is not None and figure.high is not None and figure.low < figure.value < figure.high  # type: ignore[operator]


def test_a_place_that_measures_higher_is_found_by_its_inputs_and_its_calibration(there: Elsewhere) -> None:
    marker = next(drift for drift in there.found.drifts if drift.feature.startswith("LAB//marker") and drift.alarm)
    before, after = there.found.evaluation.chosen["o_e"], there.found.recalibrated["o_e"]

    assert marker.psi > 0.2
    assert before.high is not None and before.high < 1  # fewer fall ill than it foretells
    assert after.low is not None and after.high is not None and after.low < 1 < after.high
    assert (there.found.evaluation.chosen["auroc"].value or 0) > 0.8
    assert there.found.evaluation.coverage and there.found.evaluation.curves.decision
    assert {"sex", "age"} == {one.by for one in there.found.evaluation.subgroups}


def test_evidence_stands_in_the_report_of_the_version_and_of_no_other(
    there: Elsewhere, own: Callable[[], Registry]
) -> None:
    registry = own()
    external.keep(registry.folder / "ill-year", "1", there.found)
    report = report_of(registry, "ill-year", "1")
    said = {one.place: one.text("zh") for one in report.of("hti")}

    assert ["1"] == registry.versions("ill-year")
    assert [] == empty_fields(report)
    assert "there" in said["6.i"] and "tester" in said["6.ii"] and "女" in said["6.iii"]
    assert f"{there.found.evaluation.chosen['auroc'].value:.3f}" in said["7.iii"]
    assert "LAB//marker" in said["6.iv"] or "marker" in said["6.iv"]


def test_a_recalibration_is_a_new_version_that_nobody_is_asked_for(
    there: Elsewhere, own: Callable[[], Registry]
) -> None:
    registry = own()
    version = recalibrate(registry, there)
    new, old = registry.load("ill-year", version), registry.load("ill-year", "1")

    assert ("2", "1") == (version, registry.wanted("ill-year", None))
    assert old.model.margins(there.data.x).tolist() == new.model.margins(there.data.x).tolist()
    assert old.bundle.calibration != new.bundle.calibration
    assert there.found.recalibrated["o_e"].value == pytest.approx(new.metrics["chosen"]["o_e"]["value"])
    report = report_of(registry, "ill-year", "2")
    assert ([], 24) == (empty_fields(report), report.tally.filled)
    said = {one.place: one.text("en") for one in report.of("tripod")}
    assert "Recalibrated from version 1" in said["12f"] and "on there" in said["12a"]
    assert there.found.evaluation.rows == int(new.metrics["rows"])
    registry.promote("ill-year", version, "local calibration", "tester")
    assert "2" == registry.wanted("ill-year", None)


def table(path: Path, seed: int, shift: float = 0.0, columns: str = "id,lab,sex,out") -> Path:
    chance, lines = random.Random(seed), [columns]
    for i in range(400):
        lab = chance.gauss(5, 2)
        ill = "ill" if chance.random() < 1 / (1 + np.exp(5 - lab)) else "well"
        cells = {"id": f"s{i}", "lab": f"{lab + shift:.2f}", "sex": chance.choice(["F", "M"]), "out": ill, "more": "x"}
        lines.append(",".join(cells[name] for name in columns.split(",")))
    path.write_text("\n".join(lines), "utf-8")
    return path


@pytest.fixture(scope="module")
def of_table(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    folder = tmp_path_factory.mktemp("tables")
    learn_table(
        table(folder / "home.csv", 1), "out", folder / "m", subject="id", positive="ill", name="t",
        families=["logistic"], budget=Budget(seconds=0),
    )  # fmt: skip
    return Registry(folder / "m")


def test_a_table_from_elsewhere_is_judged_by_the_same_question(of_table: Registry, tmp_path: Path) -> None:
    other = table(tmp_path / "away.csv", 2, columns="more,out,lab,id,sex")
    one = evaluate_elsewhere(of_table.load("t", "1"), other, tmp_path / "run")

    assert (400, 400) == (one.found.evaluation.rows, one.found.evaluation.subjects)
    assert 64 == len(one.found.sha256)
    assert (one.found.evaluation.chosen["auroc"].value or 0) > 0.75
    assert not any(drift.alarm for drift in one.found.drifts)


def test_a_column_that_is_not_there_is_said_and_not_guessed(of_table: Registry, tmp_path: Path) -> None:
    other = table(tmp_path / "away.csv", 2, columns="id,sex,out")
    one = evaluate_elsewhere(of_table.load("t", "1"), other, tmp_path / "run")

    assert ["lab"] == [text["en"] for text in one.found.lacking]
    assert (one.found.evaluation.chosen["auroc"].value or 0) < 0.6


@pytest.mark.parametrize(
    ("text", "fault", "words"),
    [
        ("id,lab,sex\na,1,F\n", Invalid, "no target column 'out'"),
        ("id,lab,sex,out\na,1,F,maybe\n", Invalid, "is it the same question"),
        ("id,lab,sex,out\n", Malformed, "no rows"),
    ],
)
def test_other_data_that_do_not_fit_are_refused_with_the_reason(
    of_table: Registry, tmp_path: Path, text: str, fault: type[Exception], words: str
) -> None:
    (tmp_path / "away.csv").write_text(text, "utf-8")

    with pytest.raises(fault, match=words):
        evaluate_elsewhere(of_table.load("t", "1"), tmp_path / "away.csv", tmp_path / "run")


def test_too_few_cases_are_not_recalibrated(of_table: Registry, tmp_path: Path) -> None:
    lines = table(tmp_path / "all.csv", 2).read_text("utf-8").splitlines()
    kept = [
        lines[0],
        *[one for one in lines[1:] if one.endswith("well")],
        *[o for o in lines if o.endswith(",ill")][:9],
    ]
    (tmp_path / "few.csv").write_text("\n".join(kept), "utf-8")
    one = evaluate_elsewhere(of_table.load("t", "1"), tmp_path / "few.csv", tmp_path / "run")

    assert {} == one.found.recalibrated
    with pytest.raises(Invalid, match="needs 20 rows of each class"):
        recalibrate(of_table, one)


def test_one_command_judges_keeps_and_offers(
    places: Path,
    own: Callable[[], Registry],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    registry = own()
    monkeypatch.chdir(tmp_path)

    def salus(*words: str) -> tuple[object, str, str]:
        monkeypatch.setattr(sys, "argv", ["salus", *words, "--registry", str(registry.folder)])
        with pytest.raises(SystemExit) as end:
            main()
        return end.value.code or 0, *capsys.readouterr()

    code, out, err = salus("evaluate", "ill-year", "--on", str(places / "there"), "--recalibrate", "--language", "zh")
    assert (0, True, True) == (code, "已重新校准为第 2 版" in out, "AUROC" in out), err
    page = (tmp_path / "ill-year-1-on-there" / "external.zh.html").read_text("utf-8")
    assert "<svg" in page and "输入与训练的对照" in page
    assert ["there"] == [one.on for one in external.kept(registry.folder / "ill-year", "1")]
    assert "1" == registry.wanted("ill-year", None)

    assert (66, True) == ((r := salus("evaluate", "ill-year", "--on", "nowhere"))[0], "nothing at nowhere" in r[2])
    with pytest.raises(Missing, match="No version of 'other' is promoted"):
        registry.wanted("other", None)
