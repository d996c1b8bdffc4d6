"""When an event comes, from a table and from events to a deployed model, and what is said of it."""

import csv
import math
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from salus.analytics.events import EVENT_SCHEMA
from salus.base.errors import Invalid
from salus.learning.elsewhere import evaluate_elsewhere, recalibrate, write_pages
from salus.learning.learn import Learned, learn_table, learn_task
from salus.learning.run import Run
from salus.learning.step5_evaluate.figures import Evaluation
from salus.learning.step5_evaluate.probes import Probe
from salus.learning.step7_deploy import Deployed, Registry
from salus.learning.step7_deploy.dossier import empty_fields, write_report
from salus.learning.task import Budget, task_of

HEADER = ["patient", "days", "status", "marker", "sex", "age", "clock"]
AT = datetime(2022, 6, 1, tzinfo=UTC)


def row(i: int, chance: random.Random) -> list[str]:
    """A high marker brings the event early; a tenth have something else first; follow-up ends at random."""
    marker = chance.gauss(0, 1)
    event, other = chance.expovariate(math.exp(1.2 * marker) / 400), chance.expovariate(1 / 5000)
    lost = chance.uniform(100, 1500)
    time = min(event, other, lost)
    status = {event: "1", other: "2", lost: "0"}[time]
    said = [f"p{i}", f"{time:.1f}", status, f"{marker:.3f}", chance.choice("fm"), str(chance.randrange(30, 90))]
    return [*said, f"{time * 24:.0f}"]


def write(place: Path, rows: list[list[str]]) -> Path:
    with place.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([HEADER, *rows])
    return place


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> tuple[Learned, Path]:
    folder, chance = tmp_path_factory.mktemp("lasting"), random.Random(3)
    table = write(folder / "t.csv", [row(i, chance) for i in range(400)])
    made = learn_table(
        table,
        "days",
        folder / "registry",
        event="status",
        positive="1",
        competing=["2"],
        horizon=730,
        subject="patient",
        stack=True,
        budget=Budget(seconds=0),
    )
    return made, folder / "registry"


def promoted(registry: Path, name: str) -> Deployed:
    found = Registry(registry).promoted(name)
    assert found is not None
    return found


def test_a_table_is_learned_and_judged_on_people_held_out(learned: tuple[Learned, Path]) -> None:
    run = Run(learned[0].run)
    found = run.read("step5_evaluate", "figures.json", Evaluation)
    notes = {note.key: note.slots for note in run.notes()}

    assert ("survival", 730, "days") == (found.kind, found.horizon, found.unit)
    assert found.chosen["uno"].value is not None and found.chosen["uno"].value > 0.7
    assert 0.5 == found.baselines["alike"]["uno"].value
    assert (found.chosen["gain"].value or 0) > 0.1
    assert [182.5, 365, 547.5, 730] == [round(one.when, 1) for one in found.curves.moments]
    assert {"low", "middle", "high"} == {one.name for one in found.curves.thirds}
    assert {"cox", "survival_forest", "hazards"} == set(found.first)
    assert "clock" == notes["note.tells_time"]["column"]
    assert int(notes["note.followed"]["other"]) > 10 and "note.removed" in notes
    assert found.removed is not None and found.removed.beside < found.removed.alone


def test_the_probes_look_for_clocks_of_the_same_time(learned: tuple[Learned, Path]) -> None:
    found = {one.key: one for one in Run(learned[0].run).read("step5_evaluate", "probes.json", list[Probe])}

    assert ("clear", "mended", ["clock"]) == (
        found["alone"].state,
        found["target_columns"].state,
        found["target_columns"].names,
    )


@pytest.mark.parametrize(("language", "words"), [("en", "Who stays free of the event"), ("zh", "无事件曲线")])
def test_the_report_shows_curves_by_thirds_and_what_removes_people(
    learned: tuple[Learned, Path], language: str, words: str
) -> None:
    page = (learned[0].run / f"report.{language}.html").read_text("utf-8")

    assert words in page and "<svg" in page
    assert {"en": "were nobody removed", "zh": "若无人退出"}[language] in page


def test_a_risk_is_told_by_each_time_with_reasons_that_add_up(learned: tuple[Learned, Path]) -> None:
    model = promoted(learned[1], learned[0].name)
    high = model.predict_row({"marker": "2", "sex": "f", "age": "50"})
    low = model.predict_row({"marker": "-2", "sex": "f", "age": "50"})
    risk, total = high.probabilities["yes"], high.base + sum(one.weight for one in high.contributions)

    assert low.probabilities["yes"] < 0.3 < 0.8 < risk
    assert high.interval["yes"][0] <= risk <= high.interval["yes"][1]
    assert risk == pytest.approx(1 - math.exp(-math.exp(total)))
    assert (730, risk) == pytest.approx(high.curve[-1])
    assert 12 == len(high.curve) and all(a[1] <= b[1] for a, b in zip(high.curve, high.curve[1:], strict=False))
    assert "marker" == high.contributions[0].feature and high.contributions[0].weight > 0
    assert ["yes"] == high.answers and 0.9 == high.level


def test_the_reports_on_the_model_have_no_empty_field_that_the_run_could_fill(
    learned: tuple[Learned, Path], tmp_path: Path
) -> None:
    dossier = write_report(Registry(learned[1]), learned[0].name, learned[0].version, tmp_path)
    page = (tmp_path / "report.en.html").read_text("utf-8")

    assert "up to 730 (days)" in page
    assert not [one for one in empty_fields(dossier) if one.startswith("metrics")]


def test_a_model_of_time_is_judged_and_recalibrated_elsewhere(learned: tuple[Learned, Path], tmp_path: Path) -> None:
    """Elsewhere the event comes three times as early."""
    chance, registry = random.Random(21), Registry(learned[1])
    rows = [row(i, chance) for i in range(250)]
    for cells in rows:
        cells[1] = f"{float(cells[1]) / 3:.1f}"
    other = write(tmp_path / "other.csv", rows)
    deployed = registry.load(learned[0].name, learned[0].version)
    one = evaluate_elsewhere(deployed, other, tmp_path / "run")
    found = one.found.evaluation
    version = recalibrate(registry, one)
    mended = registry.load(learned[0].name, version).metrics["chosen"]["o_e"]["value"]
    write_pages(one, found, tmp_path / "pages")

    assert (250, 730) == (found.rows, found.horizon)
    assert found.chosen["uno"].value > 0.7 and 0.5 == found.baselines["alike"]["uno"].value
    assert found.chosen["o_e"].value > 1.08 > abs(mended - 1) + 1
    assert one.found.recalibrated["uno"].value > 0.7
    assert "Who stays free" in (tmp_path / "pages" / "external.en.html").read_text("utf-8")


def test_what_is_wrong_with_a_table_of_times_is_said(tmp_path: Path) -> None:
    chance = random.Random(5)
    rows = [row(i, chance) for i in range(60)]
    table = write(tmp_path / "t.csv", rows)

    def learn(**more: object) -> None:
        learn_table(table, "days", tmp_path / "r", event="status", budget=Budget(seconds=0), **more)  # type: ignore[arg-type]  # one keyword at a time

    with pytest.raises(Invalid, match="says 0, 1, 2: say with --positive which of these is the event"):
        learn()
    with pytest.raises(Invalid, match="No row has status = '9': its values are 0, 1, 2"):
        learn(positive="9")
    with pytest.raises(Invalid, match="No row has status = 'x'"):
        learn(positive="1", competing=["x"])
    with pytest.raises(Invalid, match="Only 1 subjects had the event within the horizon, and 8 are needed"):
        learn(positive="1", horizon=sorted(float(one[1]) for one in rows if one[2] == "1")[0])
    with pytest.raises(Invalid, match="A horizon of -1 is none"):
        learn(positive="1", horizon=-1)
    with pytest.raises(Invalid, match="no drop column 'nothing'"):
        learn(positive="1", drop=["nothing"])


TASK = {
    "name": "stroke-when",
    "kind": "survival",
    "question": {"en": "When does a stroke come?", "zh": "何时发生卒中？"},
    "when": {"events": ["VISIT//*"], "keep": "first"},
    "label": {"codes": ["STROKE//1"], "within_days": 300},
    "features": {"windows_days": [0], "min_subjects": 5},
    "models": {"families": ["cox", "hazards"]},
    "budget": {"seconds": 0},
}


def life(i: int, chance: random.Random) -> list[dict]:
    """One visit with a pressure; the higher it is, the sooner the stroke; some die first, some visits come late."""
    subject, pressure = f"s{i}", chance.gauss(140, 20)
    visit = AT + timedelta(days=chance.randrange(150))
    stroke = chance.expovariate(math.exp((pressure - 140) / 20) / 400)
    death = chance.expovariate(1 / 1500)
    made = [
        {"code": "MEDS_BIRTH", "time": AT - timedelta(days=365 * 60), "source_id": f"Patient/{subject}"},
        {"code": "VISIT//AMB", "time": visit, "source_id": f"Encounter/{subject}"},
        {
            "code": "LAB//pressure",
            "time": visit,
            "numeric_value": pressure,
            "unit": "mm[Hg]",
            "source_id": f"Observation/{subject}",
        },
    ]
    if stroke < death and stroke < 400:
        made.append({"code": "STROKE//1", "time": visit + timedelta(days=stroke), "source_id": f"Condition/{subject}"})
    elif death < 400:
        made.append({"code": "MEDS_DEATH", "time": visit + timedelta(days=death), "source_id": f"Patient/{subject}"})
    return [
        {"subject_id": subject, **event} for event in made if event["time"] <= AT + timedelta(days=420)
    ]  # the collected data end there


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> Path:
    chance, folder = random.Random(9), tmp_path_factory.mktemp("lives") / "events"
    folder.mkdir()
    found = [event for i in range(300) for event in life(i, chance)]
    end = {"code": "LAB//pressure", "time": AT + timedelta(days=420), "numeric_value": 140.0}
    found.append({"subject_id": "s0", "source_id": "Observation/end", **end})
    pq.write_table(pa.Table.from_pylist(found, schema=EVENT_SCHEMA), folder / "0.parquet")
    return folder


def test_events_are_followed_to_the_stroke_to_death_or_to_the_end_of_the_data(events: Path, tmp_path: Path) -> None:
    made = learn_task(task_of(TASK), events, tmp_path / "registry")
    rows = Run(made.run).rows().to_pylist()
    ended = {name: [row for row in rows if row["ended"] == name] for name in ("event", "death", "lost", "horizon")}

    assert all(ended.values()) and 300 == sum(len(found) for found in ended.values())
    assert {"yes"} == {row["label"] for row in ended["event"]}
    assert {"no"} == {row["label"] for name in ("death", "lost", "horizon") for row in ended[name]}
    assert {300.0} == {row["value"] for row in ended["horizon"]}
    end_us = (AT + timedelta(days=420) - datetime.fromtimestamp(0, UTC)) // timedelta(microseconds=1)
    for row in ended["lost"]:
        assert row["value"] == pytest.approx((end_us - row["at_us"]) / 86_400_000_000)

    model = promoted(tmp_path / "registry", "stroke-when")
    said = [model.predict_events(person(pressure), AT) for pressure in (180.0, 110.0)]
    assert said[0].probabilities["yes"] > 0.6 > 0.3 > said[1].probabilities["yes"]
    assert ["Observation/x"] == said[0].contributions[0].source_ids
    assert (300.0, said[0].probabilities["yes"]) == pytest.approx(said[0].curve[-1])


def person(pressure: float) -> pa.Table:
    made = [
        {"code": "MEDS_BIRTH", "time": AT - timedelta(days=365 * 60), "source_id": "Patient/x"},
        {"code": "VISIT//AMB", "time": AT, "source_id": "Encounter/x"},
        {
            "code": "LAB//pressure",
            "time": AT,
            "numeric_value": pressure,
            "unit": "mm[Hg]",
            "source_id": "Observation/x",
        },
    ]
    return pa.Table.from_pylist([{"subject_id": "x", **event} for event in made], schema=EVENT_SCHEMA)


def test_following_may_end_with_a_persons_own_last_event(events: Path, tmp_path: Path) -> None:
    label = {**TASK["label"], "followed_until": "last_event"}
    made = learn_task(task_of({**TASK, "label": label}), events, tmp_path / "registry")
    run = Run(made.run)
    left_out = (run.folder / "step2_prepare" / "left_out.csv").read_text("utf-8")

    assert "unfollowed" in left_out  # the one visit is also the last that is known of most
    assert {"event", "death", "horizon"} == {row["ended"] for row in run.rows().to_pylist()}


def test_a_task_about_time_needs_a_horizon() -> None:
    with pytest.raises(Invalid, match="a survival task asks when"):
        task_of({**TASK, "label": {"codes": ["STROKE//1"], "same_encounter": True}})
    with pytest.raises(Invalid, match="give a horizon above 0"):
        task_of({**TASK, "label": {"codes": ["STROKE//1"]}})
