"""A reason in words: what is known of a thing, said so that a clinician can check it."""

from collections.abc import Callable, Mapping

from salus.base.words import LANGUAGES, words_of
from salus.learning.dictionary import TEXTUAL, Feature
from salus.learning.moments import DAY_US
from salus.learning.step1_collect.history import label_of
from salus.learning.step3_features.windows import MEASURED
from salus.learning.step7_deploy.evidence import Known
from salus.learning.task import Text

FLAGS: Mapping[float, str] = {1.0: "present", 0.0: "absent"}
SEXES: Mapping[float, str] = {1.0: "female", 0.0: "male"}
Shown = tuple[Text, float | None, str | None]  # label, value, unit


def said(key: str, name: Text, **slots: object) -> Text:
    """A row of words.toml around a name, in every language."""
    words = words_of("salus.learning")
    return {language: words(f"reason.{key}", language, name=name[language], **slots) for language in LANGUAGES}


def shown(feature: Feature, is_flag: bool, x: float, events: list[Known], at_us: int) -> Shown:
    """What to show for a thing, of which `feature` weighs most: the latest number, or in words what is known.

    `x`: the feature's value; `is_flag`: its numbers mean present and absent; `events`: newest first.
    """
    rule = RULES.get(feature.value, measured if feature.value in MEASURED else recorded)
    return rule(feature, is_flag, x, events, at_us)


def measured(feature: Feature, is_flag: bool, x: float, events: list[Known], at_us: int) -> Shown:
    value = next((one.value for one in events if one.value is not None), None)
    if value is None:
        return said("unknown", feature.label), None, None
    if is_flag and value in FLAGS:
        return said(FLAGS[value], feature.label), None, None
    return feature.label, value, feature.unit


def recorded(feature: Feature, is_flag: bool, x: float, events: list[Known], at_us: int) -> Shown:
    """For what is counted or timed: the latest number if it has one, else how long ago it was recorded."""
    if any(one.value is not None for one in events):
        return measured(feature, is_flag, x, events, at_us)[0], *latest(feature, is_flag, events)
    if not events:
        return said("never", feature.label), None, None
    days = (at_us - events[0].at_us) // DAY_US
    return said("ago" if days else "today", feature.label, days=days), None, None


def latest(feature: Feature, is_flag: bool, events: list[Known]) -> tuple[float | None, str | None]:
    """The newest number with its unit; nothing for what is only present or absent."""
    newest = next(one for one in events if one.value is not None)
    return (None, None) if is_flag else (newest.value, newest.unit)


def person(feature: Feature, is_flag: bool, x: float, events: list[Known], at_us: int) -> Shown:
    """Age in years, sex in words."""
    if x != x:
        return said("unknown", feature.label), None, None
    if feature.value == "age":
        return feature.label, x, "a"
    return said(SEXES[x], feature.label), None, None


def derived(feature: Feature, is_flag: bool, x: float, events: list[Known], at_us: int) -> Shown:
    """What a formula comes to; of a code of which a change or the like weighs most, its latest number."""
    if feature.source in {one.code for one in events}:
        return recorded(feature, is_flag, x, events, at_us)
    return (said("unknown", feature.label), None, None) if x != x else (feature.label, x, feature.unit)


def pattern(feature: Feature, is_flag: bool, x: float, events: list[Known], at_us: int) -> Shown:
    """Of vectors of codes: the name, or that no code is known; which codes they are is said elsewhere."""
    return (said("unknown", feature.label) if x != x else feature.label), None, None


def worded(feature: Feature, is_flag: bool, x: float, events: list[Known], at_us: int) -> Shown:
    """A word or term of a text, or that the text is without it."""
    if x:
        return feature.label, None, None
    words = words_of("salus.learning")
    return {lang: words("text.without", lang, name=name) for lang, name in feature.label.items()}, None, None


Rule = Callable[[Feature, bool, float, list[Known], int], Shown]
PLAIN: Mapping[str, Rule] = {"age": person, "sex": person, "derived": derived, "pattern": pattern}
RULES: Mapping[str, Rule] = {**PLAIN, **dict.fromkeys(TEXTUAL, worded)}


def cell_shown(feature: Feature, x: float, cell: str | None) -> Shown:
    """Of a table: the number of a numeric column, else the column and what its cell says."""
    if feature.value in TEXTUAL:
        return worded(feature, False, x, [], 0)
    name = label_of(feature.source)
    if cell is None:
        return said("unknown", name), None, None
    if feature.value == "number":
        return name, x, None
    return {language: f"{name[language]} = {cell}" for language in LANGUAGES}, None, None
