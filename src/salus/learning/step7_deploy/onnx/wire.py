"""The few messages of ONNX that a model needs, in the wire format of protocol buffers.

https://github.com/onnx/onnx/blob/main/onnx/onnx.proto  https://protobuf.dev/programming-guides/encoding/
A message is bytes; `field` puts one field of one together. The numbers are those of onnx.proto.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Value = int | float | str | bytes
TENSORS = {"float32": 1, "int64": 7, "bool": 9, "float64": 11}  # TensorProto.DataType
IR, OPSETS = 10, {"": 18, "ai.onnx.ml": 3}


def varint(number: int) -> bytes:
    """Seven bits a byte, the least first; negative numbers as 64 bits.

    >>> varint(300), len(varint(-1))
    (b'\\xac\\x02', 10)
    """
    number &= (1 << 64) - 1
    made = bytearray()
    while number > 127:
        made.append(number & 127 | 128)
        number >>= 7
    return bytes([*made, number])


def field(number: int, value: Value) -> bytes:
    """One field: a whole number as varint, a float as 32 bits, text and messages with their length."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, float):
        return varint(number << 3 | 5) + np.float32(value).tobytes()
    body = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(body)) + body


def repeated(number: int, values: Iterable[Value]) -> bytes:
    return b"".join(field(number, value) for value in values)


def tensor(name: str, array: npt.NDArray[Any]) -> bytes:
    """TensorProto."""
    body = np.asarray(array, order="C")
    return repeated(1, body.shape) + field(2, TENSORS[body.dtype.name]) + field(8, name) + field(9, body.tobytes())


def attribute(name: str, value: Value | npt.NDArray[Any] | Sequence[Any]) -> bytes:
    """AttributeProto: a number, a text, a tensor, or several numbers or texts."""
    start = field(1, name)
    if isinstance(value, np.ndarray):
        return start + field(5, tensor(name, value)) + field(20, 4)
    if isinstance(value, int):
        return start + field(3, value) + field(20, 2)
    if isinstance(value, str):
        return start + field(4, value) + field(20, 3)
    if value and isinstance(value[0], str):  # type: ignore[index]
        return start + repeated(9, value) + field(20, 8)  # type: ignore[arg-type]
    return start + repeated(8, [int(one) for one in value]) + field(20, 7)  # type: ignore[union-attr]


def node(op: str, inputs: Sequence[str], outputs: Sequence[str], domain: str = "", **given: Any) -> bytes:
    """NodeProto. `given`: its attributes."""
    attributes = b"".join(field(5, attribute(name, value)) for name, value in given.items())
    return repeated(1, inputs) + repeated(2, outputs) + field(4, op) + attributes + field(7, domain)


def value_info(name: str, kind: str, columns: int) -> bytes:
    """ValueInfoProto of a matrix of any number of rows."""
    shape = field(1, field(2, "rows")) + field(1, field(1, columns))
    return field(1, name) + field(2, field(1, field(1, TENSORS[kind]) + field(2, shape)))


def model(graph: bytes, told: Mapping[str, str]) -> bytes:
    """ModelProto. `told`: what a program that reads it may want to know, by name."""
    opsets = b"".join(field(8, field(1, domain) + field(2, version)) for domain, version in OPSETS.items())
    notes = b"".join(field(14, field(1, key) + field(2, text)) for key, text in told.items())
    return field(1, IR) + field(2, "salus") + field(7, graph) + opsets + notes
