"""The graph of a deployed model: features in, calibrated probabilities (or the number) and margins out."""

from collections.abc import Callable
from typing import Any

import msgspec

from salus.base.errors import Unsupported
from salus.learning.models.boosting import Boosted
from salus.learning.models.family import Model
from salus.learning.models.grove import Grove
from salus.learning.models.scaled import Scaled
from salus.learning.models.stack import Stack
from salus.learning.step7_deploy.deployed import Deployed
from salus.learning.step7_deploy.onnx import wire
from salus.learning.step7_deploy.onnx.graph import Graph
from salus.learning.step7_deploy.onnx.linear import scaled
from salus.learning.step7_deploy.onnx.trees import boosted, grove


def onnx_of(deployed: Deployed) -> bytes:
    """The bytes of a .onnx file. Its input `features`: shape (rows, features), double, NaN where nothing is known.

    Outputs `probabilities` (rows, classes) and `margins` (rows, k; calibrated log-odds of yes, or of each class), or
    `value` (rows, 1). What the features are, the classes and the threshold stand in its metadata, as JSON.
    Raises Unsupported for a family that has no such form.
    """
    graph, bundle = Graph(), deployed.bundle
    said = margins(graph, deployed.model, bundle.family)
    if bundle.labels.kind == "number":
        graph.name_last("value", said)
        outputs = [("value", 1)]
    else:
        said = calibrated(graph, said, deployed)
        graph.name_last("margins", said)
        graph.name_last("probabilities", shares(graph, said, bundle.labels.kind))
        k = 1 if bundle.labels.kind == "binary" else len(deployed.classes)
        outputs = [("margins", k), ("probabilities", len(deployed.classes))]
    return wire.model(graph.message(len(deployed.features), outputs), told(deployed))


def stacked(graph: Graph, model: Stack) -> str:
    """The weighted sum of the members."""
    total = ""
    for member, own in zip(model.members, model.models, strict=True):
        one = graph.add("Mul", margins(graph, own, member.family), graph.constant(member.weight))
        total = graph.add("Add", total, one) if total else one
    return total


FORMS: tuple[tuple[type[Any], Callable[[Graph, Any], str]], ...] = (
    (Scaled, scaled),
    (Boosted, boosted),
    (Grove, grove),
    (Stack, stacked),
)


def margins(graph: Graph, model: Model, family: str) -> str:
    """The margins of a fitted model, shape (rows, k)."""
    for kind, form in FORMS:
        if isinstance(model, kind):
            return form(graph, model)
    raise Unsupported(
        f"A model of the family {family} has no ONNX form here: linear ones, trees, forests, boosted trees and stacks "
        "of them have; deploy it by Salus, or learn it again with --families logistic,lightgbm"
    )


def calibrated(graph: Graph, margins: str, deployed: Deployed) -> str:
    line = deployed.bundle.calibration
    assert line is not None  # every classifier is calibrated before it is deployed
    return graph.add("Add", graph.add("Mul", margins, graph.constant(line.slope)), graph.constant(line.shift))


def shares(graph: Graph, margins: str, kind: str) -> str:
    """Probabilities of calibrated margins."""
    if kind == "multiclass":
        return graph.add("Softmax", margins, axis=1)
    yes = graph.add("Sigmoid", margins)
    return graph.add("Concat", graph.add("Sub", graph.constant(1.0), yes), yes, axis=1)


def told(deployed: Deployed) -> dict[str, str]:
    """What a program must know to ask it."""
    about = {
        "name": deployed.name,
        "version": deployed.version,
        "kind": deployed.bundle.labels.kind,
        "classes": deployed.classes,
        "threshold": deployed.bundle.threshold,
        "features": deployed.features,
    }
    return {key: msgspec.json.encode(value).decode() for key, value in about.items()}
