"""A linear model with a term for what is not known, as matrix products."""

import numpy as np

from salus.learning.models.scaled import LIMIT, Scaled
from salus.learning.step7_deploy.onnx.graph import INPUT, Graph


def scaled(graph: Graph, model: Scaled) -> str:
    """The margins, shape (rows, k)."""
    features = len(model.mean)
    gaps = graph.add("IsNaN", INPUT)
    from_mean = graph.add("Sub", INPUT, graph.constant(model.mean))
    stretched = graph.add("Div", from_mean, graph.constant(model.scale))
    known = graph.add("Where", gaps, graph.constant(0.0), stretched)
    values = graph.add("Clip", known, graph.constant(-LIMIT), graph.constant(LIMIT))
    share = graph.add("Sub", graph.add("Cast", gaps, to=11), graph.constant(model.gap))
    told = np.where(model.gap > 0, model.weights[:, features:], 0.0)
    by_value = graph.add("MatMul", values, graph.constant(model.weights[:, :features].T))
    by_gap = graph.add("MatMul", share, graph.constant(told.T))
    return graph.add("Add", graph.add("Add", by_value, by_gap), graph.constant(model.base))
