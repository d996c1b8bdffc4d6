"""The shape of what evaluation finds: figures.json."""

import msgspec

from salus.learning.step5_evaluate.bootstrap import Figure
from salus.learning.task import Kind, Strict, Text

Figures = dict[str, Figure]


class Bin(Strict):
    """Rows whose probability lies in [low, high]: the mean foretold and the share that came true."""

    low: float
    high: float
    rows: int
    mean: float
    observed: float


class Decision(Strict):
    """Net benefit per row at a threshold, of the model, of treating all, and of the points score; of none it is 0.

    `low`, `high`: the 95 % interval of what the model gains over the better of treating all and none.
    """

    threshold: float
    model: float
    everyone: float
    points: float
    low: float | None = None
    high: float | None = None


class Choice(Strict):
    """What follows from saying yes at a threshold. `chosen`: the one set on the training rows."""

    threshold: float
    chosen: bool
    said: float
    precision: float | None
    recall: float | None
    specificity: float | None

    @property
    def needed(self) -> float | None:
        """How many that are called yes must be looked at to find one that is (number needed to evaluate)."""
        return 1 / self.precision if self.precision else None


class Group(Strict):
    """Held-out rows of one sex, age band or declared group."""

    by: str
    name: str
    rows: int
    cases: int
    figures: Figures


class Coverage(Strict):
    """Whether the answers hold the truth: `by` all, class, sex, age or a declared group.

    Figures: covered (share of rows), size (answers a row; of a number the width), undecided (share: all or none).
    `short`: 500 rows or more, and covered more than two points below the level.
    """

    by: str
    name: str
    rows: int
    figures: Figures
    short: bool = False


class Gap(Strict):
    """By how much the best and the worst off of the groups differ in a measure, with its interval.

    `bound`: how much it may be for the model to be promoted by itself; None where the task declares none.
    """

    by: str
    measure: str
    least: str
    most: str
    difference: Figure
    bound: float | None = None

    @property
    def too_wide(self) -> bool:
        """Whether the difference passes its bound."""
        return self.bound is not None and (self.difference.value or 0.0) > self.bound


class ClassFigures(Strict):
    name: str
    label: Text
    rows: int
    figures: Figures


class Third(Strict):
    """Held-out rows of low, middle or high risk: (time, share free) as seen and as foretold, (time, still followed)."""

    name: str
    rows: int
    events: int
    seen: list[tuple[float, float]]
    foretold: list[tuple[float, float]]
    at_risk: list[tuple[float, int]]


class Moment(Strict):
    """Up to one time: the rows still followed, the mean risk foretold; figures: observed, auroc, brier."""

    when: float
    at_risk: int
    foretold: float
    figures: Figures


class Removed(Strict):
    """How the event fares beside what makes it impossible, by the horizon: were nobody removed, and as it is.

    `foretold`: the mean risk of the model, which speaks of the former.
    """

    alone: float
    beside: float
    foretold: float


class Curves(Strict):
    calibration: list[Bin] = msgspec.field(default_factory=list)
    decision: list[Decision] = msgspec.field(default_factory=list)
    roc: list[tuple[float, float]] = msgspec.field(default_factory=list)
    thirds: list[Third] = msgspec.field(default_factory=list)
    moments: list[Moment] = msgspec.field(default_factory=list)


class Rotation(Strict):
    """Every subject held out once: `figures` of all rows together, `each` of one fold alone, `families` the kind of
    model that each fold chose. `chance`: what a measure of distance would be by chance if all were perfect."""

    folds: int
    rows: int
    subjects: int
    families: list[str]
    figures: Figures
    each: list[Figures]
    subgroups: list[Group] = msgspec.field(default_factory=list)
    level: float | None = None
    coverage: list[Coverage] = msgspec.field(default_factory=list)
    chance: dict[str, float] = msgspec.field(default_factory=dict)


class Evaluation(Strict):
    """Held-out figures only. `first`: the families as first trained; `chosen`: the tuned model that is deployed.

    `level`: how often its answers are to hold the truth; `unbounded`: classes that training could not bound. Of
    survival, `horizon` in `unit`; `removed`: where something else made the event impossible.
    """

    kind: Kind
    classes: list[str]
    family: str
    rows: int
    subjects: int
    cases: int
    training_rows: int
    training_subjects: int
    threshold: float
    chosen: Figures
    first: dict[str, Figures]
    baselines: dict[str, Figures]
    curves: Curves = msgspec.field(default_factory=Curves)
    asked_a_day: float | None = None  # rows on a day of the data, where a task asks at events
    thresholds: list[Choice] = msgspec.field(default_factory=list)
    subgroups: list[Group] = msgspec.field(default_factory=list)
    level: float | None = None
    unbounded: list[str] = msgspec.field(default_factory=list)
    coverage: list[Coverage] = msgspec.field(default_factory=list)
    gaps: list[Gap] = msgspec.field(default_factory=list)
    per_class: list[ClassFigures] = msgspec.field(default_factory=list)
    horizon: float | None = None
    unit: str = "days"
    removed: Removed | None = None
