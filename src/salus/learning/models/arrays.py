"""Named arrays in a file, in the safetensors format: a header of JSON, then plain numbers; nothing in it can run.

https://github.com/huggingface/safetensors#format  Eight bytes say how long the header is; it says of each array its
type, shape and place.
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from salus.base.errors import Malformed

Arrays = Mapping[str, npt.NDArray[Any]]
TYPES = {"F64": "<f8", "F32": "<f4", "I64": "<i8", "BOOL": "|b1"}
NAMES = {text: name for name, text in TYPES.items()}
MOST_HEADER = 100_000_000  # bytes


class Entry(msgspec.Struct):
    """Of one array in the header."""

    dtype: str
    shape: list[int]
    data_offsets: tuple[int, int]


def save(path: Path, arrays: Arrays) -> None:
    """Write arrays of the types above, in the order of their names."""
    entries, bodies, at = {}, list[bytes](), 0
    for name in sorted(arrays):
        body = np.asarray(arrays[name], order="C")
        bodies.append(body.tobytes())
        entries[name] = Entry(NAMES[body.dtype.str], list(body.shape), (at, at + body.nbytes))
        at += body.nbytes
    header = msgspec.json.encode(entries)
    header += b" " * (-len(header) % 8)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(len(header).to_bytes(8, "little") + header + b"".join(bodies))


def load(path: Path) -> dict[str, npt.NDArray[Any]]:
    """The arrays of a file. Raises Malformed where it is not what its header says."""
    whole = path.read_bytes()
    size = int.from_bytes(whole[:8], "little")
    if len(whole) < 8 or size > min(MOST_HEADER, len(whole) - 8):
        raise Malformed(f"{path.name} is no safetensors file: its header is longer than the file")
    try:
        header = msgspec.json.decode(whole[8 : 8 + size], type=dict[str, Any])
        header.pop("__metadata__", None)
        entries = msgspec.convert(header, dict[str, Entry])
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Malformed(f"{path.name} is no safetensors file: {error}") from error
    return {name: array_of(path.name, entry, memoryview(whole)[8 + size :]) for name, entry in entries.items()}


def array_of(file: str, entry: Entry, body: memoryview) -> npt.NDArray[Any]:
    """One array, copied out."""
    first, last = entry.data_offsets
    kind = np.dtype(TYPES.get(entry.dtype, "V0"))
    if not (
        kind.itemsize and 0 <= first <= last <= len(body) and last - first == math.prod(entry.shape) * kind.itemsize
    ):
        raise Malformed(f"{file} is no safetensors file we can read: {entry.dtype} of shape {entry.shape} does not fit")
    return np.frombuffer(body[first:last], dtype=kind).reshape(entry.shape).copy()
