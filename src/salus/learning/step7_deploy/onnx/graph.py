"""A graph under construction: nodes, and numbers that they need."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from salus.learning.step7_deploy.onnx import wire

INPUT = "features"


class Graph:
    """Each call adds a node and gives the name of what comes out."""

    def __init__(self) -> None:
        self.nodes, self.numbers, self.count = list[bytes](), list[bytes](), 0

    def constant(self, values: Any, kind: str = "float64") -> str:
        self.numbers.append(wire.tensor(name := self._name("number"), np.asarray(values, dtype=kind)))
        return name

    def add(self, op: str, *inputs: str, domain: str = "", **given: Any) -> str:
        """A node with one output."""
        self.nodes.append(wire.node(op, inputs, [name := self._name(op.lower())], domain, **given))
        return name

    def name_last(self, name: str, of: str) -> None:
        """Give an output of the graph its name."""
        self.nodes.append(wire.node("Identity", [of], [name]))

    def message(self, columns: int, outputs: Sequence[tuple[str, int]]) -> bytes:
        """GraphProto: `columns` features in, some outputs (name, columns) out, all of double precision."""
        body = wire.repeated(1, self.nodes) + wire.field(2, "salus") + wire.repeated(5, self.numbers)
        told = [wire.value_info(name, "float64", wide) for name, wide in outputs]
        return body + wire.field(11, wire.value_info(INPUT, "float64", columns)) + wire.repeated(12, told)

    def _name(self, about: str) -> str:
        self.count += 1
        return f"{about}_{self.count}"


Floats = npt.NDArray[np.float64]
