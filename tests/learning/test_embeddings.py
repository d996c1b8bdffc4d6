"""Vectors of codes: learned from training people alone, the same at the bedside, and told by the codes behind them."""

import pickle
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from msgspec.structs import replace
from scipy.sparse import csr_matrix

from salus.analytics.events import EVENT_SCHEMA
from salus.base.errors import Invalid, Malformed, Missing, SalusError, Unsupported
from salus.learning.dictionary import EventRecipe
from salus.learning.learn import learn_task
from salus.learning.models.arrays import save
from salus.learning.models.wide import dense_of
from salus.learning.run import Run
from salus.learning.step3_features import numbered
from salus.learning.step3_features.embedding import Pool, embedding_of, vectors_of
from salus.learning.step3_features.sparse import matrix_by
from salus.learning.step3_features.together import directions, learned_vectors, surprise
from salus.learning.step3_features.vectors import read_vectors
from salus.learning.step5_evaluate.figures import Evaluation
from salus.learning.step7_deploy import Deployed, Registry
from salus.learning.task import Embed, Task, beside, task_of, without_places

START = datetime(2022, 1, 1, tzinfo=UTC)
SICK, SOUND = ([f"DX//{group}{i}" for i in range(150)] for group in "ab")
PEOPLE, FEWEST = 360, 3


def task(**features: object) -> Task:
    families = features.pop("families", ["logistic"])
    return task_of(
        {
            "name": "pattern",
            "kind": "binary",
            "question": {"en": "Within a year?", "zh": "一年内？"},
            "when": {"dates": [START]},
            "label": {"codes": ["ILL"], "within_days": 365},
            "features": {
                "windows_days": [200, 30],
                "values": ["count"],
                "min_subjects": FEWEST,
                "exclude": ["DX//hidden"],
            }
            | {"codes": ["DX//*", "NOTE//*", "VISIT"], **features},
            "models": {"families": families},
            "budget": {"seconds": 0},
        }
    )


def lives() -> list[dict]:
    """Two groups of codes that come together. What people had lately, two codes of a group, says whether they fall ill;
    which codes are of a group shows in what they had before, much of it, of either group."""
    chance, events = random.Random(3), []
    for i in range(PEOPLE):
        ill = i % 2 == 0
        own = [(code, days) for days, code in zip((5, 8), chance.sample(SICK if ill else SOUND, 2), strict=True)]
        own += [("DX//everyone", chance.randrange(1, 20)), ("DX//hidden", 9), (f"DX//only{i}", 8), ("VISIT", -500)]
        for begin in (60, 95, 130, 165):
            own += [(code, begin + n) for n, code in enumerate(chance.sample(chance.choice([SICK, SOUND]), 5))]
        if chance.random() < (0.9 if ill else 0.1):
            own.append(("ILL", -60))
        for n, (code, days) in enumerate(own):
            events.append({"code": code, "time": START - timedelta(days=days)} | who(i, n))
        late = {"time": START - timedelta(days=1), "recorded_time": START + timedelta(days=2)}
        events += [{"code": (SOUND if ill else SICK)[0], **late} | who(i, 90)]
        note = {"code": "NOTE//visit", "time": START - timedelta(days=2), "text_value": "seen in the clinic today"}
        events += [note | who(i, 91)]
    return events


def who(person: int, number: int) -> dict:
    return {"subject_id": f"p{person}", "source_id": f"Condition/p{person}-{number}"}


EVENTS = lives()


def ordered(events: list[dict]) -> pa.Table:
    return pa.Table.from_pylist(events, schema=EVENT_SCHEMA)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("patterns")
    (made / "events").mkdir()
    pq.write_table(ordered(EVENTS), made / "events" / "0.parquet")
    return made


def learn(folder: Path, name: str, asked: Task) -> tuple[Run, Deployed]:
    registry = Registry(folder / name / "registry")
    if not (folder / name).exists():
        learn_task(asked, folder / "events", registry.folder)
    model = registry.promoted("pattern")
    assert model is not None
    return Run(next((folder / name / "runs").iterdir())), model


VECTORS = {"learned": 8, "min_subjects": FEWEST, "windows_days": [30]}
LEARNED = {
    "dense": {"embedding": VECTORS},
    "trees": {"embedding": VECTORS | {"windows_days": [30, 20]}, "families": ["lightgbm"]},
    "wide": {"embedding": VECTORS, "text": ["NOTE//*"]},
}


@pytest.fixture(scope="module", params=LEARNED)
def learned(request: pytest.FixtureRequest, folder: Path) -> tuple[Run, Deployed]:
    return learn(folder, request.param, task(**LEARNED[request.param]))


def test_a_code_that_training_people_do_not_have_has_no_vector(learned: tuple) -> None:
    run, model = learned
    rows = run.rows().to_pylist()
    training = {row["subject_id"] for row in rows if row["part"] == "train"}
    told = {
        code: {one["subject_id"] for one in EVENTS if one["code"] == code} & training
        for code in model.recipe.embedding.codes
    }

    assert all(len(people) >= FEWEST for people in told.values()) and set(SICK) & set(told)
    assert not any(code.startswith("DX//only") for code in told) and not {"DX//hidden", "ILL", "VISIT"} & set(told)


def test_held_out_people_move_no_vector(folder: Path) -> None:
    parts = [{"subject_id": f"p{i}", "at_us": us(START), "part": "train" if i < 240 else "test"} for i in range(PEOPLE)]
    less = [one for one in EVENTS if int(one["subject_id"][1:]) < 240 and one["time"] <= START]
    less = [one for one in less if one.get("recorded_time") is None]  # what was not known yet moves none either
    found = []
    for events in (EVENTS, less):
        connection = duckdb.connect()
        connection.execute("SET TimeZone = 'UTC'")
        connection.register("rows", pa.Table.from_pylist(parts))
        connection.register("given", ordered(events))
        found.append(embedding_of(task(embedding={"learned": 8}), Embed(learned=8), connection, "given"))

    assert found[0] is not None and found[0] == found[1]
    assert abs(np.linalg.norm(vectors_of(found[0]), axis=1) - 1).max() < 1e-6


def us(at: datetime) -> int:
    return int(at.timestamp()) * 1_000_000


def test_codes_of_one_group_lie_close(learned: tuple) -> None:
    _, model = learned
    place = {code: j for j, code in enumerate(model.recipe.embedding.codes)}
    a, b = ([place[code] for code in group if code in place] for group in (SICK, SOUND))
    close = vectors_of(model.recipe.embedding) @ vectors_of(model.recipe.embedding).T

    assert close[np.ix_(a, a)].mean() > close[np.ix_(a, b)].mean() + 0.2


def test_vectors_help_where_each_code_is_rare(folder: Path) -> None:
    auroc = {}
    for name, asked in {"counts": task(), "dense": task(**LEARNED["dense"])}.items():
        run, _ = learn(folder, name, asked)
        auroc[name] = run.read("step5_evaluate", "figures.json", Evaluation).chosen["auroc"].value

    assert auroc["dense"] > auroc["counts"] + 0.05, auroc


def test_the_bedside_has_the_bits_of_training_and_names_the_codes(learned: tuple) -> None:
    run, model = learned
    rows, x = run.rows().to_pylist(), run.matrix()
    for number in (0, 100, 239, 301):
        person = rows[number]["subject_id"]
        own = [one for one in EVENTS if one["subject_id"] == person]
        random.Random(1).shuffle(own)
        said = model.predict_events(ordered(own), START)
        margin = model.model.margins(x[np.array([number])])
        told = [one for one in said.contributions if one.feature.startswith("pattern.")]

        assert np.array_equal(dense_of(x[np.array([number])]), model.vector(ordered(own), START), equal_nan=True)
        assert model.bundle.calibration.probabilities(margin)[0, 1] == said.probabilities["yes"]
        assert len(told) == 1 and told[0].label["zh"].startswith("编码组合：DX ")
        mostly = "DX " + ("a" if int(person[1:]) % 2 == 0 else "b")
        named = told[0].label["en"].removeprefix("Pattern of codes: ").split(", ")
        assert 1 <= len(named) <= 3 and sum(mostly in one for one in named) >= len(named) - 1
        assert set(told[0].source_ids) <= {one["source_id"] for one in own} and told[0].source_ids


def test_of_a_weighted_sum_the_codes_share_the_part_out(learned: tuple) -> None:
    run, model = learned
    if model.bundle.family != "logistic":
        return
    pool, weights = model.pool, model.model.weights[0, : len(model.features)] / model.model.scale
    own = weights[pool.first : pool.first + pool.width]
    at = numbered(run.rows()).slice(0, 1)
    known = pool.known(ordered([one for one in EVENTS if one["subject_id"] == at["subject_id"][0].as_py()]), at)
    parts = model.model.parts(run.matrix()[np.array([0])])[0, 0, pool.first : pool.first + pool.width]
    there = np.bincount(known[0].indices, minlength=len(pool.vectors)) / known[0].nnz
    score = (pool.vectors - pool.shares[0] @ pool.vectors) @ own * (there - pool.shares[0])
    ranked = sorted(known[0].indices, key=lambda code: -score[code] * np.sign(parts.sum()))
    names = [pool.embedding.codes[code].replace("//", " ") for code in ranked]
    said = model.predict_events(ordered([one for one in EVENTS if one["subject_id"] == "p0"]), START)

    assert at["subject_id"][0].as_py() == "p0" and abs(pool.shares.sum() - 1) < 1e-5
    if "wide" not in str(run.folder):  # of a wide matrix a part also says that something is known at all
        assert abs(parts.sum() - score.sum()) < 1e-4
    told = next(one for one in said.contributions if one.feature.startswith("pattern."))
    assert told.label["en"].startswith("Pattern of codes: " + names[0])


def test_a_code_unknown_or_known_too_late_counts_for_nothing(learned: tuple) -> None:
    _, model = learned
    before = {"time": START - timedelta(days=3)}
    some = [{"code": SICK[1], **before} | who(0, 1), {"code": "DX//everyone", **before} | who(0, 2)]
    more = [{"code": "DX//nobody", **before} | who(0, 3)]
    more += [{"code": SICK[2], "time": START + timedelta(days=1)} | who(0, 4)]
    more += [{"code": SICK[3], **before, "recorded_time": START + timedelta(days=1)} | who(0, 5)]
    more += [{"code": SICK[4], "time": START - timedelta(days=900)} | who(0, 6), {"code": SICK[5]} | who(0, 7)]
    own, first = slice(model.pool.first, model.pool.first + model.pool.width), model.pool.vectors.shape[1]
    one, other, nobody = (model.vector(ordered(events), START)[0, own] for events in (some, some + more, more))
    place = [model.recipe.embedding.codes.index(code) for code in (SICK[1], "DX//everyone")]

    assert one.tobytes() == other.tobytes() and np.isnan(nobody).all()
    assert np.allclose(model.pool.vectors[place].mean(axis=0), one[:first])


def test_dense_and_wide_are_the_same_and_it_is_learned_alike_again(learned: tuple, folder: Path) -> None:
    run, model = learned
    rows, events = numbered(run.rows()), run.needed("step1_collect", "events.parquet")
    wide = matrix_by(model.recipe, events, rows, True)
    again = matrix_by(model.recipe, events, rows, False)

    assert np.array_equal(dense_of(run.matrix()), dense_of(wide), equal_nan=True)
    assert np.array_equal(dense_of(again), dense_of(wide), equal_nan=True)
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.register("rows", run.rows())
    found = embedding_of(run.plan.task, run.plan.task.features.embedding, connection, f"read_parquet('{events}')")
    assert replace(found, shares=model.recipe.embedding.shares) == model.recipe.embedding


def test_label_codes_hide_for_the_blind_hours_in_a_pattern_as_well(folder: Path) -> None:
    np.savez(folder / "ill.npz", codes=np.array(["ILL", "DX//a1"]), vectors=np.array([[1.0, 0], [0, 1]]))
    asked = task(embedding={"from": str(folder / "ill.npz")}, codes=["*"], blind_hours=48)
    connection = duckdb.connect()
    connection.register("rows", pa.Table.from_pylist([{"subject_id": "p0", "at_us": us(START), "part": "train"}]))
    connection.register("given", ordered(EVENTS))
    made = embedding_of(asked, asked.features.embedding, connection, "given")
    pool = Pool(EventRecipe(concepts=[], features=[], blind_hours=48, embedding=made))
    at = pa.table({"row": [0], "subject_id": ["p0"], "at_us": [us(START)]})
    own = [{"code": "DX//a1", "time": START - timedelta(hours=1)} | who(0, 1)]
    for hours, expected in ((47, [0, 1]), (48, [0.5, 0.5])):
        ill = {"code": "ILL", "time": START - timedelta(hours=hours)} | who(0, 2)

        assert expected == pool.means(pool.known(ordered([*own, ill]), at))[0].tolist()


def test_vectors_of_a_file_are_used_and_travel_with_the_model(folder: Path) -> None:
    chance = np.random.default_rng(1)
    vectors = {code: np.array([float(code in SICK), chance.normal()]) for code in [*SICK, *SOUND, "ELSE//1"]}
    save(folder / "vectors.safetensors", vectors)
    asked = beside(task(embedding={"from": "vectors.safetensors", "windows_days": [30]}), folder)
    run, model = learn(folder, "file", asked)
    (folder / "vectors.safetensors").unlink()
    said = model.predict_events(ordered([one for one in EVENTS if one["subject_id"] == "p0"]), START)

    assert sorted([*SICK, *SOUND]) == model.recipe.embedding.codes
    assert model.pool.vectors[0, 0] == 1 and said.contributions[0].label["en"].startswith("Pattern of codes: DX a")
    assert run.read("step5_evaluate", "figures.json", Evaluation).chosen["auroc"].value > 0.8
    assert (
        "vectors.safetensors" == model.task.features.embedding.from_ == without_places(asked).features.embedding.from_
    )


def test_codes_and_vectors_as_two_arrays_are_read_as_well(tmp_path: Path) -> None:
    np.savez(tmp_path / "two.npz", codes=np.array(["A//1", "B"]), vectors=np.eye(2))
    np.savez(tmp_path / "each.npz", **{"A//1": np.eye(2)[0], "B": np.eye(2)[1]})
    found = [read_vectors(tmp_path / name) for name in ("two.npz", "each.npz")]

    assert all({"A//1": [1.0, 0.0], "B": [0.0, 1.0]} == {k: v.tolist() for k, v in one.items()} for one in found)


class Trap:
    """A pickle that would write a file when it is opened."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def __reduce__(self) -> tuple:
        return Path.write_text, (self.place, "ran")


@pytest.mark.parametrize(
    ("name", "error", "cure"),
    [
        ("vectors.pkl", Unsupported, "vectors.pkl: only .npz and .safetensors are read; a pickle"),
        ("vectors.npz", Malformed, "It may be a pickle, which is never opened: save it without pickle"),
        ("objects.npz", Malformed, "save it without pickle: numpy.savez"),
        ("cut.npz", Malformed, "cut.npz holds no plain arrays"),
        ("cut.safetensors", Malformed, "cut.safetensors is no safetensors file"),
        ("ragged.npz", Invalid, "one vector, all of one length"),
        ("gap.npz", Invalid, "the vector of B is not of finite numbers"),
        ("none.npz", Missing, "There is no file"),
    ],
)
def test_a_broken_file_is_refused_with_the_cure(tmp_path: Path, name: str, error: type[SalusError], cure: str) -> None:
    for pickled in ("vectors.pkl", "vectors.npz"):
        (tmp_path / pickled).write_bytes(pickle.dumps(Trap(tmp_path / "ran.txt")))
    np.savez(tmp_path / "objects.npz", A=np.array([Trap(tmp_path / "ran.txt")], dtype=object))
    np.savez(tmp_path / "ragged.npz", A=np.zeros(2), B=np.zeros(3))
    np.savez(tmp_path / "gap.npz", A=np.zeros(2), B=np.array([1, np.nan]))
    (tmp_path / "cut.npz").write_bytes((tmp_path / "gap.npz").read_bytes()[:80])
    (tmp_path / "cut.safetensors").write_bytes(b"\xff" * 12)

    with pytest.raises(error, match=cure.replace("(", r"\(")):
        read_vectors(tmp_path / name)
    assert not (tmp_path / "ran.txt").exists()


def test_a_file_without_the_codes_of_the_events_is_refused(folder: Path) -> None:
    np.savez(folder / "others.npz", **{"DX//elsewhere": np.zeros(2)})
    with pytest.raises(Invalid, match=r"no vector for any of the \d+ codes in the events"):
        learn(folder, "others", task(embedding={"from": str(folder / "others.npz")}))


UNSAID = [{}, {"from": "a.npz", "learned": 4}, {"learned": -1}, {"learned": 4, "within_days": 0}]


@pytest.mark.parametrize("embedding", UNSAID)
def test_a_task_that_does_not_say_where_vectors_come_from_is_refused(embedding: dict) -> None:
    with pytest.raises(Invalid):
        task(embedding=embedding)


def test_surprise_is_what_its_definition_says_and_few_codes_learn_few_numbers() -> None:
    has = csr_matrix(np.array([[1, 1, 0], [1, 1, 0], [1, 0, 1], [0, 1, 1.0]]))
    pairs = np.array([[0, 2, 1], [2, 0, 1], [1, 1, 0]])
    often = pairs.sum(axis=0)
    with np.errstate(divide="ignore"):
        expected = np.maximum(np.log(pairs * pairs.sum() / np.outer(often, often)), 0)

    assert np.allclose(expected, surprise(has).toarray())
    assert (3, 2) == directions(surprise(has), 16).shape
    assert not directions(csr_matrix((2, 2)), 16).any()


def test_nothing_is_learned_where_nothing_comes_together() -> None:
    connection = duckdb.connect()
    connection.register("rows", pa.table({"subject_id": ["p0"], "at_us": [us(START)], "part": ["train"]}))
    connection.register("given", ordered(EVENTS[:1]))

    assert {} == learned_vectors(Embed(learned=4), SICK, connection, "given")
    assert {} == learned_vectors(Embed(learned=4, min_subjects=1), [EVENTS[0]["code"]], connection, "given")
