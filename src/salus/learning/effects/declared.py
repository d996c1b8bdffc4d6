"""An effect task: who, which options, from when on, which outcome, read from a TOML file (see README.md beside this).

The order of the options matters: the first is what the others are compared with.
"""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import msgspec

from salus.base.errors import Invalid, Issue, Malformed, Missing
from salus.learning.task import (
    Clean,
    Cohort,
    Features,
    FollowedUntil,
    Label,
    Strict,
    Task,
    Text,
    When,
    beside,
    faults_of,
    matches,
    without_places,
)

MOST_OPTIONS = 12
LANGUAGES = {"en", "zh"}
SHARED = ("features", "clean", "about")  # parts that are those of any task
USUAL: dict[str, Any] = {"values": ["count", "last"], "windows_days": [365], "max_codes": 40}  # of [features]
Estimand = Literal["initiated", "until_switched"]


class Choice(Strict):
    """One treatment: `codes` are the orders that begin it. Of at most one option none: nothing else was begun."""

    code: str
    en: str
    zh: str
    codes: list[str] = msgspec.field(default_factory=list)

    @property
    def name(self) -> Text:
        return {"en": self.en, "zh": self.zh}


class TimeZero(Strict):
    """When the choice is made: at the first order of an option; or with `events`, so long after one of them.

    The first moment counts at which the cohort rules hold and no option stood in the `washout_days` before (0: ever).
    Options begun within `within_days` count; everybody is followed from the end of that time, so that nobody lives
    through it by being treated.
    """

    events: list[str] = msgspec.field(default_factory=list)
    offset_hours: float = 0
    within_days: float = 0
    washout_days: float = 0


class Outcome(Strict):
    """What counts: codes within so many days of time zero (a risk); or their last number (`value`, a mean).

    `incident`: whether people who had it before are left out.
    """

    en: str
    zh: str
    codes: list[str]
    within_days: float
    value: bool = False
    incident: bool = False

    @property
    def name(self) -> Text:
        return {"en": self.en, "zh": self.zh}


class Harm(Strict):
    """A further outcome that is told beside the benefit; `within_days` 0: those of the outcome."""

    en: str
    zh: str
    codes: list[str]
    within_days: float = 0

    @property
    def name(self) -> Text:
        return {"en": self.en, "zh": self.zh}


class EffectTask(Strict):
    """One question of benefit put to the records.

    `estimand`: of options as they were begun, whatever came later, or as long as people did not change to another one
    (they count as lost then). `randomised`: whether chance decided who had what. `controls`: outcomes that no option
    can change.
    """

    name: str
    question: Text
    options: list[Choice]
    outcome: Outcome
    cohort: Cohort = msgspec.field(default_factory=Cohort)
    time_zero: TimeZero = msgspec.field(default_factory=TimeZero)
    estimand: Estimand = "initiated"
    lower_is_better: bool = True
    randomised: bool = False
    followed_until: FollowedUntil = "end_of_data"
    harms: list[Harm] = msgspec.field(default_factory=list)
    controls: dict[str, list[str]] = msgspec.field(default_factory=dict)
    features: Features = msgspec.field(default_factory=Features)
    clean: Clean = msgspec.field(default_factory=Clean)
    labels: dict[str, Text] = msgspec.field(default_factory=dict)
    about: dict[str, Text | str] = msgspec.field(default_factory=dict)
    seed: int = 7

    @property
    def option_codes(self) -> list[str]:
        return [code for option in self.options for code in option.codes]

    @property
    def named(self) -> list[str]:
        """Patterns of all codes that the question itself speaks of."""
        others = [code for one in self.harms for code in one.codes] + [c for cs in self.controls.values() for c in cs]
        return [*self.option_codes, *self.time_zero.events, *self.outcome.codes, *others]

    def taken(self, code: str) -> int | None:
        """Which option an order of this code begins."""
        return next((k for k, option in enumerate(self.options) if matches(code, option.codes)), None)

    def as_task(self, hidden: list[str] | None = None) -> Task:
        """The same as a task of prediction, for the steps that both share: events, features, cohort.

        `hidden`: further codes that are never features."""
        features = msgspec.structs.replace(
            self.features, exclude=[*self.features.exclude, *self.option_codes, *(hidden or [])]
        )
        return Task(
            name=self.name,
            kind="survival",
            question=self.question,
            cohort=self.cohort,
            when=When(events=self.named),
            label=Label(codes=self.outcome.codes, within_days=self.outcome.within_days, incident=False),
            clean=self.clean,
            features=features,
            labels=self.labels,
            about=self.about,
        )


def read_effect_task(path: Path) -> EffectTask:
    """The task in a TOML file. Raises Missing, Malformed (no TOML), Invalid (each fault: its key and the cure)."""
    if not path.is_file():
        raise Missing(f"There is no task file {path}: name an existing TOML file")
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Malformed(f"{path.name} is not TOML: {error}") from error
    task = effect_task_of(table)
    features = beside(task.as_task(), path.parent).features
    kept = msgspec.structs.replace(features, exclude=task.features.exclude)
    return msgspec.structs.replace(task, features=kept)


def effect_task_of(table: dict[str, Any]) -> EffectTask:
    """The checked task of a plain table. Raises Invalid."""
    features = table.get("features", {})
    given = {**table, "features": {**USUAL, **features} if isinstance(features, dict) else features}
    try:
        task = msgspec.convert(given, EffectTask, strict=False)
    except msgspec.ValidationError as error:
        raise Invalid(f"The effect task does not fit: {error}. See src/salus/learning/effects/README.md") from error
    found = [*faults(task), *(one for one in faults_of(task.as_task()) if one.path.split(".")[0] in SHARED)]
    if found:
        raise Invalid(found[0].text, issues=found)
    return task


def without_folders(task: EffectTask) -> EffectTask:
    """The task as it may travel with a model."""
    kept = msgspec.structs.replace(without_places(task.as_task()).features, exclude=task.features.exclude)
    return msgspec.structs.replace(task, features=kept)


def faults(task: EffectTask) -> Iterator[Issue]:
    """What is wrong with a task that has the right shape: one issue each."""
    for wrong, path, text in (*of_names(task), *of_options(task), *of_times(task), *of_codes(task), *of_features(task)):
        if wrong:
            yield Issue("invalid", path, text)


Rows = list[tuple[bool, str, str]]  # is it wrong, which key, what to say


def of_names(task: EffectTask) -> Rows:
    return [
        (not re.fullmatch(r"[\w-]{1,80}", task.name), "name", f"'{task.name}' must be letters, digits, - and _"),
        (set(task.question) < LANGUAGES, "question", "give the question in both languages: en and zh"),
    ]


def of_options(task: EffectTask) -> Rows:
    codes, count = [option.code for option in task.options], len(task.options)
    empty = [option.code for option in task.options if not option.codes]
    late = not (task.time_zero.events and task.time_zero.within_days > 0)
    return [
        (not 2 <= count <= MOST_OPTIONS, "options", f"{count} options: give 2 to {MOST_OPTIONS}"),
        (len(set(codes)) < count, "options", f"{', '.join(codes)}: each option needs a code of its own"),
        (len(empty) > 1, "options", f"{', '.join(empty)} have no codes: only one option can be that nothing was begun"),
        (
            bool(empty) and late,
            "options",
            f"'{''.join(empty[:1])}' has no codes: people to whom nothing is given have no first order, so say when "
            "the choice was theirs: time_zero.events, and within_days in which it was made",
        ),
    ]


def of_times(task: EffectTask) -> Rows:
    zero, within = task.time_zero, task.outcome.within_days
    least = min(zero.within_days, zero.washout_days, zero.offset_hours, *(harm.within_days for harm in task.harms), 0)
    return [
        (within <= 0, "outcome.within_days", f"{within:g} days: give a horizon above 0"),
        (least < 0, "time_zero", "days and hours are 0 or more"),
        (
            bool(zero.offset_hours) and not zero.events,
            "time_zero.offset_hours",
            "an offset goes with time_zero.events: a first order is time zero itself",
        ),
    ]


def of_codes(task: EffectTask) -> Rows:
    both = [
        (one.code, other.code, code)
        for k, one in enumerate(task.options)
        for other in task.options[k + 1 :]
        for code in one.codes
        for against in other.codes
        if overlapping(code, against)
    ]
    own = [c for c in task.outcome.codes if any(overlapping(c, o) for o in task.option_codes)]
    void = [name for name, codes in task.controls.items() if not codes] + [h.en for h in task.harms if not h.codes]
    turned = [
        n for n, codes in task.controls.items() if any(overlapping(a, b) for a in codes for b in task.outcome.codes)
    ]
    return [
        (
            bool(both),
            "options",
            "; ".join(f"'{code}' is of both {one} and {other}" for one, other, code in both[:3])
            + ": an order must say "
            "which option it begins",
        ),
        (not task.outcome.codes, "outcome.codes", "say which codes are the outcome"),
        (bool(own), "outcome.codes", f"{', '.join(own)}: an order of an option cannot be its own outcome"),
        (bool(void), "controls", f"{', '.join(void)}: give codes"),
        (bool(turned), "controls", f"{', '.join(turned)}: a control that is the outcome controls nothing"),
    ]


def of_features(task: EffectTask) -> Rows:
    features = task.features
    other = [
        name
        for name, given in (
            ("text", features.text),
            ("embedding", features.embedding),
            ("sequence", features.sequence),
        )
        if given
    ]
    return [(bool(other), f"features.{''.join(other[:1])}", f"{', '.join(other)}: effects rest on plain features only")]


def overlapping(one: str, other: str) -> bool:
    """Whether two patterns can fit the same code.

    >>> overlapping("ATC//C10*", "ATC//C10AA05"), overlapping("ATC//C10AA05", "ATC//C10AA07")
    (True, False)
    """
    return matches(one.rstrip("*"), [other]) or matches(other.rstrip("*"), [one])
