"""An index in a folder: segments and a list of them. It grows by segments, forgets by writing those anew without it.

Scores are BM25 (Robertson and Zaragoza, 2009, https://doi.org/10.1561/1500000019) of each field, times its weight. Of
a long question the rarest tokens are asked, until they have been seen `BUDGET` times: the others tell little apart.
"""

import fcntl
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from salus.base.errors import Damaged
from salus.base.ids import uuid7
from salus.learning.retrieval.segment import Document, Numbers, Segment, built, merged

K1, B = 1.2, 0.75
BUDGET = 3_000_000  # postings read for a question
AT_ONCE = 20_000  # documents of a segment as it is built
LIST = "index.json"
_writing = threading.Lock()


@dataclass(frozen=True, slots=True)
class Wanted:
    """A question: weight of each token by field, weight of each field, and what a document must have.

    `must`: field and tokens, of each such group one; `never`: field and token; `between`: number -> (least, most), both
    inside; `without`: ids; `loose`: fields whose tokens that no document has are not missed either.
    """

    tokens: Mapping[str, Mapping[str, float]]
    weights: Mapping[str, float]
    must: Sequence[tuple[str, Sequence[str]]] = ()
    never: Sequence[tuple[str, str]] = ()
    between: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    without: frozenset[str] = frozenset()
    loose: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Found:
    """A document, its score, and the share of the score that the question itself would have had as a document."""

    id: str
    score: float
    share: float
    body: bytes


class Shape:
    """What scores need of all segments together: how many documents, how long on average."""

    def __init__(self, segments: Sequence[Segment]) -> None:
        self.segments = segments
        self.size = sum(map(len, segments))
        self._norms: dict[str, list[Numbers]] = {}

    @cached_property
    def means(self) -> dict[str, float]:
        names = {name for part in self.segments for name in part.fields}
        total = {name: sum(int(part.length(name).sum()) for part in self.segments) for name in names}
        return {name: max(total[name] / max(self.size, 1), 1.0) for name in names}

    def norms(self, field: str) -> list[Numbers]:
        """k1 (1 - b + b length / mean length) of each document, by segment."""
        if field not in self._norms:
            mean = self.means.get(field, 1.0)
            self._norms[field] = [
                (K1 * (1 - B + B * part.length(field) / mean)).astype(np.float32) for part in self.segments
            ]
        return self._norms[field]

    def held(self, field: str, token: str) -> int:
        return sum(len(part.postings(field, token)[0]) for part in self.segments)

    def rarity(self, held: int) -> float:
        return float(np.log(1 + (self.size - held + 0.5) / (held + 0.5)))


@dataclass(frozen=True, slots=True)
class Ask:
    """A token with its weight and how many documents have it."""

    field: str
    token: str
    weight: float
    held: int


class Index:
    """Raises Damaged where a file of it cannot be read. What another process adds meanwhile, the next question sees."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._seen: tuple[int, int] | None = None
        self._kept: dict[str, Segment] = {}
        self._shape = Shape([])
        self._reading = threading.Lock()

    def __len__(self) -> int:
        return self.shape().size

    def ids(self) -> Iterator[str]:
        for part in self.shape().segments:
            yield from part.ids

    def shape(self) -> Shape:
        """The segments as they are now; read again only when the list of them is another."""
        with self._reading:
            try:
                told = (self.folder / LIST).stat()
            except FileNotFoundError:
                return Shape([])
            mark = (told.st_mtime_ns, told.st_ino)
            if mark != self._seen:
                self._kept = self._opened()
                self._shape, self._seen = Shape(list(self._kept.values())), mark
            return self._shape

    def _opened(self) -> dict[str, Segment]:
        """What the list names; it is asked again when a segment was replaced between the two looks."""
        for _ in range(5):
            names = self._names()
            if all(name in self._kept or (self.folder / name).exists() for name in names):
                break
        return {name: self._kept.get(name) or self._load(name) for name in names}

    def _names(self) -> list[str]:
        try:
            return msgspec.json.decode((self.folder / LIST).read_bytes(), type=list[str])
        except FileNotFoundError:
            return []
        except msgspec.MsgspecError as fault:
            raise Damaged(f"{LIST} cannot be read ({fault}): take the cases in anew", path=LIST) from None

    def _load(self, name: str) -> Segment:
        try:
            return Segment.load(self.folder / name)
        except (OSError, ValueError, KeyError, TypeError) as fault:
            raise Damaged(f"{name} cannot be read ({type(fault).__name__}): build the index anew", path=name) from None

    def add(self, documents: Iterable[Document]) -> int:
        """Take documents in; one with an id that is there takes its place. How many."""
        count, waiting = 0, iter(documents)
        while batch := list(islice(waiting, AT_ONCE)):
            last = {one.id: one for one in batch}
            with self._alone():
                kept = self._without(set(last))
                self._keep(_folded([*kept, built(last.values())]))
            count += len(last)
        return count

    def remove(self, ids: Iterable[str]) -> int:
        """Forget documents: no byte of them stays in a file of the index. How many there were."""
        gone = set(ids)
        with self._alone():
            before = self.shape()
            kept = self._without(gone)
            self._keep(kept)
            return before.size - sum(map(len, kept))

    def _without(self, gone: set[str]) -> list[Segment]:
        kept = []
        for part in self.shape().segments:
            keep = np.ones(len(part), np.bool_)
            keep[[part.row[one] for one in gone if one in part.row]] = False
            if keep.all():
                kept.append(part)
            elif keep.any():
                kept.append(merged([(part, keep)]))
        return kept

    def _keep(self, parts: Sequence[Segment]) -> None:
        """Write what is new, then the list, then drop what is in it no more."""
        known = {id(part): name for name, part in self._kept.items()}
        named = {known.get(id(part)) or f"{uuid7()}.npz": part for part in parts}
        for name, part in named.items():
            if name not in self._kept:
                part.save(self.folder / f".{name}")
                (self.folder / f".{name}").replace(self.folder / name)
        fresh = self.folder / f".{uuid7()}"
        fresh.write_bytes(msgspec.json.encode(list(named)))
        fresh.replace(self.folder / LIST)
        for file in {*self.folder.glob("*.npz"), *self.folder.glob(".*.npz")}:
            if file.name not in named:
                file.unlink(missing_ok=True)
        with self._reading:
            self._kept, self._seen = named, None

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One writer at a time, of all threads and processes."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with _writing, (self.folder / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def get(self, id: str) -> bytes | None:
        """The body of a document, or None."""
        for part in self.shape().segments:
            if id in part.row:
                return part.body(part.row[id])
        return None

    def bodies(self) -> Iterator[bytes]:
        for part in self.shape().segments:
            yield from (part.body(row) for row in range(len(part)))

    def search(self, wanted: Wanted, count: int) -> list[Found]:
        """The best documents, the best first; of equals the one taken in first."""
        shape = self.shape()
        asks = [one for one in asked(shape, wanted) if one.held or one.field not in wanted.loose]
        pruned = rarest([one for one in asks if one.held])
        unheard = [one for one in asks if not one.held]
        best = ideal(shape, Counter(one.field for one in asks if one.weight > 0), [*pruned, *unheard])
        found: list[tuple[float, int, int]] = []
        for at, part in enumerate(shape.segments):
            scores = scored(shape, at, pruned)
            scores[~_fits(part, wanted)] = 0
            found += [(float(-scores[row]), at, int(row)) for row in _top(scores, count)]
        return [
            Found(part.ids[row], -score, min(-score / best, 1.0), part.body(row))
            for score, at, row in sorted(found)[:count]
            for part in (shape.segments[at],)
        ]


def _folded(parts: list[Segment]) -> list[Segment]:
    """A segment joins the one before it while that is not twice as large: their number stays logarithmic."""
    while len(parts) > 1 and len(parts[-2]) < 2 * len(parts[-1]):
        last, before = parts.pop(), parts.pop()
        parts.append(merged([(before, np.ones(len(before), np.bool_)), (last, np.ones(len(last), np.bool_))]))
    return parts


def asked(shape: Shape, wanted: Wanted) -> Iterator[Ask]:
    for name, tokens in wanted.tokens.items():
        weight = wanted.weights.get(name, 0.0)
        if weight:
            yield from (Ask(name, token, weight * own, shape.held(name, token)) for token, own in tokens.items())


def rarest(asks: Sequence[Ask], budget: int = BUDGET) -> list[Ask]:
    """The tokens that the fewest documents have, until the budget of postings is spent."""
    kept: list[Ask] = []
    spent = 0
    for one in sorted(asks, key=lambda one: one.held):
        spent += one.held
        if spent > budget and kept:
            break
        kept.append(one)
    return kept


def scored(shape: Shape, at: int, asks: Sequence[Ask]) -> Numbers:
    """BM25 of every document of one segment."""
    part, scores = shape.segments[at], np.zeros(len(shape.segments[at]), np.float32)
    for one in asks:
        rows, counts = part.postings(one.field, one.token)
        norm = shape.norms(one.field)[at][rows]
        times = counts.astype(np.float32)
        scores[rows] += np.float32(one.weight * shape.rarity(one.held) * (K1 + 1)) * times / (times + norm)
    return scores


def ideal(shape: Shape, length: Mapping[str, int], asks: Sequence[Ask]) -> float:
    """The score of a document that says just what the question says; it would be the first with an unheard token."""
    total = 0.0
    for one in asks:
        if one.weight > 0:
            norm = K1 * (1 - B + B * length[one.field] / shape.means.get(one.field, 1.0))
            total += one.weight * shape.rarity(max(one.held, 1)) * (K1 + 1) / (1 + norm)
    return max(total, 1e-9)


def _fits(part: Segment, wanted: Wanted) -> NDArray[np.bool_]:
    fits = np.ones(len(part), np.bool_)
    for name, tokens in wanted.must:
        having = np.zeros(len(part), np.bool_)
        for token in tokens:
            having[part.postings(name, token)[0]] = True
        fits &= having
    for name, token in wanted.never:
        fits[part.postings(name, token)[0]] = False
    for name, (least, most) in wanted.between.items():
        values = part.column(name)
        fits &= (values >= least) & (values <= most)
    fits[[part.row[one] for one in wanted.without if one in part.row]] = False
    return fits


def _top(scores: Numbers, count: int) -> NDArray[np.int64]:
    """Rows of the highest scores above zero, in no order; of equals at the end the first rows."""
    size = min(count, len(scores))
    if not size:
        return np.zeros(0, np.int64)
    least = np.partition(scores, -size)[-size]
    above = np.flatnonzero(scores > max(least, 0))
    level = np.flatnonzero(scores == least)[: size - len(above)] if least > 0 else above[:0]
    return np.concatenate([above, level])
