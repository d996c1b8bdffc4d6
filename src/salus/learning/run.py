"""The run folder: what each step reads and leaves. Everything in it opens in an editor, a browser or DuckDB."""

import csv
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from salus.base.errors import Missing
from salus.learning.dictionary import EventRecipe, Feature, write_json
from salus.learning.models.family import Matrix, Model, Params, Setting, Shape, family
from salus.learning.models.wide import Rows, Wide
from salus.learning.models.wide import load as load_wide
from salus.learning.task import Kind, Strict, Task

T = TypeVar("T")
STEPS = ("step1_collect", "step2_prepare", "step3_features", "step4_train", "step5_evaluate", "step6_optimise")


class Progress(Protocol):
    """Told of the share done; `stage`: a key of words.toml under "stage.", `slots`: what fills it."""

    def __call__(self, stage: str, share: float, **slots: str) -> None: ...


def silent(stage: str, share: float, **slots: str) -> None:
    """No progress is shown."""


class TableAsk(Strict):
    """What a person said about a CSV file.

    `event`: of time to event, the column that says what ended the time in `target`; `competing`: those of its values
    that make the event impossible. `horizon`: up to when, in the unit of `target`. `drop`: columns not to learn from.
    `order`: what says which of a subject's rows come first; the earlier ones then speak too.
    """

    target: str
    subject: str | None = None
    positive: str | None = None
    test: str | None = None
    kind: Kind | None = None
    event: str | None = None
    horizon: float | None = None
    competing: list[str] = msgspec.field(default_factory=list)
    drop: list[str] = msgspec.field(default_factory=list)
    order: str | None = None


class Plan(Strict):
    """What this run is: the task, where its data came from, and for a table what was asked of it.

    `engine`: who makes the features of events, see step 3; whoever it is, they are the same.
    """

    task: Task
    source: Literal["events", "table"]
    data: str
    table: TableAsk | None = None
    engine: str = "numpy"


class Labels(Strict):
    """What the labels are. `classes` in the order of the model's numbers; binary: the last is the one foretold.

    Of survival, `times` in `unit` (days, or a table's column): those for which a risk is told, the horizon last.
    """

    kind: Kind
    classes: list[str] = msgspec.field(default_factory=list)
    times: list[float] = msgspec.field(default_factory=list)
    unit: str = "days"


MADE_UP = "note.synthetic"  # the note that stands above everything that is said of a run


class Note(Strict):
    """Something a person should know of this run: a key of words.toml with what fills its slots."""

    key: str
    slots: dict[str, str] = msgspec.field(default_factory=dict)


class Run:
    """Reads and writes the files of one run folder. Raises Missing when a step's file is not there yet."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, step: str, name: str) -> Path:
        place = self.folder / step
        place.mkdir(parents=True, exist_ok=True)
        return place / name

    def needed(self, step: str, name: str) -> Path:
        found = self.folder / step / name
        if not found.exists():
            raise Missing(f"{found} is not there: run `python -m salus.learning.{step} {self.folder}` first")
        return found

    def write(self, step: str, name: str, value: object) -> None:
        write_json(self.path(step, name), value)

    def read(self, step: str, name: str, kind: type[T]) -> T:
        return msgspec.json.decode(self.needed(step, name).read_bytes(), type=kind)

    @property
    def plan(self) -> Plan:
        found = self.folder / "plan.json"
        if not found.exists():
            raise Missing(f"{found} is not there: begin a run with `salus learn`")
        return msgspec.json.decode(found.read_bytes(), type=Plan)

    @property
    def labels(self) -> Labels:
        return self.read("step2_prepare", "labels.json", Labels)

    def finish(self, step: str) -> None:
        """Write down that a step has ended, so that a run that was broken off goes on after it."""
        write_json(self.folder / "finished.json", [*self.finished, step])

    @property
    def finished(self) -> list[str]:
        """The steps that have ended, in order."""
        found = self.folder / "finished.json"
        return msgspec.json.decode(found.read_bytes(), type=list[str]) if found.exists() else []

    def note(self, step: str, notes: list[Note]) -> None:
        self.write(step, "notes.json", notes)

    def notes(self) -> list[Note]:
        """What every step so far wants a person to know, in the order of the steps."""
        files = [self.folder / step / "notes.json" for step in STEPS]
        return [
            note for file in files if file.exists() for note in msgspec.json.decode(file.read_bytes(), type=list[Note])
        ]

    def series(self) -> npt.NDArray[np.float32] | None:
        """The flat tensors of step 3, read as they are used; None where there are none."""
        place = self.folder / "step3_features" / "series.npy"
        return np.load(place, mmap_mode="r", allow_pickle=False) if place.exists() else None

    def rows(self) -> pa.Table:
        """row, subject_id, at_us, label, value, part (train, test), fold (of the training rows); of survival, ended."""
        return pq.read_table(self.needed("step2_prepare", "rows.parquet"))

    def write_matrix(self, matrix: Rows, features: list[Feature]) -> None:
        """matrix.parquet, or of a wide matrix matrix.npz; and dictionary.csv, what each column means."""
        with self.path("step3_features", "dictionary.csv").open("w", newline="", encoding="utf-8") as file:
            names = ("name", "source", "value", "window_days", "unit", "en", "zh")
            told = [(f.name, f.source, f.value, f.window_days, f.unit, f.label["en"], f.label["zh"]) for f in features]
            csv.writer(file).writerows([names, *told])
        places = {kind: self.path("step3_features", f"matrix.{kind}") for kind in ("parquet", "npz")}
        for place in places.values():
            place.unlink(missing_ok=True)
        if isinstance(matrix, Wide):
            matrix.save(places["npz"])
            return
        columns = [pa.array(matrix[:, j], from_pandas=True) for j in range(len(features))]
        table = pa.Table.from_arrays(columns, names=[feature.name for feature in features])
        pq.write_table(table, places["parquet"])

    def feature_names(self) -> list[str]:
        """The columns of the matrix."""
        with self.needed("step3_features", "dictionary.csv").open(newline="", encoding="utf-8") as file:
            return [row["name"] for row in csv.DictReader(file)]

    @property
    def wide(self) -> Path:
        return self.folder / "step3_features" / "matrix.npz"

    @property
    def is_wide(self) -> bool:
        """Whether the matrix keeps only what is not usual."""
        return self.wide.exists()

    def matrix(self) -> Rows:
        if self.is_wide:
            return load_wide(self.wide)
        table = pq.read_table(self.needed("step3_features", "matrix.parquet"))
        columns = [table.column(j).to_numpy() for j in range(table.num_columns)]
        return np.ascontiguousarray(np.column_stack(columns), dtype=np.float64)


class Data:
    """The matrix and its labels as models want them: y = class number, value, or (time, event) of survival, where
    `ended` says what ended each time; `train`, `test`: row numbers."""

    def __init__(self, run: Run) -> None:
        rows, self.labels = run.rows(), run.labels
        self.seed = run.plan.task.split.seed
        self._run = run
        self.x: Any = run.matrix()  # an ordinary matrix, or `Wide`
        self.subject: npt.NDArray[Any] = np.asarray(rows["subject_id"].to_pylist(), dtype=object)
        self.fold = rows["fold"].to_numpy()
        self.y = self._answers(rows)
        ended = rows["ended"].to_pylist() if "ended" in rows.column_names else [""] * len(rows)
        self.ended = np.asarray(ended)
        part = np.asarray(rows["part"].to_pylist())
        self.train, self.test = np.flatnonzero(part == "train"), np.flatnonzero(part == "test")

    def _answers(self, rows: pa.Table) -> npt.NDArray[Any]:
        if self.labels.kind == "number":
            return np.asarray(rows["value"].to_numpy(), dtype=np.float64)
        if self.labels.kind == "survival":
            came = [float(label == self.labels.classes[-1]) for label in rows["label"].to_pylist()]
            return np.column_stack([rows["value"].to_numpy(), came])
        number = {name: i for i, name in enumerate(self.labels.classes)}
        return np.array([number[label] for label in rows["label"].to_pylist()], dtype=np.int64)

    @cached_property
    def series(self) -> npt.NDArray[np.float32] | None:
        """The flat tensors of all rows, where the task wants series."""
        return self._run.series()

    @cached_property
    def shape(self) -> Shape | None:
        """Where series lie behind the features."""
        if self.series is None:
            return None
        recipe = self._run.read("step3_features", "recipe.json", EventRecipe)
        assert recipe.series is not None  # they were made by it
        person = tuple(j for j, feature in enumerate(recipe.features) if feature.value in ("age", "sex"))
        return Shape(self.x.shape[1], person, recipe.series.steps, len(recipe.series.concepts))

    def seen(self, series: bool) -> Any:
        """All rows as a family sees them: the features, and series behind them where it reads those."""
        return self._both if series else self.x

    @cached_property
    def _both(self) -> Matrix:
        assert self.series is not None  # step 3 makes them where a family needs them
        return np.hstack([self.x, self.series])

    def fitted(self, name: str, rows: npt.NDArray[np.int64], params: Params) -> Model:
        """A family fitted on some rows."""
        kind = family(name)
        setting = replace(self.setting, subject=self.subject[rows], series=self.shape if kind.series else None)
        return kind.fit(self.seen(kind.series)[rows], self.y[rows], setting, dict(params))

    @property
    def outcome(self) -> npt.NDArray[Any]:
        """One value a row: class number or value; of survival 1 where the event was seen."""
        return self.y[:, 1].astype(np.int64) if self.labels.kind == "survival" else self.y

    @property
    def setting(self) -> Setting:
        times = tuple(self.labels.times)
        return Setting(self.labels.kind, max(1, len(self.labels.classes)), self.seed, times=times)
