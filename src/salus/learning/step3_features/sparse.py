"""Features of tens of thousands of codes: what was found, and nothing else, in a wide matrix."""

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from msgspec.structs import replace

from salus.learning.dictionary import EventRecipe, usual_of
from salus.learning.models.wide import Rows, Wide
from salus.learning.step3_features.deriving import first_known
from salus.learning.step3_features.embedding import Pool, with_patterns
from salus.learning.step3_features.engines import ENGINES
from salus.learning.step3_features.notes import first_text, with_texts
from salus.learning.step3_features.windows import Found, Windows

Cells = tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], npt.NDArray[np.float64]]  # row, column, value


def matrix_by(recipe: EventRecipe, events: pa.Table | Path, rows: pa.Table, wide: bool, engine: str = "numpy") -> Rows:
    """An ordinary matrix, or a wide one."""
    if recipe.texts:
        first = first_text(recipe)
        others = replace(recipe, texts=[], features=recipe.features[:first])
        begun = matrix_by(others, events, rows, wide, engine)
        return with_texts(begun, usual_of(others.features), recipe, events, rows)
    if recipe.embedding is not None:
        others = replace(recipe, embedding=None, features=recipe.features[: Pool(recipe).first])
        return with_patterns(matrix_by(others, events, rows, wide, engine), recipe, events, rows)
    return windows_matrix(Windows(recipe, threads=os.cpu_count() or 1), events, rows, wide, engine)


def windows_matrix(windows: Windows, events: pa.Table | Path, rows: pa.Table, wide: bool, engine: str) -> Rows:
    """The same by a recipe that was made ready."""
    found = ENGINES[engine](windows, events, rows)
    return wide_matrix(windows, found, rows.num_rows) if wide else windows.filled(found, rows.num_rows)


def wide_matrix(windows: Windows, found: Iterable[Found], rows: int) -> Wide:
    """The same as `windows.filled`, without room for what is usual. Memory grows with what is known."""
    pieces = [cells_of(windows, one) for one in found]
    made = joined(pieces, rows, windows)
    return joined([*pieces, *derived(windows, made)], rows, windows) if windows.deriving.steps else made


def joined(pieces: Sequence[Cells], rows: int, windows: Windows) -> Wide:
    row, column, value = (np.concatenate([piece[i] for piece in pieces] or [np.empty(0)]) for i in range(3))
    return Wide.of(row.astype(np.int32), column.astype(np.int32), value, rows, windows.usual)


def derived(windows: Windows, made: Wide) -> Iterator[Cells]:
    """The columns that formulas make of the others."""
    every = np.arange(len(made))
    for j, expression, of in windows.deriving.steps:
        yield column_cells(every, j, expression.value({said: first_known(made, every, js) for said, js in of.items()}))


def cells_of(windows: Windows, found: Found) -> Cells:
    """What a piece says that is not usual."""
    made = [column_cells(found.rows, j, found.age if value == "age" else found.sex) for j, value in windows.person]
    for values, target in zip(found.values, windows.targets, strict=True):
        column = target[found.concept]
        said = np.flatnonzero((column >= 0) & ~np.isnan(values))
        said = said[(values[said] != 0) | np.isnan(windows.usual)[column[said]]]
        made.append((found.rows[found.place[said]].astype(np.int32), column[said].astype(np.int32), values[said]))
    row, column, value = (np.concatenate([piece[i] for piece in made] or [np.empty(0)]) for i in range(3))
    return row, column, value


def column_cells(rows: npt.NDArray[np.int64], j: int, values: npt.NDArray[np.float64]) -> Cells:
    """A column of its own, where it is known."""
    said = np.flatnonzero(~np.isnan(values))
    return rows[said].astype(np.int32), np.full(len(said), j, np.int32), values[said]
