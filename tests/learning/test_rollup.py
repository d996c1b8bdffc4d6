"""A code also counts for the groups above it: in training, at the bedside, and for codes that training never saw."""

import json
import random
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from salus.analytics.events import EVENT_SCHEMA
from salus.base.errors import Invalid, Missing
from salus.codes.terminology import Site, System
from salus.learning.dictionary import Concept, EventRecipe, Feature, Rolled
from salus.learning.learn import learn_task
from salus.learning.moments import DAY_US, moment_us
from salus.learning.run import Run
from salus.learning.step3_features.members import Members
from salus.learning.step3_features.trees import links_of, tree_of
from salus.learning.step3_features.windows import Windows
from salus.learning.step7_deploy import Deployed, Registry
from salus.learning.task import read_task, task_of

sys.path.insert(0, str(Path(__file__).parent))
from oracle import row_of

NAME = {"en": "n", "zh": "n"}
CODES = ["ICD10//E11.9", "ICD10//E11", "ICD10//E1065", "ICD10//I21.4", "ATC//C10AA05", "ATC//C10", "HOUSE//1", "OTHER"]
CONCEPTS = [
    Concept(code="ICD10//E11"),
    Concept(code="ICD10//I21.4", blind=True),
    Concept(code="UNDER//ICD10//E11", members=["ICD10//E11*"]),
    Concept(code="UNDER//ICD10//E10-E14", members=["ICD10//E10*", "ICD10//E11*"]),
    Concept(code="UNDER//ICD10//I00-I99", members=["ICD10//I*"]),
    Concept(code="UNDER//ATC//C", members=["ATC//C*"]),
    Concept(code="UNDER//HOUSE//0", members=["HOUSE//1", "OTHER"]),
]


def features_of(concepts: list[Concept]) -> list[Feature]:
    pairs = [("count", 0), ("count", 30), ("since", 0)]
    return [
        Feature(name=f"{one.key}.{value}.{days}", source=one.key, value=value, window_days=days, label=NAME)
        for one in concepts
        for value, days in pairs
    ]


RECIPE = EventRecipe(
    concepts=CONCEPTS,
    features=features_of(CONCEPTS),
    blind_hours=24,
    rolled=Rolled(codes=["ICD10//*", "ATC//*", "HOUSE//*", "OTHER"], exclude=["ATC//C10"], blind=["ICD10//I21*"]),
)
WINDOWS = Windows(RECIPE)
moments = st.integers(0, 100 * DAY_US) | st.sampled_from([0, DAY_US, 10 * DAY_US, 40 * DAY_US])
event = st.fixed_dictionaries(
    {
        "subject_id": st.just("p"),
        "time": st.none() | moments,
        "code": st.sampled_from(CODES),
        "numeric_value": st.none() | st.floats(-9, 9),
        "text_value": st.sampled_from([None, "present"]),
        "unit": st.none(),
        "encounter_id": st.none(),
        "source_id": st.sampled_from(["Condition/1", "Condition/2"]),
        "recorded_time": st.none() | moments,
    }
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(event, max_size=14), moments)
def test_groups_count_what_plain_python_counts(events: list[dict], at_us: int) -> None:
    rows = pa.table({"row": pa.array([0], pa.int64()), "subject_id": ["p"], "at_us": pa.array([at_us], pa.int64())})
    found = WINDOWS.matrix(pa.Table.from_pylist(events, schema=EVENT_SCHEMA), rows)[0]

    assert np.array_equal(np.array(row_of(RECIPE, events, at_us)), found, equal_nan=True)


def test_a_code_counts_for_every_group_it_fits_but_not_where_the_task_leaves_it_out() -> None:
    members = Members(RECIPE)

    assert ((2, False), (3, False)) == members.of("ICD10//E11.9001")
    assert ((4, True),) == members.of("ICD10//I21.9")
    assert ((5, False),) == members.of("ATC//C10AA99")
    assert () == members.of("ATC//C10") == members.of("UNKNOWN//E11")


START = datetime(2022, 1, 1, tzinfo=UTC)
TASK = {
    "name": "event-year",
    "kind": "binary",
    "question": {"en": "Infarction within a year?", "zh": "一年内会心梗吗？"},
    "when": {"dates": [START]},
    "label": {"codes": ["ICD10//I21*"], "within_days": 365},
    "features": {
        "windows_days": [0],
        "values": ["count", "since"],
        "min_subjects": 8,
        "rollup": ["ICD10", "ATC", "wards.csv"],
        "exclude": ["ICD10//Z99*"],
        "with_text": ["ICD10//R*"],
    },
    "models": {"families": ["logistic"]},
    "budget": {"seconds": 0},
}


def person(number: int, chance: random.Random) -> list[dict]:
    """Any of forty rare kinds of diabetes makes the infarction likely; no single code of them is frequent."""
    subject, has = f"p{number}", number % 2 == 0
    codes = [f"ICD10//E{chance.choice([10, 11, 13])}.{chance.randrange(10)}{chance.randrange(4)}"] if has else []
    codes += [chance.choice(["ICD10//J45", "ICD10//K21", "ICD10//Z99.1", "ICD10//L20"])]
    codes += [chance.choice(["ATC//C10AA05", "ATC//C10AA01", "WARD//a1", "WARD//a2", "WARD//b1"])]
    made = [
        {
            "code": code,
            "time": START - timedelta(days=chance.randrange(1, 300)),
            "source_id": f"Condition/{subject}-{i}",
        }
        for i, code in enumerate(codes)
    ]
    made.append({"code": "ICD10//R05", "time": START - timedelta(days=5), "text_value": "absent", "source_id": "x"})
    if chance.random() < (0.8 if has else 0.1):
        made.append({"code": "ICD10//I21.4", "time": START + timedelta(days=100), "source_id": f"C/{subject}"})
    made.append({"code": "VISIT", "time": START + timedelta(days=700), "source_id": f"Encounter/{subject}"})
    return [{"subject_id": subject, **one} for one in made]


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Deployed, list[dict]]:
    folder, chance = tmp_path_factory.mktemp("rollup"), random.Random(3)
    events = [one for number in range(300) for one in person(number, chance)]
    (folder / "events").mkdir()
    pq.write_table(pa.Table.from_pylist(events, schema=EVENT_SCHEMA), folder / "events" / "0.parquet")
    wards = "child,parent,en,zh\nWARD//a1,WARD//a,,\nWARD//a2,WARD//a,,\nWARD//a,,Wing A,甲区\nWARD//b1,WARD//b,,\n"
    (folder / "wards.csv").write_text(wards, "utf-8")
    (folder / "task.toml").write_text(toml_of(TASK), "utf-8")
    made = learn_task(read_task(folder / "task.toml"), folder / "events", folder / "registry")
    found = Registry(folder / "registry").promoted("event-year")
    assert found is not None
    return Run(made.run), found, events


def toml_of(table: dict, path: str = "") -> str:
    plain = {key: value for key, value in table.items() if not isinstance(value, dict)}
    lines = [f"{key} = {json.dumps(value, default=str, ensure_ascii=False)}" for key, value in plain.items()]
    lines = [line.replace(f'["{START}"]', "[2022-01-01T00:00:00Z]") for line in lines]
    inner = [toml_of(value, f"{path}{key}.") for key, value in table.items() if isinstance(value, dict)]
    return "\n".join([f"[{path[:-1]}]" if path else "", *lines, *inner])


def test_the_block_is_the_reason_where_each_code_is_rare(learned: tuple[Run, Deployed, list[dict]]) -> None:
    _, model, _ = learned
    events = [{"subject_id": "n", "code": "ICD10//E14.7", "time": START, "source_id": "Condition/new"}]
    said = model.predict_events(pa.Table.from_pylist(events, schema=EVENT_SCHEMA), START + timedelta(days=1))
    reason = next(one for one in said.contributions if one.feature.startswith("UNDER//ICD10//E10-E14"))

    assert "ICD10//E14.7" not in {concept.code for concept in model.recipe.concepts}
    assert ("Diabetes (group): last recorded 1 days ago", "糖尿病（类）") == (
        reason.label["en"],
        reason.label["zh"][:6],
    )
    assert reason.weight > 0.3 and ["Condition/new"] == reason.source_ids


def test_groups_that_say_the_same_as_a_lower_one_are_left_out(learned: tuple[Run, Deployed, list[dict]]) -> None:
    keys = {concept.code for concept in learned[1].recipe.concepts}

    assert "UNDER//ICD10//E10-E14" in keys and "UNDER//ICD10//E00-E90" not in keys
    assert "UNDER//ATC//C10AA" in keys and not keys & {"UNDER//ATC//C10A", "UNDER//ATC//C10", "UNDER//ATC//C"}
    assert "UNDER//ICD10//J00-J99" not in keys  # asthma alone stands in it, and speaks for itself


def test_what_the_task_leaves_out_counts_for_no_group(learned: tuple[Run, Deployed, list[dict]]) -> None:
    keys = {concept.code for concept in learned[1].recipe.concepts}

    assert not {key for key in keys if key.startswith(("UNDER//ICD10//R", "UNDER//ICD10//Z"))}


def test_a_tree_of_the_site_names_its_groups(learned: tuple[Run, Deployed, list[dict]]) -> None:
    labels = {feature.source: feature.label for feature in learned[1].features}

    assert {"en": "Wing A (group)", "zh": "甲区（类）"} == labels["UNDER//WARD//a"]
    assert "UNDER//WARD//b" not in labels
    assert ["ICD10", "ATC", "wards.csv"] == learned[1].task.features.rollup  # no folder of this machine


def test_the_bedside_has_the_bits_of_training(learned: tuple[Run, Deployed, list[dict]]) -> None:
    run, model, events = learned
    rows, x = run.rows().to_pylist(), run.matrix()
    for number in range(0, len(rows), 37):
        own = [one for one in events if one["subject_id"] == rows[number]["subject_id"]]

        assert moment_us(START) == rows[number]["at_us"]
        assert np.array_equal(
            x[number], model.vector(pa.Table.from_pylist(own, schema=EVENT_SCHEMA), START)[0], equal_nan=True
        )


def test_a_bad_tree_is_refused_with_the_cure(tmp_path: Path) -> None:
    circle = tmp_path / "circle.csv"
    circle.write_text("child,parent\na,b\nb,c\nc,a\n")
    with pytest.raises(Invalid, match="stands under itself"):
        links_of(circle)
    (tmp_path / "other.csv").write_text("code,up\na,b\n")
    with pytest.raises(Invalid, match="must have the columns child and parent"):
        links_of(tmp_path / "other.csv")
    with pytest.raises(Missing, match="There is no file"):
        tree_of(str(tmp_path / "none.csv"))
    with pytest.raises(Missing, match="no tree 'SNOMED': name one of ICD10, ICD10CM, ATC, a CSV file"):
        tree_of("SNOMED")


def test_a_code_system_that_was_loaded_is_a_tree(tmp_path: Path) -> None:
    system = System(url="http://snomed.info/sct", codes=["1", "2", "3"], displays=["All", "Heart", "Infarct"])
    system.parents = {1: [0], 2: [1]}
    Site(tmp_path).keep(system)
    tree = tree_of("SNOMED", str(tmp_path))

    assert ["SNOMED//1", "SNOMED//2"] == list(tree.above("SNOMED//3"))
    assert ["SNOMED//2", "SNOMED//3"] == tree.members("SNOMED//2", [])
    assert {"en": "Heart", "zh": "Heart"} == tree.label("SNOMED//2")


def test_codes_under_another_prefix_climb_the_same_tree() -> None:
    tree = tree_of("DIAGNOSIS//ICD//10=ICD10CM")

    assert "DIAGNOSIS//ICD//10//E08-E13" in tree.above("DIAGNOSIS//ICD//10//E1165")
    assert task_of({**TASK, "features": {"rollup": ["X=ATC"]}}).features.rollup == ["X=ATC"]
