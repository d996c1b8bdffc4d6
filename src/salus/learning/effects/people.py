"""A study from a CSV file: the covariates as numbers, told what was done with each column."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from salus.base.errors import Invalid
from salus.learning.effects.staying import Lived
from salus.learning.effects.study import Matrix, Study, Whole
from salus.learning.numbers import number_of
from salus.learning.step1_collect.table import cell_of, read_csv
from salus.learning.step3_features.columns import names_rows

LEVELS = 12  # different words of a column, above which it is left out
SAID = {  # how yes and no are written
    **dict.fromkeys(("1", "yes", "true", "y", "是", "有"), 1.0),
    **dict.fromkeys(("0", "no", "false", "n", "否", "无"), 0.0),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person asks of a table. `first`: the option the others are compared with (None: the most frequent);
    `positive`: the word of the outcome that counts as yes. `time`: the column that says how long each was followed,
    where `outcome` says whether that ended with the event; then the risk of it by `horizon` (in that column's unit) is
    the outcome."""

    treatment: str
    outcome: str
    positive: str | None = None
    first: str | None = None
    higher: bool = True
    randomised: bool = False
    leave_out: tuple[str, ...] = ()
    controls: tuple[str, ...] = ()
    time: str | None = None
    horizon: float | None = None


@dataclass(frozen=True)
class Table:
    """The study, outcomes that no option can change (negative controls), columns left out and why, rows left out."""

    study: Study
    controls: dict[str, Matrix]
    left_out: dict[str, str]
    rows_left_out: int


def read_study(path: Path, asked: Asked) -> Table:
    """Raises Missing, Malformed (no CSV), Invalid (a column that is not there, one option only, no covariate)."""
    header, lines, _ = read_csv(path)
    needed = [asked.treatment, asked.outcome, *([asked.time] if asked.time else [])]
    named = [*needed, *asked.controls, *asked.leave_out]
    if unknown := [name for name in named if name not in header]:
        raise Invalid(f"There is no column '{unknown[0]}' in {path.name}: its columns are {', '.join(header[:60])}")
    cells = {name: [cell_of(line[at]) for line in lines] for at, name in enumerate(header)}
    kept = [all(cells[name][row] is not None for name in needed) for row in range(len(lines))]
    cells = {name: [cell for cell, keep in zip(column, kept, strict=True) if keep] for name, column in cells.items()}
    options, option = options_of(cells[asked.treatment], asked.first)
    outcome = outcome_of(cells[asked.outcome], asked)
    lived = None
    if asked.time:
        outcome, lived = lived_of(numbers(cells[asked.time]), outcome, asked)
    covariates, left_out = covariates_of({name: cells[name] for name in header if name not in named})
    if not covariates:
        raise Invalid("No covariate is left: the table needs columns that were known before the choice")
    study = Study(
        np.stack(list(covariates.values()), 1),
        option,
        outcome,
        tuple(covariates),
        options,
        asked.higher,
        asked.randomised,
        lived,
    )
    controls = {name: filled(numbers(cells[name])) for name in asked.controls}
    return Table(study, controls, left_out, kept.count(False))


def outcome_of(column: list[str | None], asked: Asked) -> Matrix:
    """Amounts, or 1 for yes and 0 for no. Raises Invalid for words of which nobody said which counts as yes."""
    words = sorted({cell for cell in column if cell is not None})
    if asked.positive is not None:
        if asked.positive not in words:
            known = ", ".join(words[:LEVELS])
            raise Invalid(f"The outcome is never '{asked.positive}': it is one of {known}", path="--positive")
        return np.array([float(cell == asked.positive) for cell in column])
    found = numbers(column)
    if np.isnan(found).any():
        known = ", ".join(words[:LEVELS])
        raise Invalid(f"The outcome '{asked.outcome}' holds words ({known}): say which is yes", path="--positive")
    return found


def lived_of(time: Matrix, event: Matrix, asked: Asked) -> tuple[Matrix, Lived]:
    """Whether the event came by the horizon (0 where nobody knows), and how long each was followed. Raises Invalid."""
    if not np.isfinite(time).all() or (time < 0).any():
        raise Invalid(
            f"'{asked.time}' must say in numbers, 0 or more, how long each person was followed", path="--time"
        )
    if not np.isin(event, (0.0, 1.0)).all():
        raise Invalid(f"'{asked.outcome}' must say yes or no (1 or 0), or name the word for yes", path="--event")
    if asked.horizon is None or not 0 < asked.horizon <= time.max():
        bound = f"{time.max():g}"
        raise Invalid(f"Say by when the risk is meant: a time above 0 up to {bound}", path="--horizon")
    came = (event == 1) & (time <= asked.horizon)
    return came.astype(np.float64), Lived(np.minimum(time, asked.horizon), ~came & (time < asked.horizon))


def options_of(column: list[str | None], first: str | None) -> tuple[tuple[str, ...], Whole]:
    """The options, the one to compare with first, and each row's. Raises Invalid for one only, or too many."""
    counts = Counter(filter(None, column))
    if not 2 <= len(counts) <= LEVELS:
        raise Invalid(f"The treatment has {len(counts)} different values: an effect needs 2 to {LEVELS} options")
    if first is not None and first not in counts:
        raise Invalid(f"Nobody had the option '{first}': it is one of {', '.join(sorted(counts))}", path="--first")
    usual = first or ("0" if "0" in counts else counts.most_common(1)[0][0])
    options = (usual, *sorted(set(counts) - {usual}))
    return options, np.array([options.index(cell or "") for cell in column], dtype=np.int64)


def numbers(column: list[str | None]) -> Matrix:
    """The cells as numbers, yes and no as 1 and 0, NaN where there is none."""
    return np.array([as_number(cell) for cell in column], dtype=np.float64)


def as_number(cell: str | None) -> float:
    """
    >>> as_number("4.5"), as_number("TRUE"), as_number("否"), as_number(None)
    (4.5, 1.0, 0.0, nan)
    """
    found = number_of(cell) if cell is not None else None
    return found if found is not None else SAID.get((cell or "").lower(), float("nan"))


def filled(column: Matrix) -> Matrix:
    return np.where(np.isnan(column), np.nanmedian(column), column)


def covariates_of(columns: dict[str, list[str | None]]) -> tuple[dict[str, Matrix], dict[str, str]]:
    """Columns of numbers, a flag for each of few words, and a flag where many are missing; and what is left out."""
    made: dict[str, Matrix] = {}
    left_out: dict[str, str] = {}
    for name, column in columns.items():
        known = [cell for cell in column if cell is not None]
        words = Counter(known)
        if len(words) < 2:
            left_out[name] = "constant"
        elif names_rows(name, words):
            left_out[name] = "identity"
        elif all(number_of(cell) is not None for cell in words):
            found = numbers(column)
            made[name] = filled(found)
            if np.isnan(found).mean() > 0.02:
                made[f"{name} = ?"] = np.isnan(found).astype(float)
        elif len(words) <= LEVELS:
            for word, _ in words.most_common()[1:]:
                made[f"{name} = {word}"] = np.array([float(cell == word) for cell in column])
        else:
            left_out[name] = "words"
    return made, left_out
