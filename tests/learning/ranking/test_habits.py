"""From events to a ranking in the registry, and back at the bedside."""

import json
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pytest
from typer.testing import CliRunner
from ward import AMLODIPINE, COLCHICINE, METFORMIN, RAMIPRIL, SALBUTAMOL, START, TASK, event, events_of, written

from salus.analytics.events import EVENT_SCHEMA
from salus.base.errors import Conflict, Invalid, Missing
from salus.cli import terminal
from salus.cli.models import shelf_of
from salus.learning.learn import learn_task
from salus.learning.ranking.learning import learn_ranking
from salus.learning.ranking.rankings import Rankings
from salus.learning.ranking.visits import before, people_of, visits_of
from salus.learning.run import Run
from salus.learning.step7_deploy import Registry
from salus.learning.task import task_of

NOW = START + timedelta(days=1200)


def patient(age: int, *diseases: str, before: tuple[str, ...] = ()) -> pa.Table:
    """Somebody who is here now with these diseases, and was given these medicines two years ago."""
    then = NOW - timedelta(days=730)
    made = [event("x", NOW - timedelta(days=365 * age), "MEDS_BIRTH"), event("x", None, "SEX//female")]
    made += [event("x", then, code, "old") for code in before]
    made += [event("x", NOW - timedelta(minutes=5), code, "now") for code in ("ENCOUNTER//AMB", *diseases)]
    return pa.Table.from_pylist(made, schema=EVENT_SCHEMA)


def kept(learned):
    return Rankings(learned[0], b"s" * 32).promoted("medicines")


def test_it_ranks_what_doctors_did_for_people_alike(learned):
    told = {age: kept(learned).told(patient(age, "ICD10//I10"), NOW) for age in (46, 76)}

    assert (RAMIPRIL, AMLODIPINE) == (told[46].ranked[0].label, told[76].ranked[0].label)
    assert 0.7 < told[46].ranked[0].share < 0.95
    assert METFORMIN == kept(learned).told(patient(46, "ICD10//E11"), NOW).ranked[0].label


def test_the_disease_alone_and_the_last_visit_stand_beside_it(learned):
    told = kept(learned).told(patient(46, "ICD10//I10", before=(SALBUTAMOL,)), NOW)

    assert [SALBUTAMOL] == [one.label for one in told.last]
    assert {RAMIPRIL, AMLODIPINE} == {one.label for one in told.prior[:2]}
    assert told.prior[0].share < 0.6 < told.ranked[0].share


def test_it_cannot_tell_where_too_few_are_alike(learned):
    strange = kept(learned).told(patient(46, "ICD10//Q87"), NOW)
    lonely = kept(learned).told(patient(5, "ICD10//I10"), NOW)

    assert ("few_alike", 0) == (strange.refused, strange.alike)
    assert ("few_alike", ()) == (lonely.refused, lonely.ranked)
    assert lonely.alike < 20 and lonely.prior


def test_the_dead_are_not_asked_about(learned):
    events = [*patient(46, "ICD10//I10").to_pylist(), event("x", NOW - timedelta(days=1), "MEDS_DEATH")]

    assert "not_in_cohort" == kept(learned).told(pa.Table.from_pylist(events, schema=EVENT_SCHEMA), NOW).refused


def test_the_bedside_makes_the_bits_of_training(learned):
    run, found = Run(learned[1].run), kept(learned)
    rows, matrix, events = run.rows(), run.matrix(), events_of()
    subjects = events["subject_id"].to_numpy(zero_copy_only=False)
    for at in (3, 200, 611):
        own = events.filter(pa.array(subjects == rows["subject_id"][at].as_py()))

        assert np.asarray(matrix[at]).tobytes() == found.features(own, rows["at_us"][at].as_py())[0].tobytes()


def test_codes_of_the_same_order_are_hidden_from_the_features(learned):
    run = Run(learned[1].run)

    assert not [name for name in run.feature_names() if name.startswith("RXNORM")]
    assert {"RXNORM//A05", "RXNORM//A01"} <= set(run.plan.task.features.exclude)
    assert "note.hidden_twins" in [note.key for note in run.notes()]


def test_later_visits_judge_it_beside_what_costs_nothing(learned):
    run = Run(learned[1].run)
    rows, figures = run.rows(), kept(learned).bundle.figures
    part, at = np.array(rows["part"].to_pylist()), rows["at_us"].to_numpy()

    assert at[part == "train"].max() < at[part == "test"].min()
    assert {"ranking", "last", "prior", "usual"} == set(figures.methods)
    assert figures.gains["prior"].low > 0.05 and figures.gains["last"].low > 0.3
    assert figures.apart < 0.05


def test_the_card_says_first_that_it_is_no_benefit(learned):
    folder = kept(learned).folder
    english, chinese = ((folder / f"card.{language}.md").read_text("utf-8") for language in ("en", "zh"))

    assert "It does not say what helps" in english.split("|")[0]
    assert "不说明哪种做法有效" in chinese.split("|")[0]
    assert "copy of the last visit" in english


def test_nobody_can_be_found_in_a_bundle(learned):
    folder = kept(learned).folder
    counts = json.loads((folder / "bundle.json").read_text("utf-8"))["counts"]
    texts = "".join(file.read_text("utf-8") for file in folder.glob("*.json"))

    assert min(many for own in counts.values() for many in own.values()) >= 5
    assert "p001" not in texts and "MedicationRequest/" not in texts


def test_a_label_of_too_few_people_is_not_told(tmp_path):
    rows = events_of(120).to_pylist()
    rows += [
        event(f"p{n:03d}", START + timedelta(days=20), COLCHICINE, f"c{n}", f"MedicationRequest/c{n}")
        for n in range(12)
    ]
    (tmp_path / "events").mkdir()
    import pyarrow.parquet as pq

    pq.write_table(pa.Table.from_pylist(rows, schema=EVENT_SCHEMA), tmp_path / "events" / "all.parquet")
    made = learn_ranking(task_of(TASK), tmp_path / "events", tmp_path / "models", promote=False)
    rankings = Rankings(tmp_path / "models")

    assert COLCHICINE not in rankings.load("medicines", made.version).bundle.names
    assert rankings.promoted("medicines") is None


def test_files_that_were_changed_are_refused(learned, tmp_path):
    import shutil

    shutil.copytree(learned[0], tmp_path / "models")
    place = tmp_path / "models" / "rankings" / "medicines" / "1" / "ranking.json"
    place.write_text(place.read_text("utf-8").replace("0.", "0.1", 1), "utf-8")

    with pytest.raises(Conflict):
        Rankings(tmp_path / "models", b"s" * 32).promoted("medicines")
    with pytest.raises(Missing):
        Rankings(tmp_path / "models").load("medicines", "7")


def test_models_of_other_kinds_do_not_see_rankings(learned):
    assert [] == Registry(learned[0]).names()
    assert ["medicines"] == Rankings(learned[0]).names()


def test_the_terminal_lists_rankings_beside_models(learned):
    where = ["--registry", str(learned[0])]
    listed = CliRunner().invoke(terminal(["models"]), ["models", "list", *where], env={"COLUMNS": "200"})

    assert "medicines" in listed.output and "ranking" in listed.output
    assert isinstance(shelf_of(learned[0], b"s" * 32, "medicines"), Rankings)


def test_a_visit_is_asked_about_before_its_first_order():
    task = task_of(TASK)
    table = pa.Table.from_pylist(
        [
            event("x", START, "ICD10//E11", "v1"),
            event("x", START, METFORMIN, "v1"),
            event("x", START + timedelta(hours=2), RAMIPRIL, "v1"),
            event("x", START + timedelta(days=40), "ICD10//I10", "v2"),
            event("x", START + timedelta(days=40, hours=1), AMLODIPINE),
        ],
        schema=EVENT_SCHEMA,
    )
    people = people_of(table, task)
    visits = visits_of(people)
    told = [before(people["x"], one.at_us, task) for one in visits]

    assert [{METFORMIN, RAMIPRIL}, {AMLODIPINE}] == [set(one.done) for one in visits]
    assert (frozenset(), frozenset({METFORMIN, RAMIPRIL})) == (told[0].last, told[1].last)
    assert (frozenset({"ICD10//I10"}), frozenset({"ICD10//E11", "ICD10//I10"})) == (told[1].new, told[1].all)


def test_an_order_of_the_same_day_is_not_known_before_it():
    task = task_of(TASK)
    rows = [event("x", START, METFORMIN, "v1"), event("x", START + timedelta(hours=5), RAMIPRIL, "v2")]
    people = people_of(pa.Table.from_pylist(rows, schema=EVENT_SCHEMA), task)

    assert frozenset() == before(people["x"], visits_of(people)[1].at_us, task).ever


@pytest.mark.parametrize(
    "spoil",
    [
        {"when": {"events": ["ENCOUNTER//*"]}},
        {"ranking": {}},
        {"ranking": {"groups": ["ICD10//*"], "alike": 3}},
        {"split": {"by": "subject", "folds": 5}},
        {"label": {}},
        {"kind": "binary", "when": {"events": ["ENCOUNTER//*"]}, "label": {"codes": ["ATC//*"], "within_days": 9}},
        {"features": {"embedding": {"learned": 4}}},
    ],
)
def test_a_task_that_cannot_be_ranked_is_refused(spoil):
    with pytest.raises(Invalid):
        task_of(TASK | spoil)


def test_a_ranking_is_not_learned_as_another_task(tmp_path):
    folder = written(tmp_path, 40)
    binary = {"kind": "binary", "when": {"events": ["ENCOUNTER//*"]}, "ranking": {}}

    with pytest.raises(Invalid):
        learn_task(task_of(TASK), folder, tmp_path / "models")
    with pytest.raises(Invalid):
        learn_ranking(
            task_of(TASK | binary | {"label": {"codes": ["ATC//*"], "within_days": 9}}), folder, tmp_path / "models"
        )
    with pytest.raises(Invalid):
        learn_ranking(
            task_of(TASK | {"name": "few", "ranking": {"groups": ["ICD10//*"], "least": 90}}), folder, tmp_path
        )
    assert not list((tmp_path / "runs").glob("few*"))
