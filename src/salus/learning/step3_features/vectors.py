"""Vectors of codes from a file that cannot run anything: npz without pickle, or safetensors."""

import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from salus.base.errors import Invalid, Malformed, Missing, SalusError, Unsupported
from salus.learning.models import arrays

Vectors = dict[str, npt.NDArray[Any]]
MOST_BYTES = 4_000_000_000  # of what an npz file unpacks to
MOST = 1e30  # of a number of a vector
PAIR = {"codes", "vectors"}  # the other form of an npz file: two arrays, a row of `vectors` for each of `codes`
CURE = "save it without pickle: numpy.savez('vectors.npz', codes=numpy.array([...]), vectors=numpy.array([[...]]))"


def read_vectors(path: Path) -> Vectors:
    """Code -> vector, all of one length. Raises Missing, Unsupported (another kind of file), Malformed or Invalid."""
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise Unsupported(
            f"{path.name}: only .npz and .safetensors are read; a pickle, whatever it is called (.pkl, .pt, .bin, "
            f".joblib), can run code when it is opened. Open it where you trust it and {CURE}",
            path="features.embedding.from",
        )
    if not path.is_file():
        raise Missing(f"There is no file {path}: name the vectors by a path, or beside the task", path="from")
    return checked(path.name, reader(path))


def from_npz(path: Path) -> Vectors:
    """Arrays by code, or `codes` and `vectors`."""
    try:
        with zipfile.ZipFile(path) as packed:
            size = sum(one.file_size for one in packed.infolist())
        if size > MOST_BYTES:
            raise Malformed(f"{path.name} unpacks to {size:,} bytes, more than {MOST_BYTES:,}: keep the codes you have")
        with np.load(path, allow_pickle=False) as saved:
            found = {name: saved[name] for name in saved.files}
    except SalusError:
        raise
    except Exception as error:  # whatever a broken archive makes NumPy and zipfile say
        raise Malformed(
            f"{path.name} holds no plain arrays ({error}). It may be a pickle, which is never opened: {CURE}",
            path="features.embedding.from",
        ) from error
    return by_code(path.name, found) if PAIR == set(found) else found


def by_code(name: str, found: Mapping[str, npt.NDArray[Any]]) -> Vectors:
    codes, vectors = found["codes"], found["vectors"]
    if codes.ndim != 1 or codes.dtype.kind != "U" or vectors.ndim != 2 or len(codes) != len(vectors):
        raise Malformed(f"{name}: `codes` of shape {codes.shape} do not fit `vectors` of shape {vectors.shape}: {CURE}")
    return dict(zip(codes.tolist(), vectors, strict=True))


READERS: Mapping[str, Callable[[Path], Vectors]] = {".npz": from_npz, ".safetensors": arrays.load}


def checked(name: str, found: Vectors) -> Vectors:
    """The vectors, once they are numbers, finite and equally long."""
    lengths = {one.shape for one in found.values()}
    if len(lengths) != 1 or len(length := lengths.pop()) != 1 or not length[0]:
        raise Invalid(f"{name}: give each code one vector, all of one length", path="features.embedding.from")
    if bad := [code for code, one in found.items() if not is_sound(one)]:
        raise Invalid(f"{name}: the vector of {bad[0]} is not of finite numbers", path="features.embedding.from")
    return found


def is_sound(vector: npt.NDArray[Any]) -> bool:
    """Whether it is of numbers that four bytes hold.

    >>> is_sound(np.array([1.5, -2])), is_sound(np.array([np.nan])), is_sound(np.array(["a"]))
    (True, False, False)
    """
    return vector.dtype.kind in "fiu" and bool((np.abs(vector) < MOST).all())
