"""The events a task can use, copied into the run so that the run can be repeated."""

import csv
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from salus.base import clock
from salus.base.errors import Invalid, Malformed
from salus.learning.cohorts import Definition, event_files, extract_of, table_of
from salus.learning.cohorts.timeline import NEEDED, check_columns
from salus.learning.moments import moment_us
from salus.learning.run import MADE_UP, Note, Run
from salus.learning.task import Task, matches

MOVED = 0.1  # with a larger share of events after today, the dates of a dataset were moved
SYNTHETIC = "SYNTHETIC"  # the event that says of a person that they are made up
KEPT = {  # column -> its type; those that a MEDS dataset from elsewhere does not have are null
    "subject_id": "VARCHAR",
    "time": "TIMESTAMPTZ",
    "code": "VARCHAR",
    "numeric_value": "DOUBLE",
    "text_value": "VARCHAR",
    "unit": "VARCHAR",
    "encounter_id": "VARCHAR",
    "source_id": "VARCHAR",
    "recorded_time": "TIMESTAMPTZ",
}


def collect_events(run: Run) -> None:
    """Write step1_collect/events.parquet and summary.json. Raises Missing for a folder without events."""
    with event_files(Path(run.plan.data)) as files:
        collect_from(run, files)


def collect_from(run: Run, files: list[Path]) -> None:
    plan = run.plan
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    given = readable(connection, files, Path(plan.data))
    notes = still_to_come(connection, plan.task)
    codes = [code for (code,) in connection.execute(f"SELECT DISTINCT code FROM {given} ORDER BY code").fetchall()]
    wanted = [code for code in codes if is_wanted(code, plan.task)]
    if plan.task.aces is None:
        check_label_codes(codes, plan.task)
    else:
        collect_cohort(run, plan.task.aces, files)
    connection.register("wanted", pa.table({"code": pa.array(wanted, pa.string())}))
    place = run.path("step1_collect", "events.parquet")
    connection.execute(
        f"COPY (SELECT {', '.join(KEPT)} FROM {given} SEMI JOIN wanted USING (code) "
        f"ORDER BY subject_id, time, source_id, code) TO '{str(place).replace(chr(39), chr(39) * 2)}' (FORMAT parquet)"
    )
    run.note("step1_collect", made_up(connection, given) + notes)
    run.write("step1_collect", "summary.json", summary_of(connection, place, len(codes)))


def readable(connection: duckdb.DuckDBPyConnection, files: list[Path], folder: Path) -> str:
    """SQL for the events of the files, with the columns kept. Raises Malformed (no Parquet), Invalid (no events)."""
    read = f"read_parquet({[str(file) for file in files]!r}, union_by_name = true)"
    try:
        names = [name for name, *_ in connection.execute(f"DESCRIBE SELECT * FROM {read}").fetchall()]
        check_columns(names, NEEDED, folder.name)
        columns = ", ".join(
            f"CAST({name if name in names else 'NULL'} AS {kind}) AS {name}" for name, kind in KEPT.items()
        )
        connection.execute(f"CREATE VIEW told AS SELECT {columns} FROM {read}")
        connection.execute("CREATE VIEW given AS SELECT * FROM told")
        connection.execute("SELECT max(time), max(numeric_value), max(recorded_time) FROM told").fetchall()
    except duckdb.Error as error:
        raise Malformed(
            f"The events in {folder} cannot be read ({str(error).splitlines()[0]}): write them anew, with "
            "time and recorded_time as moments and numeric_value as numbers",
            path="--events",
        ) from error
    return "given"


def still_to_come(connection: duckdb.DuckDBPyConnection, task: Task) -> list[Note]:
    """Leave out a few events after today, for one would make everybody's follow-up complete; and say so.

    Many mean that the dates were moved, as in de-identified data: they stay. Raises Invalid for a prediction date that
    is still to come.
    """
    now = clock.now()
    row = connection.execute(
        "SELECT count(time), count(time) FILTER (time > $now), "
        "arg_min({'code': code, 'time': time, 'source': source_id}, time) FILTER (time > $now) FROM told",
        {"now": now},
    ).fetchone()
    known, late, first = row or (0, 0, None)
    if late > MOVED * known:
        return [Note(key="note.moved", slots={"share": f"{100 * late / known:.0f}"})]
    if ahead := next((date for date in task.when.dates if moment_us(date) > moment_us(now)), None):
        raise Invalid(f"when.dates: {ahead:%Y-%m-%d} is still to come: predict at moments whose outcome is known")
    if not late:
        return []
    last = f"make_timestamptz({moment_us(now)})"
    connection.execute(f"CREATE OR REPLACE VIEW given AS SELECT * FROM told WHERE time IS NULL OR time <= {last}")
    slots = {
        "count": str(late),
        "code": first["code"],
        "time": f"{first['time']:%Y-%m-%d}",
        "source": first["source"] or "–",
    }
    return [Note(key="note.future", slots=slots)]


def collect_cohort(run: Run, definition: Definition, files: list[Path]) -> None:
    """Write the rows of an ACES file (cohort.parquet), and how many were left after each of its windows (left.csv)."""
    cohort = extract_of(definition, files)
    table = table_of(cohort)
    known = pa.array(cohort.known_us if cohort.known_us is not None else [], pa.int64())
    subjects = table["subject_id"].cast(pa.string())
    table = table.set_column(0, "subject_id", subjects).append_column("known_us", known)
    pq.write_table(table, run.path("step1_collect", "cohort.parquet"))
    with run.path("step1_collect", "left.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("asked", "rows_left"), *cohort.left.items()])


def made_up(connection: duckdb.DuckDBPyConnection, given: str) -> list[Note]:
    """A note when some of the people are synthetic: a report must say so."""
    found = connection.execute(
        f"SELECT count(DISTINCT subject_id) FILTER (code = '{SYNTHETIC}'), count(DISTINCT subject_id) FROM {given}"
    ).fetchone()
    count, people = found or (0, 0)
    return [Note(key=MADE_UP, slots={"count": str(count), "people": str(people)})] if count else []


def is_wanted(code: str, task: Task) -> bool:
    """Whether a task can use an event of this code: as a feature, an anchor, a label, or to know the person."""
    named = task.cohort.has + task.cohort.without + task.when.events + task.label.all_codes() + task.told_apart
    named = named + task.features.text + task.ranking.groups
    person = ["MEDS_BIRTH", "MEDS_DEATH", "SEX//*"]
    used = matches(code, task.features.codes) and not matches(code, task.hidden)
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
