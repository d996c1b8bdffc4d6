"""Features of events per concept and window: the one definition, for a crowd in training and for one at the bedside.

What each value is, and what counts as known, stands in README.md beside this file. The same is said in SQL for DuckDB
and Spark (`sql.py`) and in plain Python (`tests/learning/oracle.py`), and all say the same bits.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from salus.learning.dictionary import EventRecipe, usual_of
from salus.learning.moments import DAY_US
from salus.learning.step3_features.cleaning import Cleaning
from salus.learning.step3_features.coded import NEVER, Codebook
from salus.learning.step3_features.deriving import Deriving
from salus.learning.step3_features.kernel import VALUES, known, values_of
from salus.learning.step3_features.pieces import Crowd, Piece, pieces

Matrix = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]
MEASURED = ("first", "last", "min", "max", "mean", "deviation", "slope")  # values that need a number
SEXES = {"SEX//female": 1.0, "SEX//male": 0.0}
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Found:
    """What is known of some rows: one entry a row and concept that has events, and age and sex of each row."""

    rows: Whole  # numbers of all these rows
    age: Matrix  # years, shape (rows,), NaN = not known
    sex: Matrix  # 1 female, 0 male, shape (rows,)
    place: Whole  # shape (entries,), into `rows`, in order
    concept: Whole  # shape (entries,)
    values: Matrix  # shape (columns, entries), NaN = not known; the columns of `Windows.columns`


class Windows:
    """A recipe made ready. Calls are safe from any thread; `threads`: how many a call may use; `logged`: whether the
    events that were cleaned are kept in `cleaning.log`."""

    def __init__(self, recipe: EventRecipe, threads: int = 1, logged: bool = False) -> None:
        self.recipe, self.threads = recipe, threads
        self.cleaning = Cleaning(recipe.clean, logged) if recipe.clean else None
        self.columns = columns_of(recipe)
        self.targets = targets_of(recipe, self.columns)
        self.book = Codebook(recipe)
        self.usual = usual_of(recipe.features)
        self.deriving = Deriving(recipe)
        self.person = [(j, f.value) for j, f in enumerate(recipe.features) if f.value in ("age", "sex")]

    def matrix(self, events: pa.Table | Path, rows: pa.Table) -> Matrix:
        """Features, shape (rows, features), NaN where nothing is known. `rows`: row (0..n-1), subject_id, at_us.

        `events`: a table of the event schema, or a Parquet file in which the events of a subject stand together.
        Raises Invalid for a file where they do not.
        """
        return self.filled(self.found(events, rows), rows.num_rows)

    def one(self, events: pa.Table, at_us: int) -> Matrix:
        """The features of the one subject of these events at a moment, shape (1, features)."""
        nobody = np.zeros(1, np.int64)
        made = np.empty((1, len(self.recipe.features)))
        piece = Piece(events, np.zeros(events.num_rows, np.int64), nobody, nobody, np.array([at_us]), 1)
        self.place(made, self.found_in(piece))
        return made

    def found(self, events: pa.Table | Path, rows: pa.Table) -> Iterator[Found]:
        """The same without a matrix, for what is sparse or does not fit into memory: all rows, in pieces."""
        return each(pieces(Crowd(rows), events), self.found_in, self.threads)

    def filled(self, found: Iterable[Found], count: int) -> Matrix:
        """The matrix of so many rows from what was found, by whatever engine."""
        made = np.empty((count, len(self.recipe.features)))
        for one in found:
            self.place(made, one)
        return made

    def alone(self, found: Found) -> Matrix:
        """The matrix of one piece's rows only, in the order of `found.rows`."""
        made = np.empty((len(found.rows), len(self.recipe.features)))
        self.place(made, replace(found, rows=np.arange(len(found.rows))))
        return made

    def found_in(self, piece: Piece) -> Found:
        """What is known of the rows of a piece."""
        events, subject = piece.events, piece.subject
        if self.cleaning is not None:
            events, subject = self.cleaning(events, subject)
        coded, persons = self.book.read(events, subject, piece.subjects)
        bounds = np.searchsorted(coded.subject, np.arange(piece.subjects + 1))
        seen = known(coded, piece.at, bounds[piece.owner], np.diff(bounds)[piece.owner])
        age, sex = age_of(piece.at, persons.birth[piece.owner]), sex_of(persons.sex)[piece.owner]
        return Found(piece.row, age, sex, seen.row, seen.concept, values_of(seen, self.columns))

    def place(self, made: Matrix, found: Found) -> None:
        """Put what was found where the dictionary says."""
        made[found.rows] = self.usual
        begin = found.rows[found.place] * made.shape[1]
        flat = made.reshape(-1)
        for values, target in zip(found.values, self.targets, strict=True):
            column = target[found.concept]
            if (target < 0).any():
                asked = column >= 0
                flat[(begin + column)[asked]] = values[asked]
            else:
                flat[begin + column] = values
        for j, value in self.person:
            made[found.rows, j] = found.age if value == "age" else found.sex
        self.deriving.fill(made, found.rows)


def age_of(at: Whole, birth: Whole) -> Matrix:
    """Whole days / 365.25 from birth to a moment, both in microseconds; NaN for NEVER born."""
    known = birth != NEVER
    return np.where(known, (at - np.where(known, birth, at)) // DAY_US / 365.25, np.nan)


def sex_of(codes: Sequence[str | None]) -> Matrix:
    """1 female, 0 male, NaN any other."""
    return np.array([SEXES.get(one or "", np.nan) for one in codes], np.float64)


def each(given: Iterator[Piece], act: Callable[[Piece], T], threads: int) -> Iterator[T]:
    """What `act` makes of each piece, in order; at most two pieces a thread are held at a time."""
    if threads == 1:
        yield from map(act, given)
        return
    with ThreadPoolExecutor(threads) as pool:
        going: deque[Future[T]] = deque()
        for piece in given:
            going.append(pool.submit(act, piece))
            if len(going) > 2 * threads:
                yield going.popleft().result()
        while going:
            yield going.popleft().result()


def columns_of(recipe: EventRecipe) -> list[tuple[str, float]]:
    """The (value, window) pairs that the recipe's features use, in a fixed order."""
    return sorted({(f.value, f.window_days) for f in recipe.features if f.value in VALUES})


def targets_of(recipe: EventRecipe, columns: list[tuple[str, float]]) -> Whole:
    """Shape (columns, concepts): the number of the feature that takes this value of this concept, or -1."""
    number_of = {concept.key: i for i, concept in enumerate(recipe.concepts)}
    place_of = {column: i for i, column in enumerate(columns)}
    made = np.full((len(columns), len(recipe.concepts)), -1, dtype=np.int64)
    for j, feature in enumerate(recipe.features):
        if feature.value in VALUES:
            made[place_of[feature.value, feature.window_days], number_of[feature.source]] = j
    return made
