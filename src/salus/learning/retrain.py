"""Learning a deployed question anew, and asking the new version only when held-out people say that it is better."""

import re
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np
import numpy.typing as npt

from salus.base import clock
from salus.base.errors import Invalid
from salus.learning.dictionary import write_json
from salus.learning.elsewhere.rows import facts_of, rows_elsewhere
from salus.learning.learn import learn
from salus.learning.models.family import Matrix
from salus.learning.moments import moment_us
from salus.learning.run import Data, Plan, Progress, Run, silent
from salus.learning.step5_evaluate import Judge
from salus.learning.step5_evaluate.paired import Paired, paired
from salus.learning.step5_evaluate.telling import span_text
from salus.learning.step7_deploy import Deployed, Registry
from salus.learning.task import Strict

Rule = Literal["better", "not-worse"]
FILE = "comparisons.json"
FEWEST, FEWEST_CASES = 100, 20  # rows, and rows of each class, that are new to both versions, to compare by them alone
AGE = re.compile(r"older-than[ :=](\d+)\s*d(?:ays)?$")
NO_COMPARISON = ("survival",)  # kinds whose answers have no loss a row here


class Compared(Strict):
    """One line of comparisons.json: a version learned anew beside the one in use, and what followed from it."""

    at: str
    by: str
    before: str
    after: str
    found: Paired | None
    promoted: bool
    why: str


def older_than(wanted: str, deployed: Deployed) -> bool | None:
    """Whether the version is older than `older-than 90d` says; None for words that say no age.

    >>> AGE.match("older-than 90d")[1], AGE.match("drift")
    ('90', None)
    """
    found = AGE.match(wanted.strip())
    if found is None:
        return None
    made = datetime.fromisoformat(deployed.bundle.made)
    return clock.now() - made > timedelta(days=int(found[1]))


def retrain(
    registry: Registry,
    name: str,
    data: Path,
    runs: Path,
    *,
    by: str = "",
    rule: Rule = "better",
    progress: Progress = silent,
) -> Compared:
    """Learn the promoted version's own question anew from `data`; promote what came of it only by a comparison.

    `rule`: better beyond chance, or merely not worse beyond chance. A version beyond its bounds of fairness waits for a
    person in any case. Raises Missing where nothing is promoted, and what learning raises.
    """
    old = registry.load(name, registry.wanted(name, None))
    learned = learn(plan_again(old, data), registry, runs, False, progress)
    new = registry.load(name, learned.version)
    found = compared(old, new, data, Run(learned.run))
    why = reason_to_wait(registry, new, found, rule)
    if not why:
        assert found is not None  # without a comparison there is a reason to wait
        registry.promote(name, new.version, f"{rule}: {span_text(found.difference)} log loss, {found.rows} rows", by)
    made = Compared(
        at=clock.instant(clock.now()),
        by=by,
        before=old.version,
        after=new.version,
        found=found,
        promoted=not why,
        why=why,
    )
    write_json(registry.folder / name / FILE, [*comparisons(registry, name), made])
    return made


def comparisons(registry: Registry, name: str) -> list[Compared]:
    """Every comparison that a retraining made, the latest last."""
    file = registry.folder / name / FILE
    return msgspec.json.decode(file.read_bytes(), type=list[Compared]) if file.is_file() else []


def plan_again(old: Deployed, data: Path) -> Plan:
    """The same question, put to the data of today."""
    bundle = old.bundle
    if bundle.source == "events":
        return Plan(task=bundle.task, source="events", data=str(data))
    asked = facts_of(old).table
    assert asked is not None  # facts of a table say what was asked of it
    again = msgspec.structs.replace(asked, test=None)
    return Plan(task=bundle.task, source="table", data=str(data), table=again)


def reason_to_wait(registry: Registry, new: Deployed, found: Paired | None, rule: Rule) -> str:
    """Why the new version is not asked by itself: a word of words.toml (`retrain.<reason>`); nothing where it is."""
    if found is None:
        return "not_compared"
    if registry.too_wide(new.name, new.version):
        return "too_wide"
    good = {"better"} if rule == "better" else {"better", "even"}
    return "" if found.verdict in good else f"verdict_{found.verdict}"


def compared(old: Deployed, new: Deployed, data: Path, run: Run) -> Paired | None:
    """Both versions over the same held-out people of the new run; None where they do not answer the same.

    Where enough of those rows came after all that the old one learned from, only they count: they are new to both. Else
    all count, and the old one may have learned from some (`earlier`), which speaks for the old one.
    """
    kind = new.bundle.labels.kind
    if old.bundle.labels != new.bundle.labels or kind in NO_COMPARISON:
        return None
    with tempfile.TemporaryDirectory(prefix="salus-retrain-") as place:
        first, second = (answers(one, data, Path(place) / one.version) for one in (old, new))
    if first[1] != second[1]:
        raise Invalid(f"{new.name}: the two versions do not see the same rows of {data.name}")
    answered_to = Data(run)
    held = {(str(answered_to.subject[i]), int(at)) for i, at in held_out(run)}
    rows = np.array([i for i, key in enumerate(first[1]) if key in held], dtype=np.int64)
    fresh = later(old, first[1], rows)
    use = fresh if enough(first[2][fresh], kind) else rows
    found = paired(first[0][use], second[0][use], first[2][use], kind, np.array([first[1][i][0] for i in use]))
    found.earlier = 0 if use is fresh else len(rows)
    return found


Key = tuple[str, int]
Answers = tuple[Matrix, list[Key], npt.NDArray[np.float64]]


def answers(deployed: Deployed, data: Path, folder: Path) -> Answers:
    """What a version answers to every row of its task, which rows they are, and what is true."""
    run = rows_elsewhere(deployed, data, folder)
    found, rows = Data(run), run.rows()
    margins = deployed.model.margins(found.seen(deployed.series is not None))
    at = rows["at_us" if deployed.bundle.source == "events" else "row"].to_pylist()
    keys = [(str(subject), int(moment)) for subject, moment in zip(found.subject, at, strict=True)]
    judge = Judge(found, deployed.bundle.threshold)
    return judge.answered(margins, deployed.bundle.calibration), keys, found.y


def held_out(run: Run) -> list[tuple[int, int]]:
    """(place among the rows, moment or row) of the held-out rows of a run."""
    rows, of_events = run.rows(), run.plan.source == "events"
    at = rows["at_us" if of_events else "row"].to_pylist()
    return [(i, at[i]) for i, part in enumerate(rows["part"].to_pylist()) if part == "test"]


def later(old: Deployed, keys: list[Key], rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Those of the rows that came after the last moment the old version learned from; of a table none."""
    span = facts_of(old).at
    if not span:
        return rows[:0]
    last = moment_us(datetime.fromisoformat(span[1]) + timedelta(days=1))
    return rows[np.array([keys[i][1] >= last for i in rows], dtype=bool)] if len(rows) else rows


def enough(y: npt.NDArray[np.float64], kind: str) -> bool:
    if len(y) < FEWEST:
        return False
    return kind == "number" or min(np.bincount(y.astype(np.int64), minlength=2)) >= FEWEST_CASES
