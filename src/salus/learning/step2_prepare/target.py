"""The rows of a table: which column is foretold, of which kind it is, whose row it is."""

from collections import Counter

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from salus.base.errors import Invalid
from salus.learning.numbers import number_of
from salus.learning.run import Labels, Note, Run, TableAsk
from salus.learning.task import Kind

MOST_CLASSES = 60
YES = ("yes", "y", "true", "1", "positive", "pos", "是", "有", "阳性")
REST = "other"


def table_labels(run: Run, ask: TableAsk) -> tuple[pa.Table, Labels, list[Note]]:
    """Columns row, subject_id, label, value, given_part of the rows that have a target."""
    table = pq.read_table(run.needed("step1_collect", "table.parquet"))
    given = pq.read_table(run.needed("step1_collect", "parts.parquet"))["part"]
    target = table[ask.target]
    keep = pc.indices_nonzero(pc.is_valid(target))
    values = target.take(keep).to_pylist()
    if not values:
        raise Invalid(f"The target column '{ask.target}' is empty in every row: name the column to foretell")
    labels, named, numbers = labels_of(values, ask)
    rows = pa.table(
        {
            "row": keep.cast(pa.int64()),
            "subject_id": subjects_of(table, keep, ask),
            "label": pa.array(named, pa.string()),
            "value": pa.array(numbers, pa.float64()),
            "given_part": given.take(keep),
        }
    )
    gone = table.num_rows - len(values)
    notes = [Note(key="note.no_target", slots={"count": str(gone), "target": ask.target})] if gone else []
    if ask.subject is None:
        notes.append(Note(key="note.no_subject"))
    return rows, labels, notes


def subjects_of(table: pa.Table, keep: pa.Array, ask: TableAsk) -> list[str]:
    """Whose row each kept one is; without a name every row is somebody else's."""
    said = table[ask.subject].take(keep).to_pylist() if ask.subject else [None] * len(keep)
    return [one if one is not None else f"row {i}" for one, i in zip(said, keep.to_pylist(), strict=True)]


def labels_of(values: list[str], ask: TableAsk) -> tuple[Labels, list[str], list[float | None]]:
    """The kind and classes, each row's class, each row's number."""
    seen = Counter(values)
    kind = kind_of(seen, ask)
    if kind == "number":
        return Labels(kind=kind), [""] * len(values), [number_of(value) for value in values]
    if len(seen) < 2:
        raise Invalid(
            f"The target column '{ask.target}' says '{values[0]}' in all {len(values)} rows: "
            "a model needs at least two classes to tell apart",
            path="--target",
        )
    if kind == "binary":
        yes, no = positive_of(seen, ask)
        return (
            Labels(kind=kind, classes=[no, yes]),
            [yes if value == yes else no for value in values],
            [None] * len(values),
        )
    return Labels(kind=kind, classes=sorted(seen)), values, [None] * len(values)


def kind_of(seen: Counter[str], ask: TableAsk) -> Kind:
    """Number when more than 20 different numbers, binary when two values or one is called positive."""
    if ask.kind is not None:
        return ask.kind
    if ask.positive is not None or len(seen) == 2:
        return "binary"
    if len(seen) > 20 and all(number_of(value) is not None for value in seen):
        return "number"
    if len(seen) > MOST_CLASSES:
        raise Invalid(
            f"The target column '{ask.target}' has {len(seen)} different values: at most {MOST_CLASSES} classes, "
            "or numbers, can be foretold",
            path="--target",
        )
    return "multiclass"


def positive_of(seen: Counter[str], ask: TableAsk) -> tuple[str, str]:
    """(the class foretold, the other one): as asked, else a word for yes, else the rarer one."""
    if ask.positive is not None and ask.positive not in seen:
        raise Invalid(
            f"No row has {ask.target} = '{ask.positive}': its values are {', '.join(sorted(seen)[:20])}",
            path="--positive",
        )
    says_yes = [value for value in seen if value.lower() in YES]
    yes = ask.positive or (says_yes[0] if says_yes else min(seen, key=lambda value: (seen[value], value)))
    others = [value for value in seen if value != yes]
    return yes, others[0] if len(others) == 1 else REST if REST not in seen else f"not {yes}"
