"""The feature dictionary: what every column of a matrix means, where it came from, and what people call it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np
import numpy.typing as npt

from salus.learning.task import Text

TEXTUAL = ("word", "says", "denies")  # what a text has, states, denies
COUNTED = ("count", *TEXTUAL)
Act = Literal["impossible", "beyond", "clipped"]


class Feature(msgspec.Struct, kw_only=True, frozen=True):
    """One column. `source` groups the columns that speak of one thing; `window_days` 0 = the whole past.

    `value`: count, first, last, min, max, mean, deviation, slope (unit per day), since (days), age (years), sex
    (1 female, 0 male), derived (by a formula), pattern (a number of the mean vector of codes), or of a table: number,
    is (1 or 0), item and absent (1 said to be so, else 0), rate (log-odds of the class).
    """

    name: str
    source: str
    value: str
    window_days: float = 0
    unit: str | None = None
    label: Text
    level: str | None = None


def thing_of(source: str) -> str:
    """What a source speaks of: of a word the column or the kind of note that it stands in.

    >>> thing_of("note~fever"), thing_of("LOINC//4548-4")
    ('note', 'LOINC//4548-4')
    """
    return source.partition("~")[0]


def usual_of(features: Sequence[Feature]) -> npt.NDArray[np.float64]:
    """The value of each feature where nothing was found: 0 of what is counted, NaN of what is measured."""
    return np.array([0.0 if feature.value in COUNTED else np.nan for feature in features])


class Concept(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """One thing events speak of: a code, or a code with a text. Values in another unit are counted, not measured.

    With `members`, a group: every event whose code fits one of them (a code, or a beginning and `*`) counts; `code` is
    then only its name."""

    code: str
    text: str | None = None
    unit: str | None = None
    blind: bool = False
    members: list[str] = msgspec.field(default_factory=list)

    @property
    def key(self) -> str:
        return self.code if self.text is None else f"{self.code}={self.text}"


class Lexicon(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The words of one source of texts, a column of a table or a pattern of codes (then of the last `days`, 0 = all),
    with their idf; and the terms that are looked for, stated (`says`) and denied (`denies`)."""

    name: str
    words: list[str]
    idf: list[float]
    says: list[str] = msgspec.field(default_factory=list)
    denies: list[str] = msgspec.field(default_factory=list)
    days: float = 0

    @property
    def width(self) -> int:
        return len(self.words) + len(self.says) + len(self.denies)


class Embedding(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Vectors of codes, of which the mean over the codes known in each window is a feature. `vectors`: numbers of four
    bytes, little-endian, code after code (in JSON as base64); `blind`: which codes hide for the blind hours; `shares`,
    the same for each window: what part each code has of a training row on average."""

    codes: list[str]
    vectors: bytes
    windows_days: list[float]
    blind: list[str] = msgspec.field(default_factory=list)
    shares: bytes = b""


class Rolled(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Which codes groups count at all, and which of those hide for the blind hours: patterns of the task."""

    codes: list[str]
    exclude: list[str] = msgspec.field(default_factory=list)
    blind: list[str] = msgspec.field(default_factory=list)


class Series(msgspec.Struct, kw_only=True):
    """How tensors are made from events: a channel for each concept, `measured` ones by value, others as 1 where they
    happen; so many latest steps, each `every_hours` long (0: every moment is a step). `features`: one a channel."""

    concepts: list[Concept]
    features: list[Feature]
    measured: list[bool]
    steps: int
    every_hours: float
    blind_hours: float = 0

    @property
    def width(self) -> int:
        """The length of a flat tensor."""
        return self.steps * (1 + len(self.concepts))


class Formula(msgspec.Struct, kw_only=True):
    """How one feature is derived from others. `of`: a name in the text -> the features it means, the first known."""

    text: str
    of: dict[str, list[str]]


class Conversion(msgspec.Struct, kw_only=True):
    """Numbers of a code in a unit become numbers in another: value * factor + start."""

    code: str
    unit: str
    to: str
    factor: float
    start: float


class Limit(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The values of a code, in a unit, that are measured. `act`: whether others cannot be, are beyond the usual, or are
    set to the limit."""

    code: str
    unit: str | None = None
    low: float | None = None
    high: float | None = None
    act: Act


class Cleaner(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What is cleaned of events before features are made; learned on training people, the same for everybody."""

    duplicates: bool = False
    conversions: list[Conversion] = msgspec.field(default_factory=list)
    limits: list[Limit] = msgspec.field(default_factory=list)

    def only(self, codes: set[str]) -> "Cleaner":
        """The cleaner of these codes."""
        return Cleaner(
            duplicates=self.duplicates,
            conversions=[one for one in self.conversions if one.code in codes],
            limits=[one for one in self.limits if one.code in codes],
        )


class EventRecipe(msgspec.Struct, kw_only=True):
    """How features are made from events; the same recipe in training and at the bedside."""

    concepts: list[Concept]
    features: list[Feature]
    blind_hours: float = 0
    rolled: Rolled | None = None
    series: Series | None = None
    derived: dict[str, Formula] = msgspec.field(default_factory=dict)  # feature -> how it is made
    clean: Cleaner | None = None
    embedding: Embedding | None = None  # its features stand before those of texts
    texts: list[Lexicon] = msgspec.field(default_factory=list)  # their features stand together, in this order

    def only(self, kept: Sequence[Feature]) -> "EventRecipe":
        """The recipe that makes only these features."""
        sources = {feature.source for feature in kept}
        concepts = [concept for concept in self.concepts if concept.key in sources]
        names = {feature.name for feature in kept}
        derived = {name: formula for name, formula in self.derived.items() if name in names}
        clean = self.clean.only({concept.code for concept in concepts}) if self.clean else None
        return msgspec.structs.replace(self, concepts=concepts, features=list(kept), derived=derived, clean=clean)


def write_json(path: Path, value: object) -> None:
    """Write a struct or a plain value as indented JSON that a person can open."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(value, enc_hook=plain_number), indent=1))


def plain_number(value: object) -> object:
    """The Python number of a NumPy scalar. Raises TypeError for anything else."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")
