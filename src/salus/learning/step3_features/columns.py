"""How each column of a table is treated: as numbers, categories, codes, lists of findings, or left out and why."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from salus.base.errors import Invalid
from salus.learning.dictionary import Feature, Lexicon
from salus.learning.numbers import number_of
from salus.learning.run import Labels, Note, Run
from salus.learning.step1_collect.history import label_of
from salus.learning.step1_collect.table import asked
from salus.learning.step3_features.lexicon import features_of as text_features
from salus.learning.step3_features.lexicon import is_text, learned, tokens
from salus.learning.step3_features.telltale import tells_time
from salus.learning.survival.follow import Follow
from salus.learning.task import Strict

Whole = npt.NDArray[np.int64]
SEPARATORS = re.compile(r"[;；|、]")
LOOKS_CODED = re.compile(r"(_id|_code|_type|code|type)$", re.IGNORECASE)
LOOKS_LIKE_NAME = re.compile(r"(^|_)(id|no|nbr|number|key|uuid)$", re.IGNORECASE)
SHORT_ITEM = 5  # words, on average
FEW_LEVELS, MOST_LEVELS, MOST_ITEMS = 30, 16, 400
NAMES_PEOPLE = re.compile(
    r"(patient|subject|person|member|mrn|pid|stay|hadm|患者|病人|受试者|病案|病历|住院|身份证)"
    r"[ _-]?(id|no|nr|nbr|num|number|key|编号|号码?)?$",
    re.IGNORECASE,
)
MOST_RATE_CLASSES = 6  # with more classes a column of rates each would drown the rest


class Column(Strict):
    """One column. Treatments: number; category (few levels); code (many); list (items, perhaps item=1/0);
    text (words)."""

    name: str
    treatment: str
    levels: list[str] = msgspec.field(default_factory=list)
    rates: list[dict[str, float]] = msgspec.field(default_factory=list)  # by class foretold: log-odds less the usual
    denied: list[str] = msgspec.field(default_factory=list)  # items of a list that some rows say are absent
    prefix: bool = False  # a code's part before "." speaks too
    prefix_rates: list[dict[str, float]] = msgspec.field(default_factory=list)
    lexicon: Lexicon | None = None


class TableRecipe(Strict):
    """How features are made from the cells of a row; the same recipe in training and afterwards."""

    columns: list[Column]
    features: list[Feature]


@dataclass(frozen=True)
class Cells:
    """One column of a table by its different values: `values[place[i]]` is row i; None = nothing said."""

    values: list[str | None]
    place: Whole
    train: Whole  # row numbers

    def numbers(self) -> npt.NDArray[np.float64]:
        """What the training rows say as numbers; NaN where that is none."""
        read = np.array([number_of(v) if v is not None else None for v in self.values], dtype=np.float64)
        return np.asarray(read[self.place[self.train]], dtype=np.float64)

    def counts(self) -> Counter[str]:
        """How many training rows say each value."""
        many = np.bincount(self.place[self.train], minlength=len(self.values))
        return Counter({v: int(n) for v, n in zip(self.values, many, strict=True) if v is not None and n})

    def print(self) -> bytes:
        """The same for columns that say the same, perhaps in other words. Where nearly every row has a value of its
        own, any two columns would be words for each other: then only the same values are the same."""
        own = repr(self.values).encode() if len(self.values) > len(self.place) / 2 else b""
        return self.place.tobytes() + own


def table_rows(run: Run) -> tuple[dict[str, Cells], pa.Table]:
    """Every column of the rows that step 2 kept, but for target, event, subject and those to drop; and those rows."""
    rows, ask = run.rows(), asked(run.plan)
    table = pq.read_table(run.needed("step1_collect", "table.parquet")).take(rows["row"])
    train = np.flatnonzero(np.asarray(rows["part"].to_pylist()) == "train")
    aside = {ask.target, ask.event, ask.subject, ask.order, run.plan.task.split.site, *ask.drop}
    names = [name for name in table.column_names if name not in aside]
    return {name: cells_of(table[name], train) for name in names}, rows


def cells_of(column: pa.ChunkedArray, train: Whole) -> Cells:
    """A column by its different values."""
    coded = column.combine_chunks().dictionary_encode(null_encoding="encode")
    return Cells(coded.dictionary.to_pylist(), coded.indices.to_numpy().astype(np.int64), train)


def table_recipe(run: Run, cells: dict[str, Cells], rows: pa.Table) -> tuple[TableRecipe, list[Note]]:
    """The treatment of every column, judged by the training rows alone. Raises Invalid when no column is of use."""
    labels = run.labels
    target = np.asarray((rows["value"] if labels.kind == "number" else rows["label"]).to_pylist())
    columns, notes, seen = [], [], dict[bytes, str]()
    follow = Follow(rows["value"].to_numpy(), target == "yes") if labels.kind == "survival" else None
    most = run.plan.task.features.max_words
    _, subject = np.unique(np.asarray(rows["subject_id"].to_pylist()).astype(str), return_inverse=True)
    for name, one in cells.items():
        why = reason_to_drop(name, one, target, labels, seen, follow) or person_named(run, name, one)
        if why:
            notes.append(why)
        else:
            columns.append(text_column(name, one, subject, most) or treated(name, one, labels))
    if not columns:
        raise Invalid("No column is left to learn from: " + "; ".join(f"{n.key} {n.slots}" for n in notes))
    return TableRecipe(columns=columns, features=[f for c in columns for f in features_of(c, labels)]), notes


def reason_to_drop(
    name: str,
    one: Cells,
    target: npt.NDArray[Any],
    labels: Labels,
    seen: dict[bytes, str],
    follow: Follow | None = None,
) -> Note | None:
    """Why a column is of no use: the same everywhere, a row's name, another column again, the target itself, or (of
    `follow`, time to event) another clock of the same time."""
    counts = one.counts()
    twin = seen.setdefault(one.print(), name) if len(counts) > 1 else name
    reasons: list[tuple[str, Callable[[], bool]]] = [
        ("note.constant", lambda: len(counts) < 2 and (not counts or counts.total() == len(one.train))),
        ("note.twin", lambda: twin != name),
        ("note.leak", lambda: equals_target(one, target, labels)),
        ("note.identity", lambda: names_rows(name, counts)),
        ("note.tells_time", lambda: follow is not None and tells_time(one.numbers(), follow.some(one.train))),
    ]
    key = next((key for key, is_so in reasons if is_so()), None)
    return Note(key=key, slots={"column": name, "twin": twin}) if key else None


def names_rows(name: str, counts: Counter[str]) -> bool:
    """Whether the values only name the rows: nearly all different, and words, or whole numbers under a name like id."""
    if len(counts) < 0.9 * counts.total() or counts.total() < 30:
        return False
    numbers = [number_of(value) for value in counts]
    if reads_as_text(counts):
        return False
    if any(SEPARATORS.search(value) for value in counts):
        return False
    return any(n is None for n in numbers) or bool(LOOKS_LIKE_NAME.search(name)) or counts_rows(numbers)


def counts_rows(numbers: list[float | None]) -> bool:
    """Whether different numbers are hardly more than counted through: 1000, 1001, 1003, ..."""
    whole = {int(n) for n in numbers if n is not None and n == int(n)}
    return len(whole) == len(numbers) and max(whole) - min(whole) < 3 * len(whole)


def person_named(run: Run, name: str, one: Cells) -> Note | None:
    """The note on a column that names people, where nobody said whose a row is."""
    unsaid = asked(run.plan).subject is None
    return Note(key="note.person", slots={"column": name}) if unsaid and names_people(name, one.counts()) else None


def names_people(name: str, counts: Counter[str]) -> bool:
    """Whether the values name people who have several rows: many different ones, under a name that says so."""
    return bool(NAMES_PEOPLE.match(name)) and len(counts) > max(20, counts.total() // 50)


def equals_target(one: Cells, target: npt.NDArray[Any], labels: Labels) -> bool:
    """Whether knowing the column is knowing the target, in 999 of 1000 training rows."""
    place, truth = one.place[one.train], target[one.train]
    if labels.kind == "number":
        return same_number(one, truth)
    if len(np.unique(place)) > max(2 * len(labels.classes), len(truth) // 20):
        return False
    classes, number = np.unique(truth, return_inverse=True)
    table = np.zeros((len(one.values), len(classes)))
    np.add.at(table, (place, number), 1)
    usual = table.sum(axis=0).max() / len(truth)
    return bool(table.max(axis=1).sum() / len(truth) >= max(0.999, usual + 0.5 * (1 - usual)))


def same_number(one: Cells, truth: npt.NDArray[Any]) -> bool:
    """Whether the column is the numeric target, up to a line."""
    values = one.numbers()
    known = ~np.isnan(values)
    if known.sum() < 3 or np.std(values[known]) == 0 or np.std(truth[known]) == 0:
        return False
    return bool(abs(np.corrcoef(values[known], truth[known].astype(float))[0, 1]) > 0.99999)


def text_column(name: str, one: Cells, subject: Whole, most: int) -> Column | None:
    """A column of texts by its words, where it is one. `subject`: the number of each row's person."""
    if not reads_as_text(one.counts()):
        return None
    said = one.train[np.array([value is not None for value in one.values])[one.place[one.train]]]
    texts = [value or "" for value in one.values]
    lexicon = learned(name, texts, np.arange(len(said)), one.place[said], subject[said], most)
    return Column(name=name, treatment="text", lexicon=lexicon) if lexicon else None


def reads_as_text(counts: Counter[str]) -> bool:
    """Whether a column is of texts: long, mostly different, and no list of short items."""
    return is_text(counts) and not (is_list(counts) and short_items(counts))


def short_items(counts: Counter[str]) -> bool:
    items = [item for value in list(counts)[:200] for item in items_of(value)]
    return sum(sum(1 for _ in tokens(item)) for item in items) < SHORT_ITEM * len(items)


def treated(name: str, one: Cells, labels: Labels) -> Column:
    """The treatment of one column by what its training rows say."""
    counts = one.counts()
    if is_list(counts):
        return list_column(name, counts)
    if is_number(name, counts):
        return Column(name=name, treatment="number")
    floor = max(5, counts.total() // 250)
    levels = [level for level, many in counts.most_common(MOST_LEVELS) if many >= floor]
    treatment = "category" if len(counts) <= FEW_LEVELS else "code"
    prefix = treatment == "code" and sum(n for v, n in counts.items() if "." in v) > 0.02 * counts.total()
    return Column(name=name, treatment=treatment, levels=levels, prefix=prefix)


def list_column(name: str, counts: Counter[str]) -> Column:
    """Items that enough rows say are present, and those that enough rows say are absent."""
    floor, said = 2 if counts.total() < 5000 else 20, {1.0: Counter[str](), -1.0: Counter[str](), 0.0: Counter[str]()}
    for value, many in counts.items():
        for item, says in items_of(value).items():
            said[says][item] += many
    present, absent = (
        [item for item, many in said[says].most_common(MOST_ITEMS) if many >= floor] for says in (1.0, -1.0)
    )
    return Column(name=name, treatment="list", levels=present, denied=absent)


def is_number(name: str, counts: Counter[str]) -> bool:
    """Nearly every cell is a number, and not a small code that only looks like one."""
    good = [value for value in counts if number_of(value) is not None]
    if sum(counts[value] for value in good) < 0.995 * counts.total():
        return False
    return not (LOOKS_CODED.search(name) and len(counts) <= 60 and all(value.isdigit() for value in good))


def is_list(counts: Counter[str]) -> bool:
    """Some cells hold several items, and the items come back in other cells."""
    several = sum(many for value, many in counts.items() if SEPARATORS.search(value))
    if several < 0.1 * counts.total():
        return False
    items = [item for value in counts for item in items_of(value)]
    return len(set(items)) < 0.7 * len(items)


SAYS = {"0": -1.0, "no": -1.0, "absent": -1.0, "false": -1.0, "-": -1.0, "无": -1.0, "否": -1.0}
UNSURE = {"2", "unsure", "unknown", "?", "不确定"}


def items_of(value: str) -> dict[str, float]:
    """The items of a list cell: 1 present, -1 absent, 0 unsure.

    >>> items_of("cough; fever=1; rash=0; chills=2")
    {'cough': 1.0, 'fever': 1.0, 'rash': -1.0, 'chills': 0.0}
    """
    found = {}
    for part in SEPARATORS.split(value):
        item, _, says = part.strip().partition("=")
        if item.strip():
            says = says.strip().lower()
            found[item.strip()] = 0.0 if says in UNSURE else SAYS.get(says, 1.0)
    return found


def rate_classes(labels: Labels) -> list[str]:
    """The classes that a column of many levels keeps a rate for; numbers have one rate, their mean."""
    if labels.kind == "number":
        return ["value"]
    classes = labels.classes[1:] if labels.kind in ("binary", "survival") else labels.classes
    return classes if len(classes) <= MOST_RATE_CLASSES else []


def features_of(column: Column, labels: Labels) -> Iterator[Feature]:
    """The features of one column, in the order in which `encode` makes their values."""

    def feature(value: str, level: str | None = None, kind: str = "") -> Feature:
        tail = "" if level is None else f" = {level}"
        label = {language: f"{text}{tail}" for language, text in label_of(column.name).items()}
        return Feature(name=f"{column.name}{tail}{kind}", source=column.name, value=value, level=level, label=label)

    if column.lexicon is not None:
        yield from text_features(column.lexicon, {"en": column.name, "zh": column.name})
    elif column.treatment == "number":
        yield feature("number")
    elif column.treatment == "list":
        yield from (feature("item", level) for level in column.levels)
        yield from (feature("absent", level, " (absent)") for level in column.denied)
    else:
        yield from (feature("is", level) for level in column.levels)
        yield from (feature("rate", None, f" ~ {one}") for one in rate_classes(labels))
        if column.prefix:
            yield from (feature("rate", None, f" (before .) ~ {one}") for one in rate_classes(labels))
