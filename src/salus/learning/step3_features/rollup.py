"""Which groups become features: those that enough training subjects have, and that say more than one code alone."""

from collections.abc import Iterator, Sequence

import duckdb
import pyarrow as pa

from salus.base.words import words_of
from salus.learning.dictionary import Concept, Rolled
from salus.learning.step3_features.members import counts
from salus.learning.step3_features.names import name_of
from salus.learning.step3_features.trees import Tree, tree_of
from salus.learning.task import Task, Text

UNDER = "UNDER"
ROLLED = """
SELECT c.tree, c.above, count(DISTINCT e.subject_id) AS subjects, list_sort(list(DISTINCT e.code)) AS seen
FROM {events} e JOIN (SELECT subject_id, max(at_us) AS last_us FROM rows WHERE part = 'train' GROUP BY 1) r
  ON e.subject_id = r.subject_id
JOIN climbs c ON e.code = c.code
WHERE epoch_us(e.time) <= r.last_us
GROUP BY ALL HAVING subjects >= $floor ORDER BY subjects DESC, c.tree, c.above
"""
Found = tuple[int, str, int, list[str]]  # number of the tree, group, training subjects, codes seen


def climbing(
    task: Task,
    connection: duckdb.DuckDBPyConnection,
    events: str,
    codes: Sequence[str],
    rolled: Rolled | None,
    alone: set[str],
) -> Iterator[tuple[Concept, Text]]:
    """The groups of a task with what people call them, the most frequent first.

    `codes`: those of the events that the task wants; `alone`: those that are features themselves.
    """
    if rolled is None:
        return
    trees = [tree_of(entry, task.features.terminology) for entry in task.features.rollup]
    climbs = [climb for code in codes if counts(code, rolled.codes, rolled.exclude) for climb in steps(trees, code)]
    if not climbs:
        return
    number, code, above, height = zip(*climbs, strict=True)
    connection.register("climbs", pa.table({"tree": number, "code": code, "above": above}))
    found = connection.execute(ROLLED.format(events=events), {"floor": task.features.min_subjects}).fetchall()
    low = dict(sorted(zip(zip(number, above, strict=True), height, strict=True), key=lambda pair: -pair[1]))
    for tree, group, _, _ in distinct(found, low, alone)[: task.features.max_codes]:
        members = trees[tree].members(group, codes)
        key = f"{UNDER}//{group}"
        yield Concept(code=key, members=members), label_of(key, group, trees[tree], task)


def steps(trees: Sequence[Tree], code: str) -> Iterator[tuple[int, str, str, int]]:
    """(number of the tree, code, group that counts it, how high it stands above the code).

    A code that is a group itself counts for itself: whether it is one, the codes below it say.
    """
    for number, tree in enumerate(trees):
        for height, above in enumerate([code, *tree.above(code)]):
            yield number, code, above, height


def distinct(found: Sequence[Found], height: dict[tuple[int, str], int], alone: set[str]) -> list[Found]:
    """Without groups that say the same as a lower one, or as the one code they hold."""
    best: dict[tuple[str, ...], Found] = {}
    for one in sorted(found, key=lambda row: (height[row[0], row[1]], row[0], row[1])):
        seen = tuple(one[3])
        if len(seen) > 1 or not set(seen) <= {*alone, one[1]}:
            best.setdefault(seen, one)
    kept = {(one[0], one[1]) for one in best.values()}
    return [one for one in found if (one[0], one[1]) in kept]


def label_of(key: str, group: str, tree: Tree, task: Task) -> Text:
    """The task's own word, else the tree's, else the code system's, said to be a group."""
    if key in task.labels:
        return task.labels[key]
    inner = task.labels.get(group) or tree.label(group)
    if inner is None:
        return name_of(key)
    words = words_of("salus.learning")
    return {language: words(f"about.{UNDER}", language, name=inner[language]) for language in ("en", "zh")}
