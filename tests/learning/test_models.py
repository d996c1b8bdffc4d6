"""One battery for every family: fits, predicts, comes back with the same bits, refuses nonsense, explains itself."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from salus.base.errors import Invalid
from salus.learning.models.family import FAMILIES, Family, Matrix, Setting, families_for, family
from salus.learning.survival.follow import Follow
from salus.learning.survival.pairs import Pairs

NO_TORCH = pytest.mark.skipif(find_spec("torch") is None, reason="PyTorch is not installed: pip install 'salus[deep]'")
CASES = [
    pytest.param(name, kind, marks=[NO_TORCH] if family(name).series else [])
    for name in FAMILIES
    for kind in sorted(family(name).kinds)
]


def data(kind: str) -> tuple[Matrix, np.ndarray, Setting]:
    chance = np.random.default_rng(3)
    x = chance.normal(size=(400, 6))
    score = 2 * x[:, 0] - x[:, 1] + 0.3 * chance.normal(size=400)
    x[chance.random(x.shape) < 0.1] = np.nan
    if kind == "number":
        return x, score * 10 + 50, Setting("number", 1)
    if kind == "survival":
        time, lost = chance.exponential(np.exp(1 - score)), chance.uniform(1, 12, size=400)
        lived = np.column_stack([np.minimum(time, lost), time <= lost]).astype(np.float64)
        return x, lived, Setting("survival", 2, times=(2.0, 4.0, 6.0))
    cuts = [0] if kind == "binary" else [-1, 1]
    return x, np.digitize(score, cuts), Setting("binary" if kind == "binary" else "multiclass", len(cuts) + 1)


def fitted(made: Family, kind: str):
    x, y, setting = data(kind)
    return made.fit(x, y, setting, dict(made.defaults)), x, y


def share_right(margins: Matrix, y: np.ndarray, kind: str) -> float:
    if kind == "number":
        return float(np.corrcoef(margins[:, 0], y)[0, 1])
    if kind == "survival":
        return Pairs(Follow.of(y), margins[:, -1]).share(np.ones(len(y)))
    guess = (margins[:, 0] > 0).astype(int) if kind == "binary" else margins.argmax(axis=1)
    return float((guess == y).mean())


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_a_family_learns_what_is_plainly_there(name: str, kind: str) -> None:
    model, x, y = fitted(family(name), kind)

    assert 0.65 < share_right(model.margins(x), y, kind)


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_a_family_comes_back_from_its_files_with_the_same_bits(name: str, kind: str, tmp_path: Path) -> None:
    model, x, _ = fitted(family(name), kind)
    model.save(tmp_path)
    again = family(name).load(tmp_path)

    assert model.margins(x).tobytes() == again.margins(x).tobytes()
    assert model.margins(x)[7].tobytes() == again.margins(x[7:8])[0].tobytes()


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_the_parts_of_an_answer_sum_to_the_answer(name: str, kind: str) -> None:
    model, x, _ = fitted(family(name), kind)
    parts = model.parts(x)

    assert np.allclose(model.margins(x), parts.sum(axis=2), atol=1e-9)
    assert {0, 1} & set(np.abs(parts[:, 0, :-1]).mean(axis=0).argsort()[-2:].tolist())


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_a_family_learns_the_same_twice(name: str, kind: str) -> None:
    first, x, _ = fitted(family(name), kind)
    second, _, _ = fitted(family(name), kind)

    assert first.margins(x).tobytes() == second.margins(x).tobytes()


NONSENSE = [
    (np.empty((0, 3)), np.empty(0), "nothing to learn from"),
    (np.full((4, 2), np.inf), np.array([0, 1, 0, 1]), "infinite"),
    (np.ones((4, 2)), np.array([0, 1]), "4 rows but 2 labels"),
    (np.ones((4, 2)), np.ones(4), "All labels are the same"),
]


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize(("x", "y", "words"), NONSENSE)
def test_a_family_refuses_nonsense(name: str, x: Matrix, y: np.ndarray, words: str) -> None:
    kinds = family(name).kinds
    kind = "binary" if "binary" in kinds else "number" if "number" in kinds else "survival"
    if kind == "number" and "same" in words:
        pytest.skip("a constant number is a dull but lawful target")
    if kind == "survival":
        y = np.column_stack([y + 1.0, np.zeros(len(y)) if "same" in words else y])
    with pytest.raises(Invalid, match=words):
        family(name).fit(x, y, Setting(kind, times=(1.0, 2.0)), dict(family(name).defaults))


def test_an_unknown_family_is_named_beside_the_known_ones() -> None:
    with pytest.raises(Invalid, match="'magic' is no model family: take one of logistic"):
        family("magic")


def test_every_kind_of_question_has_several_families() -> None:
    known = ["logistic", "elastic", "bayes", "neighbours", "tree", "forest", "svm", "additive", "lightgbm"]
    assert known == families_for("binary")
    assert {"linear", "elastic", "neighbours", "additive"} < set(families_for("number"))
    assert ["cox", "survival_forest", "hazards"] == families_for("survival")


@pytest.mark.parametrize("name", families_for("survival"))
def test_a_risk_never_falls_with_time_and_its_base_is_the_same_for_all(name: str) -> None:
    model, x, _ = fitted(family(name), "survival")

    assert (np.diff(model.margins(x), axis=1) >= 0).all()
    assert np.allclose(model.parts(x)[0, :, -1], model.parts(x)[:, :, -1], atol=1e-7)
