"""Vectors of codes as features: the mean of those of the codes that a row knows, in training and at the bedside.

Which codes a row knows is what `windows.py` says of counts: a vector counts where the count of its code is above 0.
"""

import os
from functools import cached_property
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from msgspec.structs import replace
from scipy.sparse import csr_matrix

from salus.base.errors import Invalid
from salus.base.words import LANGUAGES, words_of
from salus.learning.dictionary import Concept, Embedding, EventRecipe, Feature, usual_of
from salus.learning.models.wide import Rows, Wide, together
from salus.learning.moments import DAY_US
from salus.learning.run import Note
from salus.learning.step3_features.concepts import STATIC, span
from salus.learning.step3_features.notes import first_text
from salus.learning.step3_features.together import learned_vectors
from salus.learning.step3_features.vectors import read_vectors
from salus.learning.step3_features.windows import Windows
from salus.learning.task import Embed, Task, matches

Reals = npt.NDArray[np.float64]
PATTERN = "pattern"  # the source and the value of these features
MOST_NUMBERS = 10_000_000  # that travel with a model: 53 MB of its recipe


class Pool:
    """The embedding of a recipe made ready. Calls are safe from any thread."""

    def __init__(self, recipe: EventRecipe, threads: int = 1) -> None:
        assert recipe.embedding is not None  # whoever asks has looked
        self.embedding = recipe.embedding
        self.vectors = vectors_of(recipe.embedding)
        codes, days = recipe.embedding.codes, recipe.embedding.windows_days
        concepts = [Concept(code=code, blind=matches(code, recipe.embedding.blind)) for code in codes]
        counts = [Feature(name=f"{d}", source=codes[0], value="count", window_days=d, label={}) for d in days]
        self.windows = Windows(EventRecipe(concepts=concepts, features=counts, blind_hours=recipe.blind_hours), threads)
        self.columns = [self.windows.columns.index(("count", d)) for d in days]
        self.first = first_text(recipe) - len(days) * self.vectors.shape[1]

    @cached_property
    def shares(self) -> Reals:
        """What part each code has of a training row on average, shape (windows, codes)."""
        return np.frombuffer(self.embedding.shares, dtype="<f4").reshape(-1, len(self.vectors)).astype(np.float64)

    def counts(self, code: str, age_us: int) -> bool:
        """Whether an event of a code, so old, lies in some window and does not hide."""
        windows, hidden = self.embedding.windows_days, self.windows.book.blind_us
        inside = 0 in windows or age_us <= round(max(windows) * DAY_US)
        return inside and (age_us >= hidden or not matches(code, self.embedding.blind))

    @property
    def width(self) -> int:
        return len(self.columns) * int(self.vectors.shape[1])

    def known(self, events: pa.Table | Path, rows: pa.Table) -> list[csr_matrix]:
        """For each window, shape (rows, codes): 1 where a row knows a code. `rows`: row (0..n-1), subject_id, at_us."""
        found = list(self.windows.found(events, rows))
        row = np.concatenate([one.rows[one.place] for one in found] or [np.empty(0, np.int64)])
        code = np.concatenate([one.concept for one in found] or [np.empty(0, np.int64)])
        made = []
        for column in self.columns:
            inside = np.concatenate([one.values[column] > 0 for one in found] or [np.empty(0, bool)])
            where = (row[inside], code[inside])
            made.append(csr_matrix((np.ones(len(where[0])), where), shape=(rows.num_rows, len(self.vectors))))
            made[-1].sort_indices()  # a row has the bits it has alone
        return made

    def means(self, known: list[csr_matrix]) -> Reals:
        """The features, shape (rows, windows * numbers), NaN for a row that knows no code."""
        return np.hstack([mean_of(one, self.vectors) for one in known])


def mean_of(known: csr_matrix, vectors: Reals) -> Reals:
    many = np.diff(known.indptr)[:, None]
    return np.where(many > 0, (known @ vectors) / np.maximum(many, 1), np.nan)


def vectors_of(embedding: Embedding) -> Reals:
    """Shape (codes, numbers)."""
    kept = np.frombuffer(embedding.vectors, dtype="<f4").reshape(len(embedding.codes), -1)
    return kept.astype(np.float64)


def told_by_patterns(
    task: Task,
    recipe: EventRecipe,
    matrix: Rows,
    events: Path,
    rows: pa.Table,
    train: npt.NDArray[np.bool_],
    connection: duckdb.DuckDBPyConnection,
) -> tuple[EventRecipe, Rows, Note]:
    """The recipe and the matrix with what the codes' vectors say; learned ones from the training people alone."""
    assert task.features.embedding is not None  # whoever asks has looked
    found = embedding_of(task, task.features.embedding, connection, f"read_parquet('{events}')")
    if found is None:
        return recipe, matrix, Note(key="note.no_embedding")
    size = len(found.vectors) // (4 * len(found.codes))
    made = replace(recipe, embedding=found, features=recipe.features + features_of(found, size))
    pool = Pool(made, threads=os.cpu_count() or 1)
    known = pool.known(events, rows)
    found.shares = np.array([share_of(one[np.flatnonzero(train)]) for one in known], dtype="<f4").tobytes()
    note = Note(key="note.embedding", slots={"codes": f"{len(found.codes)}", "size": f"{size}"})
    return made, beside(matrix, pool.means(known), made, pool), note


def share_of(known: csr_matrix) -> Reals:
    """What part each code has of a row that knows any, on average, shape (codes,)."""
    many = np.diff(known.indptr)
    each = np.repeat(1 / np.maximum(many, 1), many)
    total = np.bincount(known.indices, weights=each, minlength=known.shape[1])
    return np.asarray(total / max(1, int((many > 0).sum())), dtype=np.float64)


def embedding_of(task: Task, embed: Embed, connection: duckdb.DuckDBPyConnection, events: str) -> Embedding | None:
    """The vectors of the codes that the task may use; None where nothing could be learned. Raises Invalid, ...

    Label codes get no learned vector: it would have seen the answers of the very rows that are answered out of fold.
    """
    answers = task.label.all_codes()
    if embed.from_:
        found = {code: one for code, one in read_vectors(Path(embed.from_)).items() if is_usable(code, task)}
        check_size(embed, found, events, connection)
    else:
        asked = connection.execute(f"SELECT DISTINCT code FROM {events} ORDER BY code").fetchall()
        usable = [code for (code,) in asked if is_usable(code, task) and not matches(code, answers)]
        found = learned_vectors(embed, usable, connection, events)
    if not found:
        return None
    codes, days = sorted(found), task.features.windows_days
    vectors = np.array([found[code] for code in codes], dtype="<f4").tobytes()
    windows = list(dict.fromkeys(embed.windows_days)) or [0.0 if 0 in days else max(days)]
    return Embedding(codes=codes, vectors=vectors, windows_days=windows, blind=answers)


def is_usable(code: str | None, task: Task) -> bool:
    """Whether a code may be part of a pattern. Not one whose text says what was found: "absent" is no case of it."""
    hidden = [*task.hidden, *STATIC, *task.features.with_text]
    return code is not None and matches(code, task.features.codes) and not matches(code, hidden)


def check_size(embed: Embed, found: dict[str, Reals], events: str, connection: duckdb.DuckDBPyConnection) -> None:
    """Refuse a file that speaks of none of the events' codes, or that is too great to travel with a model."""
    numbers = sum(len(one) for one in found.values())
    if numbers > MOST_NUMBERS:
        raise Invalid(
            f"{embed.from_} has {numbers:,} numbers for this task, more than {MOST_NUMBERS:,}: keep the vectors of the "
            "codes you have",
            path="features.embedding.from",
        )
    codes = {code for (code,) in connection.execute(f"SELECT DISTINCT code FROM {events}").fetchall()}
    if codes.isdisjoint(found):
        raise Invalid(
            f"{embed.from_} has no vector for any of the {len(codes)} codes in the events, such as "
            f"{min(code for code in codes if code)}: name the codes as the events do",
            path="features.embedding.from",
        )


def features_of(embedding: Embedding, size: int) -> list[Feature]:
    """One for each window and number, in order."""
    words = words_of("salus.learning")
    label = {language: words("pattern.name", language) for language in LANGUAGES}
    return [
        Feature(
            name=f"{PATTERN}.{j + 1}" + (f".{span(days)}" if days else ""),
            source=PATTERN,
            value=PATTERN,
            window_days=days,
            label=label,
        )
        for days in embedding.windows_days
        for j in range(size)
    ]


def with_patterns(matrix: Rows, recipe: EventRecipe, events: pa.Table | Path, rows: pa.Table) -> Rows:
    """The matrix with the columns of the recipe's embedding to its right."""
    pool = Pool(recipe, threads=os.cpu_count() or 1)
    return beside(matrix, pool.means(pool.known(events, rows)), recipe, pool)


def beside(matrix: Rows, made: Reals, recipe: EventRecipe, pool: Pool) -> Rows:
    """Both as one matrix."""
    if isinstance(matrix, Wide):
        usual = usual_of(recipe.features[pool.first : pool.first + pool.width])
        return together([matrix, Wide.of_dense(made, usual)])
    return np.ascontiguousarray(np.hstack([matrix, made]))
