"""From records to what is expected for one patient, through the seven steps, the registry and the bedside."""

import json
import shutil
from datetime import timedelta
from time import process_time

import numpy as np
import pyarrow as pa
import pytest
from lipid_clinic import END, LDL, NEW, SYSTOLIC, TASK, lab, order, patient, truth
from typer.testing import CliRunner

from salus.analytics.events import events_of, in_order, patient_events, table_of
from salus.assistants.treatment.benefit import Benefits, benefits
from salus.base.errors import Conflict, Forbidden, Invalid, Missing
from salus.cli import terminal
from salus.learning.effects.answering import answer_task
from salus.learning.effects.declared import effect_task_of
from salus.learning.effects.kept import EffectRegistry
from salus.learning.effects.model import Alike
from salus.learning.run import Run
from salus.privacy import Actor, Purpose, Role

SECRET = b"a secret of this installation"


def fresh(id: str, age: float, ldl: float, pressure: float = 135, female: bool = True) -> list[dict]:
    """Somebody who has not begun anything yet."""
    return [
        patient(id, END - timedelta(days=age * 365.25), female),
        lab(id, END - timedelta(days=60), LDL, ldl, "mmol/L", 1),
        lab(id, END - timedelta(days=60), SYSTOLIC, pressure, "mm[Hg]", 2),
    ]


def put(records, resources: list[dict]) -> None:
    entries = [
        {"resource": one, "request": {"method": "PUT", "url": f"{one['resourceType']}/{one['id']}"}}
        for one in resources
    ]
    records.bundle({"resourceType": "Bundle", "type": "transaction", "entry": entries})


def events(resources: list[dict]):
    return table_of(in_order(event for one in resources for event in events_of(one)))


def test_the_steps_find_the_truth_and_keep_it_in_files_that_cannot_run(known):
    made = known.answered
    assert made.promoted and made.findings.passed and made.version == "1"
    average = made.bundle.contrasts[0].average.estimate
    assert average.low < truth() < average.high and average.error < 0.03
    assert {one.key for one in made.bundle.checks} >= {"gate.balance", "gate.followed", "gate.controls"}
    assert made.bundle.lost > 100  # who began within the last year of the data
    pain = made.bundle.harms[0].means
    assert pain[1].value - pain[0].value == pytest.approx(0.07, abs=0.03)
    place = known.registry / "effects" / "lipids" / "1"
    assert {one.suffix for one in place.iterdir()} == {".json", ".md", ".txt", ".safetensors"}
    assert (made.run / "effects.zh.html").exists() and (made.run / "step2_prepare" / "left_out.csv").exists()
    card = json.loads((place / "card.json").read_text("utf-8"))
    assert all(section["text"]["zh"] and section["text"]["en"] for section in card["sections"])
    assert known.answered.run.name.startswith("effects-lipids")


def test_features_at_the_bedside_are_those_of_training_bit_by_bit(known, records):
    run, model = Run(known.answered.run), EffectRegistry(known.registry, SECRET).promoted("lipids")
    rows, matrix = run.rows(), run.matrix()
    some = [f"p{k:04}" for k in range(0, 2400, 97)]
    put(records, [one for one in known.resources if any(one["id"].split("-")[0] == who for who in some)])
    place = {subject: row for row, subject in enumerate(rows["subject_id"].to_pylist())}
    at = rows["at_us"].cast(pa.timestamp("us", "UTC")).to_pylist()
    for who in some:
        own = patient_events(records, who)
        assert model.vector(own, at[place[who]]).tobytes() == matrix[place[who]][None].tobytes()
        begun = at[place[who]]
        assert model.is_asked(own, begun) and not model.is_asked(own, begun + timedelta(days=1))


def test_what_is_told_of_a_patient_is_whole_and_follows_their_own_risk(known, records):
    put(records, fresh("ill", 75, 4.5) + fresh("well", 42, 3.0))
    doors = Benefits(known.registry, SECRET)
    (ill,), (well,) = doors.of(records, "ill", END), doors.of(records, "well", END)
    for one in (ill, well):
        assert one.refused is None and one.evidence == "observational" and one.by == "baseline"
        assert one.option.codes == ("ATC//C10AA*",) and one.against.code == "usual"
        assert one.alike == 100 and 5 <= one.had_option <= 95 and one.overlap in ("good", "thin")
        assert one.difference.value == pytest.approx(one.risk_with.value - one.risk_without.value)
        assert one.harms[0].with_.value > one.harms[0].without.value and one.harms[0].source == "lipids 1"
        assert (one.model, one.card, one.horizon_days) == ("lipids 1", "/models/lipids/1", 365)
    assert ill.better is True and ill.nnt_low <= ill.nnt <= ill.nnt_high < 20
    assert ill.difference.value < well.difference.value < 0
    (first, *_) = ill.drivers
    assert (first.name.zh, first.value) == ("年龄", "75") and first.weight > 0 and len(ill.drivers) <= 3
    assert next(one for one in well.drivers if one.name.en == "Age").weight < 0
    assert benefits(records, "ill", END, known.registry) == (ill,)


def test_nothing_is_said_of_somebody_whom_the_study_is_not_about(known, records):
    begun = [*fresh("begun", 60, 4), order("begun", END - timedelta(days=30), NEW)]
    child, new = fresh("child", 12, 4), fresh("new", 60, 4)[:1]
    put(records, [*begun, *child, *new])
    doors = Benefits(known.registry, SECRET)
    assert all(doors.of(records, who, END) == () for who in ("begun", "child", "new"))


def test_what_changed_in_the_records_changes_the_answer_at_once(known, records):
    put(records, fresh("one", 60, 3.0))
    doors = Benefits(known.registry, SECRET)
    (before,) = doors.of(records, "one", END)
    put(records, [lab("one", END - timedelta(days=1), LDL, 5.0, "mmol/L", 3)])
    (after,) = doors.of(records, "one", END)
    assert after.risk_without.value > before.risk_without.value
    put(records, [order("one", END - timedelta(hours=1), NEW)])
    assert doors.of(records, "one", END) == ()


def test_where_nobody_is_alike_there_is_no_number(known):
    (far,) = Benefits(known.registry, SECRET).of_events(events(fresh("far", 79, 14.0, 300)), END)
    assert far.refused is not None and far.difference is None and far.overlap == "none"
    assert "nobody" in far.refused.en and "没有" in far.refused.zh


def test_where_too_few_alike_had_an_option_it_is_said_how_many(known, monkeypatch):
    model = EffectRegistry(known.registry, SECRET).promoted("lipids")
    rare = model.crowd.x[:, 0] > 0.8  # as if nobody above some age had been given the new one
    option = np.where(rare, 0, model.crowd.option)
    monkeypatch.setattr(model, "crowd", type(model.crowd)(**{**vars(model.crowd), "option": option}))
    found = model.expected(events(fresh("old", 76, 3.6)), END)[0]
    assert found.why == "few" and found.rare == 1 and sum(found.had) == 100 and found.had[1] < 5
    assert found.difference is None and found.drivers == ()


def test_intervals_widen_where_few_had_a_choice(known):
    model = EffectRegistry(known.registry, SECRET).promoted("lipids")
    x = model.bundle.covariates.of(model.vector(events(fresh("a", 60, 3.6)), END))
    had = np.array([50, 50])
    wide = [
        model._of(model.against[0], 1, np.full(9, np.nan), x, Alike(had, True, np.array([1 - p, p]))).difference.error
        for p in (0.5, 0.85)
    ]
    assert wide[1] > 1.2 * wide[0]
    assert model._of(model.against[0], 1, x[0], x, Alike(had, True, np.array([0.02, 0.98]))).why == "apart"


def test_a_study_that_did_not_pass_is_kept_as_refused_and_has_no_number_anywhere(chosen):
    made = chosen.answered
    assert not made.promoted and not made.bundle.passed and made.findings.contrasts == ()
    place = chosen.registry / "effects" / "lipids" / "1"
    names = {one.name for one in place.iterdir()}
    assert not names & {"arrays.safetensors", "smooth.txt", "oblique.txt", "recipe.json"}
    kept = json.loads((place / "bundle.json").read_text("utf-8"))
    assert not {"means", "contrasts", "harms"} & set(kept) and not kept["passed"]
    assert json.loads((place / "metrics.json").read_text("utf-8"))["contrasts"] == []
    assert "stay hidden" in (place / "card.en.md").read_text("utf-8")
    with pytest.raises(Conflict, match="did not pass its gate"):
        EffectRegistry(chosen.registry).promote("lipids", "1", reason="all the same")
    (told,) = Benefits(chosen.registry).of_events(events(fresh("a", 60, 3.6)), END)
    assert told.evidence == "none" and told.difference is None
    assert "did not pass its gate" in told.refused.en and "未通过检查" in told.refused.zh


def test_a_file_that_was_changed_is_not_asked(known, tmp_path):
    folder = tmp_path / "registry"
    shutil.copytree(known.registry, folder)
    bundle = folder / "effects" / "lipids" / "1" / "bundle.json"
    bundle.write_text(bundle.read_text("utf-8").replace('"reach"', ' "reach"'), "utf-8")
    with pytest.raises(Conflict, match="changed"):
        Benefits(folder, SECRET).of_events(events(fresh("a", 60, 3.6)), END)


def test_whoever_may_not_see_the_patient_is_told_nothing(known, store, records):
    put(records, fresh("p", 60, 3.6) + fresh("q", 60, 3.6))
    doors = Benefits(known.registry, SECRET)
    with pytest.raises((Forbidden, Missing)):
        doors.of(store.open(Actor("Patient/q", Role.PATIENT), Purpose.TREATMENT), "p", END)
    with pytest.raises(Forbidden):
        doors.of(store.open(Actor("Practitioner/s", Role.DESK), Purpose.PAYMENT), "p", END)
    with pytest.raises(Missing):
        doors.of(records, "nobody", END)


def test_one_patient_is_answered_in_milliseconds(known):
    doors, asked = Benefits(known.registry, SECRET), [events(fresh(f"x{k}", 45 + k, 3.5)) for k in range(20)]
    doors.of_events(asked[0], END)
    took = []
    for one in asked:
        begin = process_time()
        doors.of_events(one, END)
        took.append(process_time() - begin)
    assert np.median(took) < 0.25  # 5 ms on a quiet machine; this only catches what is far off


def run(*words: str):
    return CliRunner().invoke(terminal(["effects", "models"]), [*words, "--language", "en"])


def test_the_commands_answer_a_task_list_show_promote_and_take_back(
    known, chosen, store, records, tmp_path, monkeypatch
):
    file, registry = tmp_path / "lipids.toml", tmp_path / "registry"
    file.write_text(toml(), "utf-8")
    put(records, chosen.resources)
    store.close()
    monkeypatch.chdir(tmp_path)
    told = run("effects", str(file), "--store", str(tmp_path / "clinic.db"), "--registry", str(registry))
    assert told.exit_code == 1, told.output
    assert "lipids 1 is kept as refused" in told.output
    from_store = EffectRegistry(registry).bundle("lipids", "1")
    assert from_store.checks == chosen.answered.bundle.checks  # what the store gives is what the events were
    assert from_store.people == chosen.answered.bundle.people
    shutil.copytree(known.registry, tmp_path / "known")
    where = ["--registry", str(tmp_path / "known")]
    assert run("models", "sign", "lipids", "1", *where).exit_code == 0  # it came from another installation
    listed = run("models", "list", *where)
    assert "lipids" in listed.output and "passed its" in listed.output
    assert "expected benefit" not in run("models", "list", "--registry", str(tmp_path / "none")).output
    assert "Does the new medicine" in run("models", "show", "lipids", *where).output
    assert run("models", "promote", "lipids", "1", *where).exit_code == 0
    refused = run("models", "promote", "lipids", "1", "--registry", str(registry))
    assert isinstance(refused.exception, Conflict)
    assert isinstance(run("effects", str(tmp_path / "table.csv")).exception, Invalid)


def toml() -> str:
    """The task of the clinic as a person writes it."""

    def table(one: dict) -> str:
        return "\n".join(f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in one.items())

    parts = [f'name = "{TASK["name"]}"']
    for key in ("question", "time_zero", "cohort", "outcome", "controls", "features"):
        parts += [f"[{key}]", table(TASK[key])]
    for key in ("options", "harms"):
        for one in TASK[key]:
            parts += [f"[[{key}]]", table(one)]
    return "\n".join(parts)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"options": [TASK["options"][0], {**TASK["options"][1], "codes": ["ATC//X99"]}]}, "Nobody began new"),
        ({"options": [{**one, "codes": [f"ATC//X{k}"]} for k, one in enumerate(TASK["options"])]}, "begins an option"),
        ({"outcome": {**TASK["outcome"], "codes": ["SNOMED//0"]}}, "is a label code"),
        ({"cohort": {"min_age": 99}}, "Nobody takes part"),
    ],
)
def test_a_question_that_these_records_cannot_hold_is_refused_and_leaves_no_run(chosen, tmp_path, change, words):
    with pytest.raises(Invalid, match=words):
        answer_task(effect_task_of({**TASK, **change}), chosen.events, tmp_path / "registry", runs=tmp_path / "runs")
    assert not list((tmp_path / "runs").iterdir()) and not (tmp_path / "registry").exists()
