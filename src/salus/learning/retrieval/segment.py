"""One part of an index: documents and, for each token of each field, which of them hold it.

Never changed, only replaced. Kept as NumPy's `.npz` without pickles: reading one runs nothing. Without a document means
without every byte of it: the tokens that only it had go too.
"""

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import msgspec
import numpy as np
import zstandard
from numpy.typing import NDArray

Numbers = NDArray[np.float32]
Rows = NDArray[np.uint32]
PART = "\t"  # between the name of a field and a token
MOST = 255  # times that a token counts in a document


@dataclass(frozen=True, slots=True)
class Document:
    """Tokens by field to find it by, numbers to filter by, and what is handed back, which the index never reads."""

    id: str
    fields: Mapping[str, Sequence[str]]
    numbers: Mapping[str, float] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True)
class Segment:
    """Postings of token t stand at `starts[t]:starts[t + 1]` in `rows` (documents) and `counts` (times, to 255)."""

    ids: list[str]
    fields: list[str]
    columns: list[str]
    tokens: list[str]
    starts: NDArray[np.uint64]
    rows: Rows
    counts: NDArray[np.uint8]
    lengths: NDArray[np.uint32]  # fields x documents
    numbers: Numbers  # columns x documents, NaN where nothing is known
    ends: NDArray[np.uint64]
    bodies: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def place(self) -> dict[str, int]:
        return {token: at for at, token in enumerate(self.tokens)}

    @cached_property
    def row(self) -> dict[str, int]:
        return {one: at for at, one in enumerate(self.ids)}

    def postings(self, field: str, token: str) -> tuple[Rows, NDArray[np.uint8]]:
        """The documents with a token in a field, and how often."""
        at = self.place.get(f"{field}{PART}{token}")
        if at is None:
            return self.rows[:0], self.counts[:0]
        span = slice(int(self.starts[at]), int(self.starts[at + 1]))
        return self.rows[span], self.counts[span]

    def length(self, field: str) -> NDArray[np.uint32]:
        if field not in self.fields:
            return np.zeros(len(self), np.uint32)
        found: NDArray[np.uint32] = self.lengths[self.fields.index(field)]
        return found

    def column(self, name: str) -> Numbers:
        if name not in self.columns:
            return np.full(len(self), np.nan, np.float32)
        found: Numbers = self.numbers[self.columns.index(name)]
        return found

    def body(self, row: int) -> bytes:
        begin = int(self.ends[row - 1]) if row else 0
        return zstandard.ZstdDecompressor().decompress(self.bodies[begin : int(self.ends[row])].tobytes())

    def save(self, file: Path) -> None:
        names = {"ids": self.ids, "fields": self.fields, "columns": self.columns, "tokens": self.tokens}
        told = np.frombuffer(zstandard.ZstdCompressor(level=3).compress(msgspec.msgpack.encode(names)), np.uint8)
        with file.open("wb") as out:
            np.savez(out, names=told, **{name: getattr(self, name) for name in ARRAYS})

    @classmethod
    def load(cls, file: Path) -> "Segment":
        """Raises OSError, ValueError, KeyError for what is no segment."""
        with np.load(file, allow_pickle=False) as kept:
            told = msgspec.msgpack.decode(zstandard.ZstdDecompressor().decompress(kept["names"].tobytes()))
            return cls(**told, **{name: kept[name] for name in ARRAYS})


ARRAYS = ("starts", "rows", "counts", "lengths", "numbers", "ends", "bodies")


class Builder:
    """Documents taken in one after another; `done` puts them in the order of tokens."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.place: dict[str, int] = {}
        self.tokens, self.rows, self.counts, self.ends = array("I"), array("I"), array("B"), array("Q")
        self.lengths: dict[str, dict[int, int]] = {}
        self.numbers: dict[str, dict[int, float]] = {}
        self.bodies = bytearray()
        self.press = zstandard.ZstdCompressor(level=3)

    def take(self, document: Document) -> None:
        row = len(self.ids)
        self.ids.append(document.id)
        for name, found in document.fields.items():
            self.lengths.setdefault(name, {})[row] = len(found)
            self._post(row, name + PART, Counter(found))
        for name, value in document.numbers.items():
            self.numbers.setdefault(name, {})[row] = value
        self.bodies += self.press.compress(document.body)
        self.ends.append(len(self.bodies))

    def _post(self, row: int, field: str, found: Counter[str]) -> None:
        place = self.place
        self.tokens.extend([place.setdefault(field + token, len(place)) for token in found])
        self.counts.extend([min(count, MOST) for count in found.values()])
        self.rows.extend([row] * len(found))

    def done(self) -> Segment:
        tokens = np.frombuffer(self.tokens, np.uint32) if self.tokens else np.zeros(0, np.uint32)
        order = np.argsort(tokens, kind="stable")
        held = np.bincount(tokens, minlength=len(self.place))
        return Segment(
            ids=self.ids,
            fields=list(self.lengths),
            columns=list(self.numbers),
            tokens=list(self.place),
            starts=np.concatenate([[0], np.cumsum(held)]).astype(np.uint64),
            rows=np.array(self.rows, np.uint32)[order],
            counts=np.array(self.counts, np.uint8)[order],
            lengths=table(self.lengths, len(self.ids), 0).astype(np.uint32),
            numbers=table(self.numbers, len(self.ids), np.nan).astype(np.float32),
            ends=np.array(self.ends, np.uint64),
            bodies=np.frombuffer(bytes(self.bodies), np.uint8),
        )


def table(found: Mapping[str, Mapping[int, float]], width: int, otherwise: float) -> NDArray[np.float64]:
    """One line for each name, `otherwise` where a document says nothing."""
    made = np.full((len(found), width), otherwise)
    for at, values in enumerate(found.values()):
        made[at, list(values)] = list(values.values())
    return made


def built(documents: Iterable[Document]) -> Segment:
    """
    >>> part = built([Document("a", {"words": ["cough", "cough"]}), Document("b", {"words": ["fever"]})])
    >>> part.postings("words", "cough")[0].tolist(), part.postings("words", "cough")[1].tolist()
    ([0], [2])
    """
    builder = Builder()
    for one in documents:
        builder.take(one)
    return builder.done()


def merged(parts: Sequence[tuple[Segment, NDArray[np.bool_]]]) -> Segment:
    """The documents that are kept of several segments as one; tokens that none of them holds are gone."""
    fields = list(dict.fromkeys(name for part, _ in parts for name in part.fields))
    columns = list(dict.fromkeys(name for part, _ in parts for name in part.columns))
    place: dict[str, int] = {}
    tokens, rows, counts, before = [], [], [], 0
    for part, keep in parts:
        number = np.array([place.setdefault(token, len(place)) for token in part.tokens], np.uint32)
        owner = np.repeat(number, np.diff(part.starts).astype(np.int64))
        moved = np.cumsum(keep) - 1 + before
        still = keep[part.rows]
        tokens.append(owner[still])
        rows.append(moved[part.rows[still]].astype(np.uint32))
        counts.append(part.counts[still])
        before += int(keep.sum())
    owner = np.concatenate(tokens)
    held = np.bincount(owner, minlength=len(place))
    order = np.argsort(owner, kind="stable")
    bodies = [body for part, keep in parts for body in _bodies(part, keep)]
    return Segment(
        ids=[one for part, keep in parts for one, kept in zip(part.ids, keep, strict=True) if kept],
        fields=fields,
        columns=columns,
        tokens=[token for token, count in zip(place, held, strict=True) if count],
        starts=np.concatenate([[0], np.cumsum(held[held > 0])]).astype(np.uint64),
        rows=np.concatenate(rows)[order],
        counts=np.concatenate(counts)[order],
        lengths=np.stack([np.concatenate([part.length(name)[keep] for part, keep in parts]) for name in fields])
        if fields
        else np.zeros((0, before), np.uint32),
        numbers=np.stack([np.concatenate([part.column(name)[keep] for part, keep in parts]) for name in columns])
        if columns
        else np.zeros((0, before), np.float32),
        ends=np.cumsum([len(body) for body in bodies]).astype(np.uint64),
        bodies=np.frombuffer(b"".join(bodies), np.uint8),
    )


def _bodies(part: Segment, keep: NDArray[np.bool_]) -> list[bytes]:
    whole, ends = part.bodies.tobytes(), [0, *part.ends.tolist()]
    return [whole[ends[row] : ends[row + 1]] for row in np.flatnonzero(keep).tolist()]
