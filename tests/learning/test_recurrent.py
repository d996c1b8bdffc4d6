"""The recurrent net with decay: PyTorch and NumPy agree, the rows decide the weights, the parts say who did what."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from salus.base.errors import Malformed
from salus.learning.models import arrays, recurrent
from salus.learning.models.decay import CROWD, EACH, first_weights, kept_steps, state, steps_of
from salus.learning.models.family import Matrix, Setting, Shape, family, load_model
from salus.learning.models.recurrent import Recurrent
from salus.learning.models.stack import Member, Stack

NO_TORCH = pytest.mark.skipif(find_spec("torch") is None, reason="PyTorch is not installed: pip install 'salus[deep]'")
STEPS, CHANNELS = 7, 4
SHAPE = Shape(tabular=3, person=(0, 2), steps=STEPS, channels=CHANNELS)
QUICK = {**recurrent.DEFAULTS, "epochs": 6, "hidden": 12}


def series(rows: int, seed: int = 2) -> tuple[Matrix, np.ndarray]:
    """Features (age, a flag nobody reads, sex), then irregular series; channel 1 rises where the label is 1."""
    chance = np.random.default_rng(seed)
    y = (chance.random(rows) < 0.4).astype(np.int64)
    hours = np.sort(chance.uniform(0, 30, (rows, STEPS)), axis=1)[:, ::-1].copy()
    values = chance.normal(size=(rows, STEPS, CHANNELS))
    values[:, :, 1] += y[:, None] * np.linspace(0, 2, STEPS)
    values[chance.random(values.shape) < 0.5] = np.nan
    values[:, :, 3] = np.nan  # never measured
    nothing = np.isnan(values).all(axis=2)
    hours[nothing], values[nothing] = np.nan, np.nan
    laid = np.concatenate([hours[:, :, None], values], axis=2).reshape(rows, -1)
    person = np.column_stack([chance.normal(60, 10, rows), chance.random(rows), chance.random(rows) < 0.5])
    return np.hstack([person, laid]), y


@pytest.fixture(scope="module")
def fitted() -> tuple[Recurrent, Matrix, np.ndarray]:
    x, y = series(400)
    return recurrent.fit(x, y, Setting("binary", series=SHAPE), QUICK), x, y


@NO_TORCH
def test_it_learns_what_only_the_series_say(fitted: tuple[Recurrent, Matrix, np.ndarray]) -> None:
    x, y = series(400, seed=9)

    assert ((fitted[0].margins(x)[:, 0] > 0) == y).mean() > 0.7


@NO_TORCH
def test_numpy_answers_what_pytorch_does(fitted: tuple[Recurrent, Matrix, np.ndarray]) -> None:
    import torch

    from salus.learning.models.training import TORCH

    model, x, _ = fitted
    person, hours, values = model.form.split(x)
    steps = model.form.steps(hours, values, np.float32)
    parts = {name: torch.tensor(part, dtype=torch.float32) for name, part in vars(steps).items()}
    w = {name: torch.tensor(one, dtype=torch.float32) for name, one in model.weights.items()}
    hidden = state(TORCH, w, type(steps)(**parts))
    said = hidden @ w["answer"] + w["answer_base"] + torch.tensor(person, dtype=torch.float32) @ w["person"]

    assert np.allclose(said.numpy(), model.margins(x), atol=1e-5)


@NO_TORCH
def test_parts_sum_to_the_answer_and_what_was_never_measured_adds_nothing(
    fitted: tuple[Recurrent, Matrix, np.ndarray],
) -> None:
    model, x, _ = fitted
    parts = model.parts(x[:50])

    assert (50, 1, 3 + CHANNELS + 1) == parts.shape
    assert np.allclose(model.margins(x[:50]), parts.sum(axis=2), atol=1e-9)
    assert (parts[:, 0, [1, 3 + 3]] == 0).all()
    assert 3 + 1 == np.abs(parts[:, 0, 3:-1]).mean(axis=0).argmax() + 3
    assert np.ptp(parts[:, 0, -1]) == 0


@NO_TORCH
def test_parts_are_shapley_values_where_channels_act_in_pairs(fitted: tuple[Recurrent, Matrix, np.ndarray]) -> None:
    """Two channels seen: the value is the mean over both orders, whatever the net does."""
    model, x, _ = fitted
    row = x[:1].copy()
    laid = row[0, 3:].reshape(STEPS, 1 + CHANNELS)
    laid[:, [3, 4]] = np.nan
    laid[:, 0], laid[:, 1], laid[:, 2] = np.arange(STEPS)[::-1], 1.0, 2.0
    without, alone, nothing = row.copy(), row.copy(), row.copy()
    for one, gone in ((without, [1]), (alone, [2]), (nothing, [1, 2])):
        one[0, 3:].reshape(STEPS, 1 + CHANNELS)[:, gone] = np.nan
    full, a, b, none = (float(model.margins(one)[0, 0]) for one in (row, alone, without, nothing))

    assert np.allclose([(full - b + a - none) / 2, (full - a + b - none) / 2], model.parts(row)[0, 0, 3:5], atol=1e-5)


@NO_TORCH
def test_a_stack_of_a_net_and_others_sums_both(fitted: tuple[Recurrent, Matrix, np.ndarray], tmp_path: Path) -> None:
    net, x, y = fitted
    plain = family("logistic").fit(x[:, :3], y, Setting("binary"), {"strength": 0.1})
    Stack([Member("recurrent", 0.6), Member("logistic", 0.4, columns=3)], [net, plain]).save(tmp_path)
    both = load_model("stack", tmp_path)

    assert np.allclose(0.6 * net.margins(x) + 0.4 * plain.margins(x[:, :3]), both.margins(x))
    assert np.allclose(both.margins(x[:20]), both.parts(x[:20]).sum(axis=2), atol=1e-9)
    assert np.allclose(0.4 * plain.parts(x[:20, :3])[:, 0, 1], both.parts(x[:20])[:, 0, 1])


@NO_TORCH
def test_epochs_are_judged_on_other_subjects() -> None:
    from salus.learning.models.training import Training, lesson_of

    x, y = series(200)
    subject = np.array([f"p{i // 4}" for i in range(200)], dtype=object)
    setting = Setting("binary", series=SHAPE, subject=subject)
    learn, judge = Training(lesson_of(recurrent.form_of(x, y, setting), x, y, setting, QUICK), setting, QUICK)._apart(y)

    assert not set(subject[learn]) & set(subject[judge])
    assert 200 == len(learn) + len(judge)
    assert 0 < len(judge) < 100


@NO_TORCH
def test_it_is_looked_at_epoch_by_epoch() -> None:
    x, y = series(120)
    seen: list[float] = []
    recurrent.fit(x, y, Setting("binary", series=SHAPE, look=lambda share, margins: seen.append(share)), QUICK)

    assert seen[0] == 1 / 6
    assert seen == sorted(seen)


@NO_TORCH
def test_rare_classes_can_count_for_more() -> None:
    x, y = series(300)
    rare = np.where((y == 1) & (np.arange(300) % 5 > 0), 0, y)
    said = [
        recurrent.fit(x, rare, Setting("binary", series=SHAPE), {**QUICK, "balanced": power}).margins(x).mean()
        for power in (0.0, 1.0)
    ]

    assert said[0] + 0.2 < said[1]


def net(channels: int = CHANNELS) -> dict[str, Matrix]:
    return first_weights(channels, 6, 1, np.random.default_rng(1))


def test_the_time_since_runs_from_what_was_measured_last() -> None:
    """Two channels measured now and then, and one step more at the prediction time."""
    nan = np.nan
    hours = np.array([[24.0, 23.3, 22.4, 21.5, 20.8, 19.8, 18.8]]) + 0.0
    values = np.array([[[47, nan], [49, 15], [nan, 14], [40, nan], [nan, nan], [43, nan], [55, 15]]], dtype=float)
    steps = steps_of(hours, values / 60, 1.0)

    assert np.allclose([0, 0.7, 0.9, 1.8, 0, 1.7, 1.0, 18.8], steps.since[0, :, 0])
    assert np.allclose([0, 0.7, 0.9, 0.9, 0, 2.6, 3.6, 18.8], steps.since[0, :, 1])
    assert [1, 1, 1, 1, 0, 1, 1, 1] == steps.there[0].tolist()  # where nothing is measured is no step


def test_what_is_taken_away_is_as_if_it_had_never_been() -> None:
    x, _ = series(30)
    form = recurrent.form_of(x, np.zeros(30), Setting("binary", series=SHAPE))
    _, hours, values = form.split(x)
    kept = np.array([[True, True, False, True], [False, False, True, False], [False] * 4])
    for i in range(30):
        quick = kept_steps(form.steps(hours[i : i + 1], values[i : i + 1]), kept, form.unit)
        plain = form.steps(np.repeat(hours[i : i + 1], 3, axis=0), np.where(kept[:, None, :], values[i], np.nan))

        assert np.allclose(state(CROWD, net(), plain), state(CROWD, net(), quick), atol=1e-12)


def test_a_row_alone_has_the_bits_it_has_in_a_crowd() -> None:
    x, _ = series(40)
    form = recurrent.form_of(x, np.zeros(40), Setting("binary", series=SHAPE))
    _, hours, values = form.split(x)
    crowd = state(EACH, net(), form.steps(hours, values))

    for i in range(40):
        assert crowd[i].tobytes() == state(EACH, net(), form.steps(hours[i : i + 1], values[i : i + 1]))[0].tobytes()


def test_older_news_counts_less() -> None:
    """All decays open: what was seen long ago leaves no trace."""
    w = {**net(1), "decay": np.full((1, 6), 5.0), "fade": np.full(1, 5.0)}
    seen = [state(EACH, w, steps_of(np.array([[ago]]), np.array([[[3.0]]]), 1.0)) for ago in (0.01, 1000.0)]
    never = state(EACH, w, steps_of(np.array([[np.nan]]), np.array([[[np.nan]]]), 1.0))

    assert np.abs(seen[0] - never).max() > 0.02
    assert np.abs(seen[1] - never).max() < 1e-6


def test_arrays_come_back_from_their_file(tmp_path: Path) -> None:
    given = {
        "a": np.arange(6, dtype=np.float32).reshape(2, 3),
        "b": np.array(3.5),
        "c": np.zeros((0, 4)),
        "d": np.ones(2, bool),
    }
    arrays.save(tmp_path / "w.safetensors", given)
    again = arrays.load(tmp_path / "w.safetensors")

    assert {name: (one.dtype, one.shape, one.tobytes()) for name, one in given.items()} == {
        name: (one.dtype, one.shape, one.tobytes()) for name, one in again.items()
    }


def test_the_file_is_one_that_safetensors_reads(tmp_path: Path) -> None:
    other = pytest.importorskip("safetensors.numpy", reason="the package safetensors is not installed")
    arrays.save(tmp_path / "w.safetensors", {"a": np.arange(6, dtype=np.float32)})
    other.save_file({"b": np.arange(5, dtype=np.float64)}, tmp_path / "o.safetensors", metadata={"x": "y"})

    assert [0, 1, 2, 3, 4, 5] == other.load_file(tmp_path / "w.safetensors")["a"].tolist()
    assert [0, 1, 2, 3, 4] == arrays.load(tmp_path / "o.safetensors")["b"].tolist()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x80\x04\x95pickle........",
        (2).to_bytes(8, "little") + b"[]",
        (9).to_bytes(8, "little") + b'{"a": 1} ',
        (59).to_bytes(8, "little") + b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}     ' + b"1234",
        (61).to_bytes(8, "little") + b'{"a":{"dtype":"OBJ","shape":[1],"data_offsets":[0,4]}}       ' + b"1234",
    ],
)
def test_a_file_that_is_something_else_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "w.safetensors").write_bytes(content)

    with pytest.raises(Malformed, match="safetensors"):
        arrays.load(tmp_path / "w.safetensors")
