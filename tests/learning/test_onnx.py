"""Models as ONNX files: ONNX Runtime answers what we do; what has no such form says so."""

import csv
from pathlib import Path

import msgspec
import numpy as np
import pytest
from typer.testing import CliRunner

from salus.base.errors import Unsupported
from salus.cli import terminal
from salus.learning.learn import learn_table
from salus.learning.models.family import Matrix
from salus.learning.step7_deploy import Deployed, Registry
from salus.learning.step7_deploy.onnx import onnx_of
from salus.learning.step7_deploy.onnx.wire import attribute, field, node
from salus.learning.task import Budget


def table(path: Path, kind: str) -> Matrix:
    """A table with gaps; its features as numbers."""
    chance = np.random.default_rng(2)
    x = chance.normal(size=(400, 4)).round(3)
    score = 2 * x[:, 0] - x[:, 1] + 0.5 * chance.normal(size=400)
    x[chance.random(x.shape) < 0.15] = np.nan
    target = {"binary": score > 0.5, "multiclass": np.digitize(score, [-1, 1]), "number": score.round(4)}[kind]
    said = [("low", "middle", "high")[int(one)] if kind == "multiclass" else str(one) for one in target]
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = [["" if value != value else value for value in row] + [one] for row, one in zip(x, said, strict=True)]
        csv.writer(file).writerows([["a", "b", "c", "d", "target"], *rows])
    return x


def learned(folder: Path, kind: str, families: list[str], stack: bool = False) -> tuple[Deployed, Matrix]:
    x = table(folder / "t.csv", kind)
    budget = Budget(seconds=0)
    made = learn_table(
        folder / "t.csv", "target", folder / "registry", name="m", families=families, stack=stack, budget=budget
    )
    return Registry(folder / "registry").load("m", made.version), x


CASES = [
    ("logistic", "binary"),
    ("logistic", "multiclass"),
    ("linear", "number"),
    ("svm", "binary"),
    ("tree", "multiclass"),
    ("forest", "binary"),
    ("forest", "number"),
    ("additive", "binary"),
    ("lightgbm", "binary"),
    ("lightgbm", "multiclass"),
    ("lightgbm", "number"),
]


def answers(content: bytes, x: Matrix) -> dict[str, Matrix]:
    runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed: nobody reads the file")
    session = runtime.InferenceSession(content, providers=["CPUExecutionProvider"])
    names = [one.name for one in session.get_outputs()]
    return dict(zip(names, session.run(names, {"features": x}), strict=True))


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_onnx_runtime_answers_what_we_do(name: str, kind: str, tmp_path: Path) -> None:
    deployed, x = learned(tmp_path, kind, [name])
    said = answers(onnx_of(deployed), x)
    margins = deployed.model.margins(x)
    if kind == "number":
        assert np.allclose(margins, said["value"], rtol=1e-5, atol=1e-5)
        return
    line = deployed.bundle.calibration
    assert line is not None
    assert np.allclose(line.probabilities(margins), said["probabilities"], atol=1e-5)
    assert np.allclose(line.margins(margins), said["margins"], rtol=1e-5, atol=1e-5)


def test_a_stack_is_one_file(tmp_path: Path) -> None:
    deployed, x = learned(tmp_path, "binary", ["logistic", "lightgbm", "forest"], stack=True)
    line = deployed.bundle.calibration
    assert line is not None

    assert np.allclose(
        line.probabilities(deployed.model.margins(x)), answers(onnx_of(deployed), x)["probabilities"], atol=1e-5
    )


def test_the_file_says_what_to_ask_it(tmp_path: Path) -> None:
    runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed: nobody reads the file")
    deployed, _ = learned(tmp_path, "binary", ["logistic"])
    told = runtime.InferenceSession(onnx_of(deployed)).get_modelmeta().custom_metadata_map

    assert [one.name for one in deployed.features] == [one["name"] for one in msgspec.json.decode(told["features"])]
    assert deployed.classes == msgspec.json.decode(told["classes"])
    assert deployed.bundle.threshold == msgspec.json.decode(told["threshold"])


def test_a_family_without_such_a_form_says_so(tmp_path: Path) -> None:
    deployed, _ = learned(tmp_path, "binary", ["bayes"])

    with pytest.raises(Unsupported, match="family bayes has no ONNX form"):
        onnx_of(deployed)


def test_the_terminal_writes_the_file_and_not_over_another(tmp_path: Path) -> None:
    deployed, x = learned(tmp_path, "binary", ["logistic"])
    file = tmp_path / "m.onnx"
    ask = ["models", "export", "m", "--format", "onnx", "--to", str(file), "--registry", str(tmp_path / "registry")]
    first, second = (CliRunner().invoke(terminal(["models"]), ask) for _ in range(2))

    assert 0 == first.exit_code
    assert onnx_of(deployed) == file.read_bytes()
    assert "m.onnx" in first.output
    assert second.exit_code != 0
    assert 400 == len(answers(file.read_bytes(), x)["probabilities"])


def test_messages_are_those_of_protocol_buffers() -> None:
    """Bytes worked out by hand from the encoding's own page."""
    assert b"\x08\x96\x01" == field(1, 150)
    assert b"\x12\x07testing" == field(2, "testing")
    assert b"\x0d\x00\x00\x80\x3f" == field(1, 1.0)
    assert b"\n\x04axis" + b"\x18\x01" + b"\xa0\x01\x02" == attribute("axis", 1)
    assert b"\n\x01a\x12\x01b\x22\x03Add:\x00" == node("Add", ["a"], ["b"])
