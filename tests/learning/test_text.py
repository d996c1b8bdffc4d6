"""Texts: their words are learned on training rows only, are the same at the bedside, and are named as reasons."""

import csv
import json
import math
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salus.analytics.events import EVENT_SCHEMA
from salus.learning.dictionary import Lexicon
from salus.learning.learn import Learned, learn_table, learn_task
from salus.learning.run import Run
from salus.learning.step3_features.lexicon import Places, learned, tokens
from salus.learning.step3_features.notes import notes_of
from salus.learning.step3_features.spotting import spotted
from salus.learning.step5_evaluate.figures import Evaluation
from salus.learning.step7_deploy import Deployed, Registry
from salus.learning.task import Budget, task_of

FEVER, COUGH, HEADACHE = "SNOMED//386661006", "SNOMED//49727002", "SNOMED//25064002"


@pytest.mark.parametrize(
    ("text", "term", "said"),
    [
        ("Fever since Monday", FEVER, (True, False)),
        ("She denies fever, chills or cough.", FEVER, (False, True)),
        ("She denies fever, chills or cough.", COUGH, (False, True)),
        ("No headache. Fever of 39.", FEVER, (True, False)),
        ("No headache but fever of 39", FEVER, (True, False)),
        ("Fever was ruled out", FEVER, (False, True)),
        ("FEVERS at night; no cough", FEVER, (True, False)),
        ("feverfew tea", FEVER, None),
        ("发热三天，伴咳嗽", FEVER, (True, False)),
        ("无发热、咳嗽，头痛明显", COUGH, (False, True)),
        ("无发热、咳嗽，头痛明显", HEADACHE, (True, False)),
        ("患者否认发热", FEVER, (False, True)),
        ("起初无发热。今日发热", FEVER, (True, True)),
    ],
)
def test_a_term_is_stated_or_denied_as_the_text_says(text: str, term: str, said: tuple | None) -> None:
    assert said == spotted(text).get(term)


WORDS = ["cough", "pain", "头痛", "leg", "the"]
texts = st.lists(st.lists(st.sampled_from(WORDS), max_size=6).map(" ".join), min_size=1, max_size=6)


def tf_idf(lexicon: Lexicon, joined: str) -> list[float]:
    """The definition again, in plain Python."""
    said = list(tokens(joined))
    raw = [
        (1 + math.log(said.count(w))) * idf if w in said else 0.0
        for w, idf in zip(lexicon.words, lexicon.idf, strict=True)
    ]
    size = math.sqrt(math.fsum(value * value for value in raw)) or 1.0
    return [value / size for value in raw]


@settings(max_examples=80, deadline=None)
@given(texts, st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5)), max_size=10, unique=True))
def test_the_weights_are_tf_idf_and_a_row_has_the_bits_it_has_alone(notes: list[str], pairs: list) -> None:
    pairs = sorted((row, doc) for row, doc in pairs if doc < len(notes))
    lexicon = Lexicon(name="n", words=sorted(WORDS), idf=[1.0, 1.5, 2.25, 3.0, 1.1])
    row, doc = (np.array([pair[i] for pair in pairs], dtype=np.int64) for i in (0, 1))
    where, column, value = Places(lexicon).cells(notes, row, doc, 4)
    found = np.zeros((4, len(WORDS)))
    found[where, column] = value
    for one in range(4):
        own = [notes[d] for r, d in pairs if r == one]
        alone = np.zeros(len(WORDS))
        _, j, v = Places(lexicon).cells(own, np.zeros(len(own), np.int64), np.arange(len(own)), 1)
        alone[j] = v

        assert np.allclose(tf_idf(lexicon, " ; ".join(own)), found[one], atol=1e-12)
        assert alone.tobytes() == found[one].tobytes()


def test_a_word_of_few_people_is_not_learned_however_often_they_say_it() -> None:
    notes = ["smith smith cough"] * 40 + ["cough pain"] * 10 + ["pain"] * 10
    row = np.arange(60)
    subject = np.concatenate([np.zeros(40, np.int64), np.arange(1, 21)])
    found = learned("n", notes, row, row, subject)

    assert found is not None and ["cough", "pain"] == sorted(found.words)


TALK = ["comes in today", "was seen in clinic", "is here for review", "walked in by herself", "has a question"]
ILL, WELL = (
    ["wheezing at night", "tight chest on stairs", "inhaler ran out"],
    ["ankle twisted", "knee hurts on stairs", "back sore"],
)


def note(chance: random.Random, ill: bool) -> str:
    said = [chance.choice(TALK), chance.choice(ILL if ill else WELL), chance.choice(TALK)]
    weather = chance.choice(["rain", "sun", "wind", "snow"])
    return f"Patient {said[0]}, {said[1]}; denies fever. {said[2].capitalize()} and {weather}."


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> tuple[Learned, Deployed, Path]:
    folder, chance = tmp_path_factory.mktemp("texts"), random.Random(4)
    rows = [
        [note(chance, i % 2 == 0), chance.randrange(20, 90), ["lung", "limb"][i % 2 if chance.random() < 0.95 else 0]]
        for i in range(400)
    ]
    for i in range(300, 400):
        rows[i][0] += " zebrafish"  # a word of the held-out rows only
    parts = {"train.csv": rows[:300], "test.csv": rows[300:]}
    for name, part in parts.items():
        with (folder / name).open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([["note", "age", "ward"], *part])
    made = learn_table(
        folder / "train.csv", "ward", folder / "registry", test=folder / "test.csv", budget=Budget(seconds=0)
    )
    model = Registry(folder / "registry").promoted(made.name)
    assert model is not None
    return made, model, folder


def test_a_column_of_long_texts_is_read_by_its_words(table: tuple) -> None:
    made, _, _ = table
    names = Run(made.run).feature_names()

    assert {"note~wheezing", "note~ankle", "age"} <= set(names) and "note~pain" not in names
    assert Run(made.run).read("step5_evaluate", "figures.json", Evaluation).chosen["auroc"].value > 0.9


def test_a_word_of_held_out_rows_alone_is_no_feature(table: tuple) -> None:
    _, model, _ = table
    recipe = json.dumps([column.lexicon.words for column in model.recipe.columns if column.lexicon])

    assert "zebrafish" not in recipe and "wheezing" in recipe
    shares = {
        w: idf for c in model.recipe.columns if c.lexicon for w, idf in zip(c.lexicon.words, c.lexicon.idf, strict=True)
    }
    train = [row["note"] for row in csv.DictReader((table[2] / "train.csv").read_text("utf-8").splitlines())]
    many = sum("wheezing" in text for text in train)
    assert math.isclose(math.log(301 / (1 + many)) + 1, shares["wheezing"])


def test_the_words_are_the_reasons(table: tuple) -> None:
    _, model, _ = table
    said = model.predict_row({"note": "Patient was seen in clinic, wheezing at night and tight chest.", "age": "50"})
    top = [one.label["en"] for one in said.contributions[:5]]

    assert any("wheezing" in label for label in top) and said.probabilities["lung"] > 0.6
    assert not any(
        "ankle" in one.label["en"] for one in said.contributions if said.claim and model.bundle.family == "logistic"
    )


def test_a_row_of_a_table_has_the_bits_of_training(table: tuple) -> None:
    made, model, _ = table
    run, x = Run(made.run), Run(made.run).matrix()
    cells = pq.read_table(run.needed("step1_collect", "table.parquet")).to_pylist()
    for number in (0, 57, 311, 399):
        row = {name: cell for name, cell in cells[run.rows()["row"][number].as_py()].items() if name != "ward"}
        margin = model.model.margins(x[np.array([number])])

        assert (
            model.bundle.calibration.probabilities(margin)[0, 1]
            == list(model.predict_row(row).probabilities.values())[1]
        )


START = datetime(2022, 1, 1, tzinfo=UTC)
TASK = {
    "name": "notes-year",
    "kind": "binary",
    "question": {"en": "Asthma within a year?", "zh": "一年内会得哮喘吗？"},
    "when": {"dates": [START]},
    "label": {"codes": ["ILL"], "within_days": 365},
    "features": {
        "windows_days": [100, 30],
        "values": ["count"],
        "min_subjects": 5,
        "text": ["NOTE//*"],
        "codes": ["DX//*", "VISIT"],
    },
    "models": {"families": ["logistic"]},
    "budget": {"seconds": 0},
}


@pytest.fixture(scope="module")
def notes(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Deployed, list[dict]]:
    folder, chance, events = tmp_path_factory.mktemp("notes"), random.Random(6), []
    for i in range(240):
        ill = i % 2 == 0
        own = [
            {"code": "DX//1", "time": START - timedelta(days=3)},
            {"code": "VISIT", "time": START + timedelta(days=500)},
        ]
        own += [
            {"code": "NOTE//visit", "time": START - timedelta(days=days), "text_value": note(chance, ill)}
            for days in (5, 50)
        ]
        own.append(
            {
                "code": "NOTE//visit",
                "time": START - timedelta(days=200),
                "text_value": "longago " + note(chance, not ill),
            }
        )
        late = {"time": START - timedelta(days=1), "recorded_time": START + timedelta(days=2)}
        own.append({"code": "NOTE//visit", **late, "text_value": f"latecomer {'asthma' if ill else 'fine'}"})
        if chance.random() < (0.9 if ill else 0.1):
            own.append({"code": "ILL", "time": START + timedelta(days=60)})
        events += [
            {"subject_id": f"p{i}", "source_id": f"DocumentReference/p{i}-{n}", **one} for n, one in enumerate(own)
        ]
    (folder / "events").mkdir()
    pq.write_table(pa.Table.from_pylist(events, schema=EVENT_SCHEMA), folder / "events" / "0.parquet")
    made = learn_task(task_of(TASK), folder / "events", folder / "registry")
    model = Registry(folder / "registry").promoted("notes-year")
    assert model is not None
    return Run(made.run), model, events


def test_only_notes_known_by_then_and_within_the_longest_window_are_read(notes: tuple) -> None:
    run, model, _ = notes
    words = set(model.recipe.texts[0].words)

    assert "wheezing" in words and not {"latecomer", "longago", "asthma"} & words
    assert run.read("step5_evaluate", "figures.json", Evaluation).chosen["auroc"].value > 0.7


def test_the_bedside_reads_what_training_read_and_names_note_and_word(notes: tuple) -> None:
    run, model, events = notes
    rows, x = run.rows().to_pylist(), run.matrix()
    for number in (0, 100, 239):
        own = [one for one in events if one["subject_id"] == rows[number]["subject_id"]]
        said = model.predict_events(pa.Table.from_pylist(own[::-1], schema=EVENT_SCHEMA), START)
        margin = model.model.margins(x[np.array([number])])

        assert model.bundle.calibration.probabilities(margin)[0, 1] == said.probabilities["yes"]
        word = next(one for one in said.contributions if "~" in one.feature)
        assert word.label["en"].startswith("Note: “") and word.source_ids[0].startswith("DocumentReference/")
        assert not any(
            source.endswith(("-4", "-5"))
            for one in said.contributions
            for source in one.source_ids
            if "~" in one.feature
        )


def test_the_probe_for_things_known_too_early_is_clear(notes: tuple) -> None:
    run, _, events = notes
    row = pa.table({"row": [0], "subject_id": ["p0"], "at_us": [int(START.timestamp()) * 1_000_000]})
    found = notes_of(pa.Table.from_pylist(events, schema=EVENT_SCHEMA), row, "NOTE//*", 0)

    assert 3 == len(found.doc) and '"key":"after","state":"found"' not in (
        run.folder / "report.json"
    ).read_text().replace(" ", "")
