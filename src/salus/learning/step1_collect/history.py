"""What a table says of a subject's earlier rows, as further columns: how many they are, what numbers the row before
said, and how long ago that was. Never what the target was: whether that was known by then, no table says.

Earlier is what stands lower in the column that orders the rows; rows that stand alike know nothing of each other.
"""

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from salus.base.errors import Invalid
from salus.base.words import LANGUAGES, words_of
from salus.learning.numbers import number_of
from salus.learning.run import TableAsk
from salus.learning.task import Text

COUNT, SINCE, BEFORE = "earlier rows", "days since the row before", "{} (before)"
MOSTLY = 0.95  # of the cells that say anything: numbers, for a column to be one of numbers
Whole = npt.NDArray[np.int64]
Cells = Mapping[str, str | None]


def with_history(table: pa.Table, ask: TableAsk) -> pa.Table:
    """The table with the further columns, where it is said what orders the rows. Raises Invalid for an order that is
    neither numbers nor dates, and for one without a subject."""
    if ask.order is None:
        return table
    if ask.subject is None:
        raise Invalid("Rows have an order only within a subject: name the column that says whose row it is, --subject")
    order, is_date = ordered(table[ask.order].to_pylist(), ask.order)
    earlier, before = earlier_of(table[ask.subject], order)
    made = {COUNT: pa.array([str(many) for many in earlier.tolist()])}
    if is_date:
        days = (order - order[before]).tolist()
        made[SINCE] = pa.array([f"{d:g}" if some else None for d, some in zip(days, earlier.tolist(), strict=True)])
    place = pa.array(before, mask=earlier == 0)
    for name in table.column_names:
        if name not in (ask.target, ask.event, ask.subject, ask.order, *ask.drop) and is_numbers(table[name]):
            made[BEFORE.format(name)] = table[name].take(place)
    for name, column in made.items():
        if name in table.column_names:
            raise Invalid(f"The column '{name}' stands there already: rename it, or leave out --order", path="--order")
        table = table.append_column(pa.field(name, pa.string()), column)
    return table


def ordered(cells: Sequence[str | None], name: str) -> tuple[npt.NDArray[np.float64], bool]:
    """A number for each cell by which rows stand in order (of dates, days), and whether they are dates.

    >>> ordered(["12", "7"], "visit"), ordered(["2024-03-01", "2024-02-01T08:00"], "seen")[0].tolist()
    ((array([12.,  7.]), False), [738946.0, 738917.0])
    """
    for read, is_date in ((number_of, False), (day_of, True)):
        found = [None if cell is None else read(cell) for cell in cells]
        if None not in found:
            return np.array(found, dtype=np.float64), is_date
    raise Invalid(
        f"The column '{name}' cannot order the rows: every cell must be a number, "
        "or every one a date such as 2024-03-01",
        path="--order",
    )


def day_of(cell: str) -> float | None:
    """The day of a date, counted from year 1."""
    try:
        return float(date.fromisoformat(cell[:10]).toordinal())
    except ValueError:
        return None


def earlier_of(subject: pa.ChunkedArray, order: npt.NDArray[np.float64]) -> tuple[Whole, Whole]:
    """For each row how many rows of its subject stand lower, and which of them is the last (itself where none is)."""
    coded = subject.combine_chunks().dictionary_encode()
    who = coded.indices.fill_null(-1).to_numpy().astype(np.int64)
    place = np.lexsort((order, who))
    first = np.append(True, who[place][1:] != who[place][:-1])
    new = first | np.append(True, order[place][1:] != order[place][:-1])
    number = np.arange(len(place))
    begin, group = (np.maximum.accumulate(np.where(one, number, 0)) for one in (first, new))
    earlier, before = np.zeros(len(place), np.int64), np.arange(len(place))
    known = (group > begin) & (who[place] >= 0)
    earlier[place[known]] = (group - begin)[known]
    before[place[known]] = place[group[known] - 1]
    return earlier, before


def is_numbers(column: pa.ChunkedArray) -> bool:
    """Whether nearly every cell that says anything says a number, and they differ."""
    counts = column.value_counts().to_pylist()
    said = [(one["values"], one["counts"]) for one in counts if one["values"] is not None]
    good = sum(many for value, many in said if number_of(value) is not None)
    return len(said) > 1 and good >= MOSTLY * sum(many for _, many in said)


def label_of(name: str) -> Text:
    """What people call a column: its own name, and of these further columns what they are.

    >>> label_of("lab (before)")["zh"], label_of("lab")["zh"]
    ('lab（上一次）', 'lab')
    """
    key, own = {COUNT: ("count", ""), SINCE: ("since", "")}.get(name, ("before", name.removesuffix(BEFORE[2:])))
    if own == name:
        return {language: name for language in LANGUAGES}
    return {language: words_of("salus.learning")(f"history.{key}", language, name=own) for language in LANGUAGES}


def said_before(cells: Cells, earlier: Sequence[Cells], order: str | None = None) -> dict[str, str | None]:
    """The same columns for one row at the bedside. `earlier`: the subject's earlier rows, the latest last."""
    made: dict[str, str | None] = {COUNT: str(len(earlier))}
    if earlier:
        made |= {BEFORE.format(name): cell for name, cell in earlier[-1].items()}
        days = [day_of(row.get(order or "") or "") for row in (cells, earlier[-1])]
        if days[0] is not None and days[1] is not None:
            made[SINCE] = f"{days[0] - days[1]:g}"
    return {**cells, **made}
