"""A table as standard scores: each column treated as learning treats it; the recipe makes the same of any other row."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from msgspec import structs

from salus.base.errors import Invalid
from salus.learning.numbers import number_of
from salus.learning.step1_collect.table import cell_of, read_csv
from salus.learning.step3_features.columns import is_number, names_people, names_rows
from salus.learning.task import Strict

Matrix = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]
Cells = dict[str, list[str | None]]
LEVELS = 12  # different words of a column, above which it is left out
MOST_MISSING = 0.4  # a column of which more is unknown would group people by what was written down
LEAST_PEOPLE = 40
FLAT = 0.3  # spread of a yes/no column below which it is not stretched further: rare findings would rule the groups
CLIP = 3.5  # standard scores beyond it count as it, while groups are looked for
SKEWED = 1.5


class Column(Strict):
    """One column of scores: a number, or (with `word`) whether a cell says a word.

    `middle`, `scale`: of the value (of its logarithm where `log`); `low`, `high`: what nearly all people lie between.
    `usual`: the most frequent word, which has no column. `zero_unknown`: a 0 says that nobody measured.
    """

    source: str
    middle: float
    scale: float
    low: float
    high: float
    log: bool = False
    word: str | None = None
    usual: str | None = None
    zero_unknown: bool = False

    @property
    def name(self) -> str:
        return self.source if self.word is None else f"{self.source} = {self.word}"


@dataclass(frozen=True)
class People:
    """Cells of all columns, names of the rows, the recipe, raw values (NaN: unknown), and columns left out and why."""

    cells: Cells
    rows: list[str]
    columns: list[Column]
    values: Matrix
    left_out: dict[str, str]


def read_cells(path: Path) -> Cells:
    """Every column of a CSV file. Raises Missing, Malformed, Invalid (a column stands there twice)."""
    header, lines, _ = read_csv(path)
    if double := [name for name, many in Counter(header).items() if many > 1]:
        raise Invalid(f"The columns {', '.join(double)} of {path.name} stand there twice: rename or delete one")
    return {name: [cell_of(line[at]) for line in lines] for at, name in enumerate(header)}


def read_people(path: Path, subject: str | None, aside: tuple[str, ...], zero_unknown: tuple[str, ...] = ()) -> People:
    """The people of a table, grouped later by all columns but `subject` and those `aside`.

    Raises Missing, Malformed, Invalid (no such column, a person twice, too few people or columns).
    """
    cells = read_cells(path)
    named = [*aside, *zero_unknown, *([subject] if subject else [])]
    if unknown := [name for name in named if name not in cells]:
        there = ", ".join(list(cells)[:60])
        raise Invalid(f"There is no column '{unknown[0]}' in {path.name}: its columns are {there}")
    rows = row_names(cells, subject)
    if len(rows) < LEAST_PEOPLE:
        raise Invalid(f"{path.name} has {len(rows)} people: at least {LEAST_PEOPLE} are needed to look for subtypes")
    cells = blanked(cells, zero_unknown)
    no_columns = {*aside, subject}
    columns, left_out = columns_of({name: column for name, column in cells.items() if name not in no_columns})
    columns = [structs.replace(one, zero_unknown=one.source in zero_unknown) for one in columns]
    if len(columns) < 2:
        raise Invalid(f"{len(columns)} columns are left to group by, at least 2 are needed; left out: {left_out}")
    return People(cells, rows, columns, values_of(columns, cells), left_out)


def blanked(cells: Cells, names: Collection[str]) -> Cells:
    """The cells with zeros of these columns as unknown."""
    return {
        name: [None if cell and number_of(cell) == 0 else cell for cell in column] if name in names else column
        for name, column in cells.items()
    }


def odd_zeros(columns: list[Column], values: Matrix) -> list[str]:
    """Columns in which several people have 0 and hardly anybody else anything near it: perhaps nobody measured."""
    return [one.source for one, column in zip(columns, values.T, strict=True) if one.word is None and odd(column)]


def odd(values: Matrix) -> bool:
    others = values[values > 0]
    zeros = int((values == 0).sum())
    if zeros < max(5, 0.01 * len(values)) or len(others) < 20 or (values < 0).any():
        return False
    return bool(np.quantile(others, 0.01) > np.median(others) / 4 and len(np.unique(others)) > LEVELS)


def row_names(cells: Cells, subject: str | None) -> list[str]:
    """What each row is called. Raises Invalid where a person has several rows."""
    if subject is None:
        return [str(number) for number in range(1, len(next(iter(cells.values()))) + 1)]
    rows = [cell or "?" for cell in cells[subject]]
    if len(set(rows)) < len(rows):
        twice, _ = Counter(rows).most_common(1)[0]
        raise Invalid(f"'{twice}' has several rows under '{subject}': give one row a person", path="--subject")
    return rows


def columns_of(cells: Cells) -> tuple[list[Column], dict[str, str]]:
    """The recipe, and the columns left out with the key of the reason."""
    made, left_out = list[Column](), dict[str, str]()
    for name, column in cells.items():
        counts = Counter(cell for cell in column if cell is not None)
        if why := reason(name, counts, len(column)):
            left_out[name] = why
        elif is_number(name, counts) and len(counts) > 2:
            made.append(number_column(name, numbers(column)))
        else:
            made += flag_columns(name, column, counts)
    return made, left_out


def reason(name: str, counts: Counter[str], people: int) -> str | None:
    """Why a column cannot say what kind of patient somebody is."""
    reasons = (
        ("constant", len(counts) < 2),
        ("missing", counts.total() < (1 - MOST_MISSING) * people),
        ("identity", names_rows(name, counts) or names_people(name, counts)),
        ("words", not is_number(name, counts) and len(counts) > LEVELS),
    )
    return next((key for key, holds in reasons if holds), None)


def numbers(column: Sequence[str | None]) -> Matrix:
    found = [number_of(cell) if cell is not None else None for cell in column]
    return np.array(found, dtype=np.float64)


def number_column(name: str, values: Matrix) -> Column:
    """A column of numbers; on a logarithmic scale where that is less lopsided."""
    known = np.sort(values[~np.isnan(values)])
    log = known[0] > 0 and abs(skew(known)) > SKEWED and abs(skew(np.log(known))) < abs(skew(known))
    seen = np.log(known) if log else known
    low, high = np.quantile(seen, (0.005, 0.995))
    scale = float(seen.std()) or 1.0
    return Column(source=name, log=bool(log), middle=float(seen.mean()), scale=scale, low=float(low), high=float(high))


def skew(values: Matrix) -> float:
    spread = values.std()
    return float(((values - values.mean()) ** 3).mean() / spread**3) if spread else 0.0


def flag_columns(name: str, column: list[str | None], counts: Counter[str]) -> list[Column]:
    """A flag a word but the most frequent; together they weigh as much as one column."""
    usual, *words = sorted(counts, key=lambda word: (-counts[word], word))
    made = []
    for word in words:
        share = counts[word] / counts.total()
        scale = max((share * (1 - share)) ** 0.5, FLAT) * len(words) ** 0.5
        made.append(Column(source=name, word=word, usual=usual, middle=share, scale=scale, low=0.0, high=1.0))
    return made


def values_of(columns: list[Column], cells: Cells) -> Matrix:
    """people x columns, in the units of the table (flags 0 and 1), NaN where a cell says nothing.

    Raises Invalid where a column is not there.
    """
    if lacking := sorted({column.source for column in columns} - set(cells)):
        raise Invalid(f"The table lacks the columns {', '.join(lacking)}: give those by which the subtypes were found")
    known = {column.source: {column.usual} for column in columns}
    for column in columns:
        known[column.source].add(column.word)
    return np.stack([column_values(column, cells[column.source], known[column.source]) for column in columns], 1)


def column_values(column: Column, cells: list[str | None], known: set[str | None]) -> Matrix:
    if column.word is None:
        return numbers(cells)
    return np.array([float(cell == column.word) if cell in known and cell else np.nan for cell in cells])


def scores_of(columns: list[Column], values: Matrix) -> Matrix:
    """Standard scores; 0 (the average) where nothing is known. A number that has no logarithm counts as very low."""
    made = np.empty_like(values)
    for at, column in enumerate(columns):
        seen = values[:, at]
        if column.log:
            seen = np.where(np.isnan(seen), np.nan, np.log(np.maximum(seen, np.exp(column.low - 9 * column.scale))))
        made[:, at] = (seen - column.middle) / column.scale
    return np.nan_to_num(made, nan=0.0)
