"""A task: who, when, what and from what, read from a TOML file (see README.md beside this file)."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Literal

import msgspec
from msgspec.structs import replace

from salus.base.errors import Invalid, Issue, Malformed, Missing
from salus.learning.cohorts.definition import Definition
from salus.learning.cohorts.plan import plan_of
from salus.learning.cohorts.reading import read_definition
from salus.learning.cohorts.telling import faults_of_task, horizon_days, label_codes
from salus.learning.formulas import Expression

Kind = Literal["binary", "multiclass", "number", "survival", "ranking"]
Call = Literal["f1", "as_many"]
Weights = Literal["none", "balanced", "tuned"]
FollowedUntil = Literal["end_of_data", "last_event"]
Text = dict[str, str]
YAML = (".yaml", ".yml")
USUAL_VALUES = ("count", "last", "min", "max", "mean", "slope", "since")
NEED_SERIES = ("recurrent",)  # families that read series of events
VALUES = (*USUAL_VALUES, "first", "deviation")


MOST_FOLDS = 20
MOST_LEARNED = 512  # numbers of a learned vector
BOUNDED = {  # kind of task -> measures whose difference between groups can be bounded
    "binary": ("auroc", "recall", "specificity", "selected", "o_e", "ece"),
    "multiclass": ("accuracy",),
    "number": ("mae",),
    "survival": ("uno", "recall", "specificity", "selected", "o_e", "ece"),
    "ranking": (),
}


class Strict(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """A part of a task: an unknown key is a mistake, never ignored."""


class Cohort(Strict):
    """Who, judged at the prediction time. Ages in years, history in days."""

    min_age: float | None = None
    max_age: float | None = None
    has: list[str] = []
    without: list[str] = []
    min_history_days: float = 0


class When(Strict):
    """The prediction time: at events, or on dates."""

    events: list[str] = []
    dates: list[datetime] = []
    keep: Literal["each", "first", "last"] = "each"
    min_gap_days: float = 0
    max_per_subject: int = 0
    offset_hours: float = 0


class Label(Strict):
    """What: codes within a horizon after the prediction time, or in the same encounter. `no`: of a yes-or-no question
    about the same encounter, the codes that say no; while neither is there, it is not over and nobody's row.

    `followed_until`: of survival, when a person without the event counts as no longer followed.
    """

    codes: list[str] = []
    no: list[str] = []
    classes: dict[str, list[str]] = {}
    names: dict[str, Text] = {}
    within_days: float = 0
    same_encounter: bool = False
    incident: bool | None = None
    other: str | None = None
    followed_until: FollowedUntil = "end_of_data"

    def all_codes(self) -> list[str]:
        return self.codes + self.no + [code for codes in self.classes.values() for code in codes]


class Sequence(Strict):
    """Series for nets that read them: so many latest steps, each `every_hours` long (0: every moment is a step), and
    so many channels at most, the most frequent concepts of these codes."""

    steps: int = 64
    every_hours: float = 1
    channels: int = 64
    codes: list[str] = msgspec.field(default_factory=lambda: ["*"])


class Embed(Strict):
    """Vectors of codes: `from` a file, or so many numbers `learned` from training people. Learned ones say which codes
    come together within so many days, of codes that so many people have, the most frequent ones. `windows_days`: over
    which windows the vectors of a row's codes are averaged; none named: the longest."""

    from_: str = msgspec.field(default="", name="from")
    learned: int = 0
    within_days: float = 30
    windows_days: list[float] = []
    min_subjects: int = 5
    max_codes: int = 10_000


class Derived(Strict):
    """A feature by a formula, such as "rate / systolic". `of`: name -> a code, codes of which the first known counts,
    or a pattern (then one feature a code). A bare name takes each of `values`; `name.last` is said outright."""

    formula: str
    of: dict[str, str | list[str]] = {}
    values: list[str] = msgspec.field(default_factory=lambda: ["last"])
    unit: str | None = None
    label: Text = {}


class Limit(Strict):
    """How a changeable thing may be imagined otherwise: only up or down, and only between two values (in its unit)."""

    direction: Literal["any", "up", "down"] = "any"
    low: float | None = None
    high: float | None = None

    def allows(self, now: float | None, value: float) -> bool:
        """Whether a value is within the bounds and on its side of what is now (any side, where that is not known).

        >>> Limit(direction="down", low=4).allows(7, 5), Limit(direction="down", low=4).allows(7, 3)
        (True, False)
        """
        inside = (self.low is None or value >= self.low) and (self.high is None or value <= self.high)
        side = now is None or self.direction == "any" or (value > now) == (self.direction == "up")
        return inside and side


class Features(Strict):
    """From what: patterns of codes, windows in days looking back (0 = the whole past, 0.25 = six hours), and values per
    window."""

    codes: list[str] = msgspec.field(default_factory=lambda: ["*"])
    exclude: list[str] = []
    count_codes: list[str] = msgspec.field(default_factory=lambda: ["*"])
    windows_days: list[float] = msgspec.field(default_factory=lambda: [365, 0])
    values: list[str] = msgspec.field(default_factory=lambda: list(USUAL_VALUES))
    with_text: list[str] = []
    rollup: list[str] = []
    terminology: str = ""
    min_subjects: int = 20
    max_codes: int = 300
    text: list[str] = []
    max_words: int = 4_000
    blind_hours: float | None = None
    changeable: list[str] = []
    limits: dict[str, Limit] = {}
    sequence: bool | Sequence = False
    embedding: Embed | None = None
    derived: dict[str, Derived] = {}


class Clean(Strict):
    """What is cleaned of the events before features are made; nothing unless it is said. Learned on training people.

    `duplicates`: what stands twice counts once; `units`: numbers come into the usual unit of their code; `impossible`:
    pattern of codes -> least and greatest value that can be, in that unit; `quantiles`: values beyond these of training
    people are dropped, or clipped to them (`beyond`), of codes with so many numbers (`least`).
    """

    duplicates: bool = False
    units: bool = False
    impossible: dict[str, tuple[float, float]] = {}
    quantiles: tuple[float, float] | None = None
    beyond: Literal["drop", "clip"] = "drop"
    least: int = 100


class Models(Strict):
    """Which families are tried; none named: the usual ones. `stack`: whether several may answer together.

    `weights`: whether rare classes count for more while fitting; "tuned" lets the search say. Rows are never drawn
    again, and the calibration on unweighted rows makes the probabilities mean what they say again. `call`: from where
    on yes is said: where F1 is greatest, or where as many are called as there are (sensitivity = PPV).
    """

    families: list[str] = []
    stack: bool = False
    weights: Weights = "none"
    call: Call = "f1"


class Budget(Strict):
    """For tuning: seconds altogether and trials a family, whichever ends first; `family_seconds` at most for each
    family (0: an equal share of what is left). A trial that is still running then is stopped."""

    seconds: float = 60
    trials: int = 20
    family_seconds: float = 0


class Split(Strict):
    """Who is held out. `folds`: beside that, everyone once, in so many folds; `fold`: only the one of that number, from
    0, which is then the held-out part. `site`: by site, the column or the pattern of codes that says it."""

    by: Literal["subject", "time", "both", "site"] = "subject"
    site: str = ""
    test: float = 0.25
    seed: int = 7
    folds: int = 0
    fold: int | None = None


class Trust(Strict):
    """What is promised of a model, and to whom. `level`: how often the answers given must hold the truth.

    `groups`: columns of a table, or patterns of codes of events, by which people are told apart beside sex and age.
    `bounds`: measure -> the greatest difference between groups with which a model may be promoted by itself.
    """

    level: float = 0.9
    groups: list[str] = []
    bounds: dict[str, float] = {}


class Ranking(Strict):
    """Of a ranking: `groups`: patterns of codes that say why (diseases); those of the last `new_days` before a visit,
    or else all, make the prior. `alike`: with fewer people alike nothing is ranked. `least`: a label needs so many
    training people. `shown`: so many of the ranking are told."""

    groups: list[str] = []
    new_days: float = 7
    alike: int = 20
    least: int = 20
    shown: int = 10


ABOUT = (  # what only the site can state of a model: its report says each of them, or that it is still to be stated
    "developers", "contact", "funding", "conflicts", "protocol", "registration", "ethics", "consent", "rationale",
    "inequalities", "intended_use", "intended_users", "population", "out_of_scope", "risks", "setting", "involvement",
    "stakeholders", "data_sharing", "availability", "approval", "publications", "trial", "reimbursement", "evaluations",
    "risk_level", "relevance", "update_schedule",
)  # fmt: skip


class Task(Strict):
    """One question put to the records. `about`: what the site states, in one text or one for each language.

    `aces`: who, when and what in the language of ACES, in place of cohort, when and label.
    """

    name: str
    kind: Kind
    question: Text
    cohort: Cohort = msgspec.field(default_factory=Cohort)
    when: When = msgspec.field(default_factory=When)
    label: Label = msgspec.field(default_factory=Label)
    clean: Clean = msgspec.field(default_factory=Clean)
    features: Features = msgspec.field(default_factory=Features)
    models: Models = msgspec.field(default_factory=Models)
    budget: Budget = msgspec.field(default_factory=Budget)
    split: Split = msgspec.field(default_factory=Split)
    trust: Trust = msgspec.field(default_factory=Trust)
    ranking: Ranking = msgspec.field(default_factory=Ranking)
    labels: dict[str, Text] = {}
    about: dict[str, Text | str] = {}
    aces: Definition | None = None

    @property
    def told_apart(self) -> list[str]:
        """By what people are told apart beside sex and age: what the task declares, and the sites of its split."""
        site = self.split.site
        return [*self.trust.groups, *([site] if site and site not in self.trust.groups else [])]

    @property
    def hidden(self) -> list[str]:
        """Patterns of codes that are never features: those left out, and the one that names the site."""
        return [*self.features.exclude, *([self.split.site] if self.split.site else [])]

    @property
    def incident(self) -> bool:
        """Whether people who already have the label are left out."""
        return self.kind in ("binary", "survival") if self.label.incident is None else self.label.incident

    @property
    def sequence(self) -> Sequence | None:
        """How series are made; None where the task wants none and no family of it needs them."""
        wanted = self.features.sequence
        if isinstance(wanted, Sequence):
            return wanted
        return Sequence() if wanted or set(NEED_SERIES) & set(self.models.families) else None

    @property
    def blind_hours(self) -> float:
        """How long before the prediction time the label's own codes are hidden from the features."""
        if self.features.blind_hours is not None:
            return self.features.blind_hours
        return 24.0 if self.label.same_encounter or self.kind == "ranking" else 0.0


def without_places(task: Task) -> Task:
    """The task as it may travel with a model: files by their names, without the folders of this machine."""
    features = task.features
    rollup = [Path(one).name if one.lower().endswith(".csv") else one for one in features.rollup]
    embed = features.embedding and replace(features.embedding, from_=Path(features.embedding.from_).name)
    terminology = Path(features.terminology).name
    return replace(task, features=replace(features, rollup=rollup, terminology=terminology, embedding=embed))


def read_task(path: Path) -> Task:
    """The task in a TOML file, or in a YAML file of ACES. Raises Missing, Malformed (neither) or Invalid (each fault:
    its key and the cure)."""
    if not path.is_file():
        raise Missing(f"There is no task file {path}: name an existing TOML or YAML file")
    if path.suffix in YAML:
        return task_of_aces(path)
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Malformed(f"{path.name} is not TOML: {error}") from error
    if isinstance(table.get("aces"), str):
        return beside(task_of({**table, **aces_keys(found(table["aces"], path.parent), table)}), path.parent)
    return beside(task_of(table), path.parent)


def task_of_aces(path: Path) -> Task:
    """A task of nothing but an ACES file: its name is the file's, the question names the label. Raises Invalid, ..."""
    definition = read_definition(path)
    label = plan_of(definition).label
    name = re.sub(r"[^\w-]+", "-", path.stem)[:80]
    seen = label[1].replace("_", " ") if label else "?"
    question = {"en": f"Will there be: {seen}? ({name})", "zh": f"会不会出现：{seen}？（{name}）"}
    return task_of({"name": name, "kind": "binary", "question": question, **aces_keys(path, {})})


def aces_keys(path: Path | str, told: Mapping[str, object]) -> dict[str, object]:
    """The keys of a task that an ACES file gives: itself, and a label of the codes and the horizon that it means."""
    definition = read_definition(Path(path))
    given = told.get("label")
    label = {"codes": label_codes(definition), "within_days": horizon_days(definition), "incident": False}
    table = msgspec.to_builtins(definition)
    return {"aces": table, "label": {**label, **(given if isinstance(given, dict) else {})}}


def beside(task: Task, folder: Path) -> Task:
    """The task with the files that it names found beside it, where they are not under the working folder."""
    features = task.features
    rollup = [found(one, folder) if one.lower().endswith(".csv") else one for one in features.rollup]
    embed = features.embedding and replace(features.embedding, from_=found(features.embedding.from_, folder))
    terminology = found(features.terminology, folder)
    return replace(task, features=replace(features, rollup=rollup, terminology=terminology, embedding=embed))


def found(name: str, folder: Path) -> str:
    return str(folder / name) if name and not Path(name).exists() and (folder / name).exists() else name


def read_about(path: Path) -> dict[str, Text | str]:
    """What a site states of its models, in a TOML file of [about]'s keys. Raises Missing, Malformed, Invalid."""
    if not path.is_file():
        raise Missing(f"There is no file {path}: name a TOML file with what the site states")
    try:
        found = msgspec.convert(tomllib.loads(path.read_text("utf-8")), dict[str, Text | str])
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Malformed(f"{path.name} is not TOML: {error}") from error
    except msgspec.ValidationError as error:
        raise Invalid(f"{path.name}: give a text, or one for en and one for zh ({error})") from error
    if wrong := unstated(found):
        raise Invalid(f"{path.name}: {wrong}", path="about")  # carries: the name of the file before what is said
    return found


def unstated(about: Mapping[str, object]) -> str:
    """What is said of keys that nobody states; nothing where all are known."""
    unknown = [key for key in about if key not in ABOUT]
    return f"{', '.join(unknown)}: a site can state {', '.join(ABOUT)}" if unknown else ""


def task_of(table: object) -> Task:
    """The checked task of a plain table, as it stands in TOML or JSON. Raises Invalid."""
    try:
        task = msgspec.convert(table, Task, strict=False)
    except msgspec.ValidationError as error:
        raise Invalid(f"The task does not fit: {error}. See src/salus/learning/README.md for every key") from error
    faults = list(faults_of(task))
    if faults:
        raise Invalid(faults[0].text, issues=faults)
    return task


def faults_of(task: Task) -> Iterator[Issue]:
    """What is wrong with a task that has the right shape: one issue each, with the value and the cure."""
    for wrong, path, text in checks(task):
        if wrong:
            yield Issue("invalid", path, text)


def checks(task: Task) -> list[tuple[bool, str, str]]:
    """Rows of (is it wrong, which key, what to say)."""
    label, when, features, aces = task.label, task.when, task.features, task.aces
    unbounded = [name for name in task.trust.bounds if name not in BOUNDED[task.kind]]
    unknown = [value for value in features.values if value not in VALUES]
    return [
        *(faults_of_task(aces) if aces else ()),
        *checks_of_cleaning(task),
        (bool(aces) and task.kind != "binary", "kind", f"an ACES file tells whether, not {task.kind}: say binary"),
        (not re.fullmatch(r"[\w-]{1,80}", task.name), "name", f"'{task.name}' must be letters, digits, - and _"),
        ({"en", "zh"} - set(task.question) != set(), "question", "give the question in both languages: en and zh"),
        *checks_of_ranking(task),
        (
            not (when.events or when.dates or aces or task.kind == "ranking"),
            "when.events",
            "say when to predict: events = [...] or dates = [...]",
        ),
        (
            task.kind != "multiclass" and not label.all_codes() and not aces,
            "label.codes",
            f"a {task.kind} task needs codes = [...] that make the label",
        ),
        (
            task.kind == "multiclass" and len(label.classes) < 2,
            "label.classes",
            f"{len(label.classes)} classes given: a multiclass task needs two or more",
        ),
        (
            not label.same_encounter and label.within_days <= 0 and not aces and task.kind != "ranking",
            "label.within_days",
            f"{label.within_days} days: give a horizon above 0, or same_encounter = true",
        ),
        (
            bool(label.no) and not (task.kind == "binary" and label.same_encounter),
            "label.no",
            "codes that say no belong to a binary task with same_encounter = true",
        ),
        (
            task.kind == "survival" and label.same_encounter,
            "label.same_encounter",
            "a survival task asks when, so it needs within_days and no same_encounter",
        ),
        (bool(unfolded(task)), "split.folds", unfolded(task)),
        (
            task.split.by == "site" and not task.split.site,
            "split.site",
            "to hold out whole sites, name the column or the pattern of codes that says the site",
        ),
        (not 0 < task.split.test < 1, "split.test", f"{task.split.test} must lie between 0 and 1, such as 0.25"),
        (
            not 0.5 <= task.trust.level < 1,
            "trust.level",
            f"{task.trust.level} must lie from 0.5 to below 1, such as 0.9",
        ),
        (
            bool(unbounded),
            "trust.bounds",
            f"{', '.join(unbounded)}: of a {task.kind} task one can bound {', '.join(BOUNDED[task.kind])}",
        ),
        (bool(unknown), "features.values", f"{', '.join(unknown)}: the known values are {', '.join(VALUES)}"),
        (bool(underived(features)), "features.derived", underived(features)),
        (bool(unembedded(features.embedding)), "features.embedding", unembedded(features.embedding)),
        (bool(unstated(task.about)), "about", unstated(task.about)),
        *(
            (
                one.low is not None and one.high is not None and one.low > one.high,
                f"features.limits.{name}",
                f"low {one.low:g} is above high {one.high:g}",
            )
            for name, one in features.limits.items()
            if one.low is not None and one.high is not None
        ),
        (any(days < 0 for days in features.windows_days), "features.windows_days", "windows are 0 (all) or more days"),
    ]


def unfolded(task: Task) -> str:
    """What is wrong with the folds of a task; nothing when all is well."""
    split = task.split
    if split.folds not in (0, *range(2, MOST_FOLDS + 1)):
        return f"{split.folds} folds: give 2 to {MOST_FOLDS}, or 0 for none"
    if split.fold is not None and split.fold not in range(split.folds):
        return f"there is no fold {split.fold} of {split.folds}: they count from 0"
    if split.folds and split.by != "subject":
        return f"everyone can be held out in turn by subject alone, not by {split.by}"
    if split.folds and task.kind == "survival":
        return "folds are not made for survival yet: leave them out"
    return ""


def underived(features: Features) -> str:
    """What is wrong with the derived features; nothing when all is well. Raises Invalid for what is no formula."""
    for name, one in features.derived.items():
        said = {found.partition(".")[0] for found in Expression(one.formula).names} - {"age", "sex"}
        if lacking := sorted(said - set(one.of)):
            return (
                f"{name}: the formula '{one.formula}' speaks of {', '.join(lacking)}: say in `of` which codes these are"
            )
        values = [found.partition(".")[2] for found in Expression(one.formula).names] + one.values
        if unknown := sorted({value for value in values if value and value not in VALUES}):
            return f"{name}: {', '.join(unknown)}: the known values are {', '.join(VALUES)}"
    return ""


def unembedded(embed: Embed | None) -> str:
    """What is wrong with the vectors of codes; nothing when all is well."""
    if embed is None:
        return ""
    if bool(embed.from_) == (embed.learned != 0):
        return 'say where vectors come from: { from = "vectors.npz" } or { learned = 16 }, one of the two'
    if not embed.from_ and not 1 <= embed.learned <= MOST_LEARNED:
        return f"learned = {embed.learned}: give 1 to {MOST_LEARNED} numbers a code, such as 16"
    if embed.within_days <= 0 or any(days < 0 for days in embed.windows_days):
        return "within_days must be above 0, and windows_days 0 (all) or more"
    if embed.min_subjects < 1 or embed.max_codes < 1:
        return "min_subjects and max_codes must be 1 or more"
    return ""


def checks_of_cleaning(task: Task) -> list[tuple[bool, str, str]]:
    """The same of what is to be cleaned."""
    clean = task.clean
    low, high = clean.quantiles or (0.0, 1.0)
    turned = [pattern for pattern, span in clean.impossible.items() if not span[0] < span[1]]
    return [
        (not 0 <= low < high <= 1, "clean.quantiles", f"{low}, {high}: give two shares, such as [0.001, 0.999]"),
        (bool(turned), "clean.impossible", f"{', '.join(turned)}: give [least, greatest], such as [20, 45]"),
        (
            clean != Clean() and task.sequence is not None,
            "clean",
            "series are not cleaned yet: clean a copy of the events by `salus clean`, or leave one of the two out",
        ),
    ]


def checks_of_ranking(task: Task) -> list[tuple[bool, str, str]]:
    """The same of a ranking."""
    ask, features = task.ranking, task.features
    if task.kind != "ranking":
        return [(ask != Ranking(), "ranking", f"only a ranking is told by it, not a {task.kind} task")]
    series = features.embedding is not None or task.sequence is not None
    fewest = min(ask.alike, ask.least)
    return [
        (
            bool(task.when.events or task.when.dates),
            "when",
            "a ranking is made when something is done: leave `when` out",
        ),
        (not ask.groups, "ranking.groups", 'say which codes tell why it is done, such as groups = ["ICD10//*"]'),
        (fewest < 5, "ranking", f"{fewest} people: of fewer than 5 nothing is told, for each could be known again"),
        (series, "features", "a ranking reads no series and no vectors of codes: leave them out"),
        (task.split.by == "site" or task.split.folds > 0, "split", "a ranking is judged by time, subject or both"),
    ]


def matches(code: str, patterns: list[str]) -> bool:
    """Whether a code fits one of the patterns; `*` at the end stands for anything.

    >>> matches("LOINC//4548-4", ["LOINC//*"]), matches("LOINC//4548-4", ["LOINC//4548"])
    (True, False)
    """
    return any(code.startswith(p[:-1]) if p.endswith("*") else code == p for p in patterns)
