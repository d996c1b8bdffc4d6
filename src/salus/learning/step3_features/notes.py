"""Texts among events, such as notes: what those known at a moment say, in training and at the bedside."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from msgspec.structs import replace

from salus.base.words import words_of
from salus.learning.dictionary import EventRecipe, Feature, Lexicon, usual_of
from salus.learning.models.wide import Rows, Wide, together
from salus.learning.moments import DAY_US
from salus.learning.step3_features.lexicon import Cells, Places, features_of, learned
from salus.learning.step3_features.names import name_of
from salus.learning.task import Task, Text, matches

Whole = npt.NDArray[np.int64]
COLUMNS = ["subject_id", "time", "recorded_time", "code", "text_value"]


@dataclass(frozen=True)
class Notes:
    """Texts of one source with their rows: text `doc[i]` is known at row `row[i]`."""

    texts: list[str]
    row: Whole
    doc: Whole


def notes_of(events: pa.Table | Path, rows: pa.Table, pattern: str, days: float) -> Notes:
    """The texts of a pattern of codes that each row knows: of the last so many days, 0 = all. `rows`: row, subject_id,
    at_us."""
    table = pq.read_table(events, columns=COLUMNS) if isinstance(events, Path) else events.select(COLUMNS)
    codes = [one for one in pc.unique(table["code"]).to_pylist() if one is not None and matches(one, [pattern])]
    wanted = pc.and_(pc.is_in(table["code"], pa.array(codes, pa.string())), pc.is_valid(table["text_value"]))
    found = table.filter(pc.and_(wanted, pc.is_valid(table["time"])))
    time, recorded = (found[name].cast(pa.timestamp("us", "UTC")).cast(pa.int64()) for name in COLUMNS[1:3])
    known = pc.max_element_wise(time, recorded)  # a missing one does not count
    of_subject: dict[str, list[tuple[int, int, int]]] = {}
    stamps = zip(found["subject_id"].to_pylist(), time.to_pylist(), known.to_pylist(), strict=True)
    for doc, (subject, at, since) in enumerate(stamps):
        of_subject.setdefault(subject, []).append((at, since, doc))
    pairs = []
    for row, subject, at_us in zip(*(rows[name].to_pylist() for name in ("row", "subject_id", "at_us")), strict=True):
        first = at_us - round(days * DAY_US) if days else -np.inf
        pairs += [(row, doc) for at, since, doc in of_subject.get(subject, ()) if first <= at and since <= at_us]
    made = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return Notes(found["text_value"].to_pylist(), made[:, 0], made[:, 1])


def lexicons_of(task: Task, events: Path, rows: pa.Table, train: npt.NDArray[np.bool_]) -> Iterator[Lexicon]:
    """What a task's patterns of texts say, from the training rows alone."""
    days = 0.0 if 0 in task.features.windows_days else max(task.features.windows_days)
    place = np.cumsum(train) - 1
    _, subject = np.unique(np.asarray(rows["subject_id"].to_pylist())[train].astype(str), return_inverse=True)
    for pattern in task.features.text:
        notes = notes_of(events, rows, pattern, days)
        own = train[notes.row]
        docs, doc = np.unique(notes.doc[own], return_inverse=True)
        texts = [notes.texts[i] for i in docs.tolist()]
        found = learned(pattern, texts, place[notes.row[own]], doc, subject, task.features.max_words)
        if found is not None:
            found.days = days
            yield found


def told_by_texts(
    task: Task, recipe: EventRecipe, matrix: Rows, events: Path, rows: pa.Table, train: npt.NDArray[np.bool_]
) -> tuple[EventRecipe, Wide]:
    """The recipe and the matrix with what the task's texts say, learned from the training rows alone."""
    lexicons = list(lexicons_of(task, events, rows, train))
    made = replace(recipe, texts=lexicons, features=recipe.features + text_features(lexicons, task))
    return made, with_texts(matrix, usual_of(recipe.features), made, events, rows)


def text_features(lexicons: Sequence[Lexicon], task: Task) -> list[Feature]:
    return [feature for one in lexicons for feature in features_of(one, label_of(one.name, task))]


def label_of(pattern: str, task: Task) -> Text:
    """What people call the texts of a pattern: the task's own word, else the code's name, else "note"."""
    if pattern in task.labels:
        return task.labels[pattern]
    words = words_of("salus.learning")
    plain = name_of(pattern)
    return {one: words("text.note", one) for one in ("en", "zh")} if pattern.endswith("*") else plain


def with_texts(
    matrix: Rows, usual: npt.NDArray[np.float64], recipe: EventRecipe, events: pa.Table | Path, rows: pa.Table
) -> Wide:
    """The matrix with the columns of the recipe's texts to its right."""
    begun = matrix if isinstance(matrix, Wide) else Wide.of_dense(matrix, usual)
    blocks = [Wide.of(*cells_of(one, events, rows), rows.num_rows, np.zeros(one.width)) for one in recipe.texts]
    return together([begun, *blocks])


def cells_of(lexicon: Lexicon, events: pa.Table | Path, rows: pa.Table) -> Cells:
    """What a lexicon finds in the texts that rows know."""
    notes = notes_of(events, rows, lexicon.name, lexicon.days)
    return Places(lexicon).cells(notes.texts, notes.row, notes.doc, rows.num_rows)


def first_text(recipe: EventRecipe) -> int:
    """The place of the first feature of texts: they stand behind all others."""
    return len(recipe.features) - sum(one.width for one in recipe.texts)
