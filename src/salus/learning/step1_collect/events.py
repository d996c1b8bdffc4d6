"""The events a task can use, copied into the run so that the run can be repeated."""

from pathlib import Path

import duckdb

from salus.base.errors import Invalid, Missing
from salus.learning.run import MADE_UP, Note, Run
from salus.learning.task import Task, matches

SYNTHETIC = "SYNTHETIC"  # the event that says of a person that they are made up
KEPT = "subject_id, time, code, numeric_value, text_value, unit, encounter_id, source_id, recorded_time"


def collect_events(run: Run) -> None:
    """Write step1_collect/events.parquet and summary.json. Raises Missing for a folder without events."""
    plan = run.plan
    files = sorted(Path(plan.data).rglob("*.parquet"))
    if not files:
        raise Missing(f"There are no events (*.parquet) in {plan.data}: give the folder that analytics writes")
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    given = f"read_parquet({[str(file) for file in files]!r})"
    codes = [code for (code,) in connection.execute(f"SELECT DISTINCT code FROM {given} ORDER BY code").fetchall()]
    wanted = [code for code in codes if is_wanted(code, plan.task)]
    check_label_codes(codes, plan.task)
    place = run.path("step1_collect", "events.parquet")
    connection.execute(
        f"COPY (SELECT {KEPT} FROM {given} WHERE list_contains($codes, code) "
        f"ORDER BY subject_id, time, source_id, code) TO '{str(place).replace(chr(39), chr(39) * 2)}' (FORMAT parquet)",
        {"codes": wanted},
    )
    run.note("step1_collect", made_up(connection, given))
    run.write("step1_collect", "summary.json", summary_of(connection, place, len(codes)))


def made_up(connection: duckdb.DuckDBPyConnection, given: str) -> list[Note]:
    """A note when some of the people are synthetic: a report must say so."""
    found = connection.execute(
        f"SELECT count(DISTINCT subject_id) FILTER (code = '{SYNTHETIC}'), count(DISTINCT subject_id) FROM {given}"
    ).fetchone()
    count, people = found or (0, 0)
    return [Note(key=MADE_UP, slots={"count": str(count), "people": str(people)})] if count else []


def is_wanted(code: str, task: Task) -> bool:
    """Whether a task can use an event of this code: as a feature, an anchor, a label, or to know the person."""
    named = task.cohort.has + task.cohort.without + task.when.events + task.label.all_codes() + task.trust.groups
    person = ["MEDS_BIRTH", "MEDS_DEATH", "SEX//*"]
    used = matches(code, task.features.codes) and not matches(code, task.features.exclude)
    return code != SYNTHETIC and (used or matches(code, named + person))


def check_label_codes(codes: list[str], task: Task) -> None:
    """Refuse a task whose label never happens: no event of any of its codes."""
    if not any(matches(code, task.label.all_codes()) for code in codes):
        wanted = ", ".join(task.label.all_codes()[:5])
        raise Invalid(f"None of the {len(codes)} codes in the events is a label code ({wanted}): check label.codes")


def summary_of(connection: duckdb.DuckDBPyConnection, place: Path, codes: int) -> dict[str, object]:
    """Counts a person can check, and the span of time."""
    found = connection.execute(
        "SELECT count(*), count(DISTINCT subject_id), count(DISTINCT code), min(time)::VARCHAR, max(time)::VARCHAR "
        "FROM read_parquet(?)",
        [str(place)],
    ).fetchone()
    names = ("events", "subjects", "codes", "first", "last")
    return {**dict(zip(names, found or (), strict=True)), "codes_offered": codes}
