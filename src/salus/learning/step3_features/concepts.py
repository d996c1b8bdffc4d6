"""Which concepts become features: the most frequent among the training subjects, with their usual unit."""

from collections.abc import Callable

import duckdb
import pyarrow as pa

from salus.learning.dictionary import Concept, EventRecipe, Feature, Rolled
from salus.learning.step3_features.rollup import climbing
from salus.learning.step3_features.windows import MEASURED
from salus.learning.task import Task, Text, matches

Names = Callable[[str], Text]

SEEN = """
SELECT e.code, CASE WHEN w.with_text THEN e.text_value END AS text,
    count(DISTINCT e.subject_id) AS subjects, count(e.numeric_value) AS measured, mode(e.unit) AS unit
FROM {events} e JOIN (SELECT subject_id, max(at_us) AS last_us FROM rows WHERE part = 'train' GROUP BY 1) r
  ON e.subject_id = r.subject_id
JOIN wanted w ON e.code = w.code
WHERE epoch_us(e.time) <= r.last_us
GROUP BY ALL HAVING subjects >= $floor
ORDER BY subjects DESC, e.code, text LIMIT $most
"""
STATIC = ["MEDS_BIRTH", "MEDS_DEATH", "SEX//*"]


def recipe_of(task: Task, connection: duckdb.DuckDBPyConnection, events: str, names: Names) -> EventRecipe:
    """The recipe of a task, from its training rows (table `rows` on the connection) and the events."""
    codes = [code for (code,) in connection.execute(f"SELECT DISTINCT code FROM {events} ORDER BY code").fetchall()]
    wanted = [c for c in codes if matches(c, task.features.codes) and not matches(c, [*task.hidden, *STATIC])]
    connection.register("wanted", wanted_table(wanted, task))
    bounds = {"floor": task.features.min_subjects, "most": task.features.max_codes}
    found = connection.execute(SEEN.format(events=events), bounds).fetchall()
    concepts, features = [], person_features()
    for code, text, _, measured, unit in found:
        concept = Concept(code=code, text=text, unit=unit, blind=matches(code, task.label.all_codes()))
        concepts.append(concept)
        features += features_of(concept, bool(measured), task, names)
    rolled = rolled_of(task)
    for concept, label in climbing(task, connection, events, wanted, rolled, {code for code, *_ in found}):
        concepts.append(concept)
        features += features_of(concept, False, task, dict.fromkeys([concept.code], label).__getitem__)
    return EventRecipe(concepts=concepts, features=features, blind_hours=task.blind_hours, rolled=rolled)


def wanted_table(codes: list[str], task: Task) -> pa.Table:
    """The codes that may be features, and whether their text is part of the finding."""
    with_text = [matches(code, task.features.with_text) for code in codes]
    return pa.table({"code": pa.array(codes, pa.string()), "with_text": pa.array(with_text, pa.bool_())})


def rolled_of(task: Task) -> Rolled | None:
    """Which codes groups count. Not those whose text says what was found: "absent" is no case of the group."""
    if not task.features.rollup:
        return None
    exclude = [*task.hidden, *STATIC, *task.features.with_text]
    return Rolled(codes=task.features.codes, exclude=exclude, blind=task.label.all_codes())


def person_features() -> list[Feature]:
    """Age and sex."""
    return [
        Feature(name="age", source="age", value="age", unit="a", label={"en": "Age", "zh": "年龄"}),
        Feature(name="sex", source="sex", value="sex", label={"en": "Sex (female)", "zh": "性别（女）"}),
    ]


def features_of(concept: Concept, measured: bool, task: Task, names: Names) -> list[Feature]:
    """The columns of one concept: numbers only where numbers were seen; `since` once, over the whole past."""
    label = label_of(concept, task, names)
    made = []
    for value in task.features.values:
        if value in MEASURED and not measured:
            continue
        if value == "count" and not matches(concept.code, task.features.count_codes):
            continue
        for days in [0] if value == "since" else task.features.windows_days:
            unit = {"count": None, "since": "d"}.get(value, concept.unit)
            name = f"{concept.key}.{value}" + (f".{span(days)}" if days else "")
            made.append(Feature(name=name, source=concept.key, value=value, window_days=days, unit=unit, label=label))
    return made


def span(days: float) -> str:
    """
    >>> span(365), span(0.25), span(1.5)
    ('365d', '6h', '36h')
    """
    return f"{days:g}d" if days == int(days) else f"{days * 24:g}h"


def label_of(concept: Concept, task: Task, names: Names) -> Text:
    """What people call a concept: the task's own word first, then the code system's, then the code."""
    label = task.labels.get(concept.key) or task.labels.get(concept.code) or names(concept.code)
    if concept.text is None:
        return label
    said = names(concept.text) if "//" in concept.text else dict.fromkeys(label, concept.text)
    return {language: f"{text}: {said[language]}" for language, text in label.items()}
