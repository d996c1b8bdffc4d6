"""From cells to features, by the recipe. Rates of a training row come from the other folds: they cannot leak."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from salus.learning.dictionary import Lexicon, usual_of
from salus.learning.models.family import Matrix
from salus.learning.models.wide import MOST_DENSE, Rows, Wide, together
from salus.learning.numbers import number_of
from salus.learning.run import Labels
from salus.learning.step3_features.columns import Cells, Column, TableRecipe, cells_of, items_of, rate_classes
from salus.learning.step3_features.lexicon import Places

PULL = 20.0  # rows of the usual rate that every level is mixed with


def encode(recipe: TableRecipe, row: Mapping[str, str | None]) -> Matrix:
    """The features of one row of cells, shape (1, features). A column that is not given is not known."""
    return np.array([[v for column in recipe.columns for v in values_of(column, row.get(column.name))]])


def encode_table(recipe: TableRecipe, table: pa.Table) -> Rows:
    """The features of every row of a table of cells, as `encode` makes them of each; whole columns may be missing."""
    everyone = np.arange(table.num_rows)
    unsaid = pa.chunked_array([pa.nulls(table.num_rows, pa.string())])
    named = set(table.column_names)
    cells = [cells_of(table[one.name] if one.name in named else unsaid, everyone) for one in recipe.columns]
    blocks = [block_of(column, one) for column, one in zip(recipe.columns, cells, strict=True)]
    return beside(blocks, recipe)


def values_of(column: Column, cell: str | None) -> list[float]:
    """What one cell says, in the order of the column's features."""
    if column.lexicon is not None:
        return values_of_text(column.lexicon, cell)
    if column.treatment == "number":
        number = number_of(cell) if cell is not None else None
        return [np.nan if number is None else number]
    if column.treatment == "list":
        said = items_of(cell) if cell is not None else {}
        present = [float(said.get(level) == 1) for level in column.levels]
        return present + [float(said.get(level) == -1) for level in column.denied]
    if cell is None:
        return [np.nan] * (len(column.levels) + len(column.rates) + len(column.prefix_rates))
    rates = [rate.get(cell, 0.0) for rate in column.rates]
    rates += [rate.get(stem(cell), 0.0) for rate in column.prefix_rates]
    return [float(cell == level) for level in column.levels] + rates


def values_of_text(lexicon: Lexicon, text: str | None) -> list[float]:
    """The words of one text."""
    made = np.zeros(lexicon.width)
    if text is not None:
        nobody = np.zeros(1, np.int64)
        _, column, value = Places(lexicon).cells([text], nobody, nobody, 1)
        made[column] = value
    found: list[float] = made.tolist()
    return found


def stem(code: str) -> str:
    """The part of a code before its point.

    >>> stem("250.83")
    '250'
    """
    return code.partition(".")[0]


def encode_training(recipe: TableRecipe, cells: dict[str, Cells], rows: pa.Table, labels: Labels) -> Rows:
    """All rows. Fills in the recipe's rates (from all training rows); training rows get those of other folds."""
    answers = answers_of(rows, labels)
    fold = rows["fold"].to_numpy()
    blocks = [column_block(column, cells[column.name], answers, fold) for column in recipe.columns]
    return beside(blocks, recipe)


def beside(blocks: Sequence[Rows], recipe: TableRecipe) -> Rows:
    """The blocks of all columns as one matrix, wide where there are texts or very many features."""
    dense = [block for block in blocks if not isinstance(block, Wide)]
    if len(dense) == len(blocks) and len(recipe.features) <= MOST_DENSE:
        return np.ascontiguousarray(np.hstack(dense), dtype=np.float64)
    usual, begins = usual_of(recipe.features), np.cumsum([0, *(block.shape[1] for block in blocks)])
    return together([block if isinstance(block, Wide) else Wide.of_dense(block, usual[begin : begin + block.shape[1]])
                     for block, begin in zip(blocks, begins.tolist(), strict=False)])  # fmt: skip


def answers_of(rows: pa.Table, labels: Labels) -> Matrix:
    """What rates are of, shape (rows, classes): 1 where the row is of the class, or the value."""
    if labels.kind == "number":
        return np.asarray(rows["value"].to_numpy(), dtype=np.float64)[:, None]
    label = np.asarray(rows["label"].to_pylist())
    return np.column_stack([label == one for one in rate_classes(labels)] or [np.empty((len(label), 0))]).astype(float)


def column_block(column: Column, one: Cells, answers: Matrix, fold: npt.NDArray[Any]) -> Rows:
    """The features of one column for all rows."""
    stems: list[str | None] = [None if v is None else stem(v) for v in one.values]
    coded = column.treatment in ("category", "code")
    if coded:
        column.rates = rates_of(one.values, one, answers, one.train)
        column.prefix_rates = rates_of(stems, one, answers, one.train) if column.prefix else []
    block = block_of(column, one)
    if coded and column.rates and not isinstance(block, Wide):
        for f in np.unique(fold[one.train]):
            others, own = one.train[fold[one.train] != f], one.train[fold[one.train] == f]
            rates = rates_of(one.values, one, answers, others)
            rates_before = rates_of(stems, one, answers, others) if column.prefix else []
            block[own] = table_of(changed(column, rates, rates_before), one)[own]
    return block


def changed(column: Column, rates: list[dict[str, float]], before: list[dict[str, float]]) -> Column:
    """The column with other rates."""
    return Column(
        name=column.name,
        treatment=column.treatment,
        levels=column.levels,
        prefix=column.prefix,
        rates=rates,
        prefix_rates=before,
    )


def block_of(column: Column, one: Cells) -> Rows:
    """The column's features for all rows."""
    return table_of(column, one) if column.lexicon is None else text_block(column.lexicon, one)


def text_block(lexicon: Lexicon, one: Cells) -> Wide:
    """The words of a column of texts for all rows."""
    said = np.flatnonzero(np.array([value is not None for value in one.values])[one.place])
    texts = [value or "" for value in one.values]
    row, column, value = Places(lexicon).cells(texts, said, one.place[said], len(one.place))
    return Wide.of(row, column, value, len(one.place), np.zeros(lexicon.width))


def table_of(column: Column, one: Cells) -> Matrix:
    """The features of a column that is no text: each different value once, then spread over the rows."""
    table = np.array([values_of(column, value) for value in one.values], dtype=np.float64)
    return table.reshape(len(one.values), -1)[one.place]


def rates_of(
    values: Sequence[str | None], one: Cells, answers: Matrix, among: npt.NDArray[np.int64]
) -> list[dict[str, float]]:
    """For each class: value -> its log-odds less the usual log-odds (of numbers: its mean less the usual mean)."""
    number = {value: i for i, value in enumerate(dict.fromkeys(values))}
    place = np.array([number[value] for value in values])[one.place[among]]
    many = np.bincount(place, minlength=len(number))
    made = []
    for c in range(answers.shape[1]):
        usual = answers[among, c].mean()
        total = np.bincount(place, weights=answers[among, c], minlength=len(number))
        mean = (total + PULL * usual) / (many + PULL)
        is_share = set(np.unique(answers[:, c])) <= {0.0, 1.0}
        rate = logit(mean) - logit(usual) if is_share else mean - usual
        made.append({v: float(rate[i]) for v, i in number.items() if v is not None and many[i]})
    return made


def logit(share: Any) -> Any:
    """Log-odds of a share, kept finite."""
    share = np.clip(share, 1e-6, 1 - 1e-6)
    return np.log(share / (1 - share))
