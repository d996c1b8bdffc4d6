"""Trees as nodes of TreeEnsembleRegressor. https://onnx.ai/onnx/operators/onnx_aionnxml_TreeEnsembleRegressor.html

Thresholds and leaves are of double precision; the operator gives its sum in single precision.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from salus.learning.models.boosting import Boosted
from salus.learning.models.grove import Grove
from salus.learning.step7_deploy.onnx.graph import INPUT, Graph

ML = "ai.onnx.ml"


@dataclass
class Trees:
    """The rows of the operator: of each node, and of what its leaves add to which margin."""

    tree: list[int] = field(default_factory=list)
    node: list[int] = field(default_factory=list)
    feature: list[int] = field(default_factory=list)
    threshold: list[float] = field(default_factory=list)
    mode: list[str] = field(default_factory=list)
    yes: list[int] = field(default_factory=list)
    no: list[int] = field(default_factory=list)
    gap_yes: list[int] = field(default_factory=list)
    leaves: list[tuple[int, int, int, float]] = field(default_factory=list)  # tree, node, margin, what it adds

    def fork(self, tree: int, node: int, feature: int, threshold: float, yes: int, no: int, gap_yes: bool) -> None:
        rows = (tree, node, feature, threshold, "BRANCH_LEQ", yes, no, int(gap_yes))
        for column, value in zip(self._columns(), rows, strict=True):
            column.append(value)

    def leaf(self, tree: int, node: int, adds: dict[int, float]) -> None:
        for column, value in zip(self._columns(), (tree, node, 0, 0.0, "LEAF", 0, 0, 0), strict=True):
            column.append(value)
        self.leaves += [(tree, node, margin, value) for margin, value in adds.items()]

    def _columns(self) -> list[list[Any]]:
        return [self.tree, self.node, self.feature, self.threshold, self.mode, self.yes, self.no, self.gap_yes]

    def put(self, graph: Graph, source: str, margins: int) -> str:
        """The sum over all trees, shape (rows, margins)."""
        tree, node, margin, adds = zip(*self.leaves, strict=True)
        said = graph.add(
            "TreeEnsembleRegressor",
            source,
            domain=ML,
            n_targets=margins,
            nodes_treeids=self.tree,
            nodes_nodeids=self.node,
            nodes_featureids=self.feature,
            nodes_values_as_tensor=np.array(self.threshold),
            nodes_modes=self.mode,
            nodes_truenodeids=self.yes,
            nodes_falsenodeids=self.no,
            nodes_missing_value_tracks_true=self.gap_yes,
            target_treeids=tree,
            target_nodeids=node,
            target_ids=margin,
            target_weights_as_tensor=np.array(adds),
        )
        return graph.add("Cast", said, to=11)


def boosted(graph: Graph, model: Boosted) -> str:
    """The margins of boosted trees; of several copies their mean."""
    made, number, copies = Trees(), 0, model.boosters
    for booster in copies:
        for place, tree in enumerate(booster.dump_model()["tree_info"]):
            for node, (own, yes, no) in enumerate(numbered(tree["tree_structure"])):
                if yes is None or no is None:
                    made.leaf(number, node, {place % model.k: own["leaf_value"] / len(copies)})
                else:
                    made.fork(number, node, own["split_feature"], own["threshold"], yes, no, gap_goes_left(own))
            number += 1
    return made.put(graph, INPUT, model.k)


def gap_goes_left(own: dict[str, Any]) -> bool:
    """Where LightGBM sends what is not known: as the node says, or as if it were 0."""
    return bool(own["default_left"]) if own["missing_type"] == "NaN" else 0.0 <= own["threshold"]


def numbered(root: dict[str, Any]) -> Iterator[tuple[dict[str, Any], int | None, int | None]]:
    """Nodes in the order of their numbers, with the numbers of their two children; a leaf has none."""
    waiting, following = [root], 1
    for own in waiting:  # grows while it is gone through
        if "left_child" in own:
            waiting += [own["left_child"], own["right_child"]]
            yield own, following, following + 1
            following += 2
        else:
            yield own, None, None


def grove(graph: Graph, model: Grove) -> str:
    """The margins of a tree or a forest. Features are compared in single precision, as they were when it grew."""
    made, ends = Trees(), [*model.roots[1:].tolist(), len(model.feature)]
    for number, (start, end) in enumerate(zip(model.roots.tolist(), ends, strict=True)):
        for place in range(start, end):
            left, right = int(model.left[place]), int(model.right[place])
            if left == place:
                adds = model.margin[place] / len(model.roots)
                made.leaf(number, place - start, {k: float(one) for k, one in enumerate(adds)})
            else:
                asked = int(model.feature[place]), float(model.threshold[place])
                made.fork(number, place - start, *asked, left - start, right - start, bool(model.gap_left[place]))
    single = graph.add("Cast", graph.add("Cast", INPUT, to=1), to=11)
    return made.put(graph, single, model.margin.shape[1])
