"""A CSV file as it is: every cell a string, empty where nothing is said; bad rows named, the rest used."""

import csv
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from salus.base.errors import Invalid, Malformed
from salus.learning.run import Note, Plan, Run, TableAsk
from salus.learning.step1_collect.history import with_history
from salus.learning.step1_collect.text import WESTERN, text_of

EMPTY = {"", "?", "na", "n/a", "nan", "null", "-", "#n/a"}
MOST_BAD = 0.2  # a file with a larger share of bad rows is another kind of file
BadRow = tuple[int, str]


def collect_table(run: Run) -> None:
    """Write step1_collect/table.parquet (columns of strings), bad_rows.csv and summary.json."""
    plan = run.plan
    ask = asked(plan)
    text, encoding = text_of(Path(plan.data))
    header, rows, bad = read_rows(text, Path(plan.data))
    check_columns(header, ask, plan.task.told_apart, plan.data)
    parts = ["" for _ in rows]
    if ask.test:
        other, more, worse = read_csv(Path(ask.test))
        check_same_columns(header, other, ask.test)
        place = [other.index(name) for name in header]
        rows, bad = rows + [[row[i] for i in place] for row in more], bad + worse
        parts = ["train"] * len(parts) + ["test"] * len(more)
    table = pa.table({name: [cell_of(row[i]) for row in rows] for i, name in enumerate(header)}, schema_of(header))
    table = with_history(table, ask)
    pq.write_table(table, run.path("step1_collect", "table.parquet"))
    pq.write_table(pa.table({"part": parts}), run.path("step1_collect", "parts.parquet"))
    write_bad_rows(run, bad)
    notes = bad_row_notes(bad) + ([Note(key="note.western")] if encoding == WESTERN else [])
    run.note("step1_collect", notes)
    counts = {"rows": len(rows), "columns": len(header), "bad_rows": len(bad)}
    run.write("step1_collect", "summary.json", counts)


def asked(plan: Plan) -> TableAsk:
    if plan.table is None:
        raise Invalid("This run's plan.json says it is about a table but not which column is the target")
    return plan.table


def schema_of(header: list[str]) -> pa.Schema:
    return pa.schema([(name, pa.string()) for name in header])


def read_csv(path: Path) -> tuple[list[str], list[list[str]], list[BadRow]]:
    """Header, good rows, and (line number, fault) of the bad ones. Raises Missing, Malformed, Invalid."""
    return read_rows(text_of(path)[0], path)


def read_rows(text: str, path: Path) -> tuple[list[str], list[list[str]], list[BadRow]]:
    """The same of a text. A column without a name is called by its number."""
    lines = text.splitlines(keepends=True)
    reader = csv.reader(lines, delimiter=delimiter_of(lines[0] if lines else ""))
    names = [name.strip() for name in next(reader, [])]
    header = [name or f"column {number}" for number, name in enumerate(names, 1)]
    if not any(names):
        raise Malformed(f"{path.name} is empty: give a CSV file with a line of column names and rows below it")
    good, bad = [], []
    for row in reader:
        if len(row) == len(header):
            good.append(row)
        elif row:
            bad.append((reader.line_num, f"{len(row)} cells where the header has {len(header)}"))
    if not good:
        raise Malformed(f"{path.name} has column names but no rows: give at least some rows below line 1")
    if len(bad) > MOST_BAD * (len(good) + len(bad)):
        raise Malformed(
            f"{len(bad)} of {len(good) + len(bad)} rows of {path.name} do not fit its header, the first at line "
            f"{bad[0][0]} ({bad[0][1]}): check the separator and the quotes"
        )
    return header, good, bad


def delimiter_of(line: str) -> str:
    """Comma, tab or semicolon: whichever the header has most of.

    >>> delimiter_of("a;b;c")
    ';'
    """
    return max(",\t;", key=line.count)


def cell_of(text: str) -> str | None:
    """The cell without spaces around it; None where it says that nothing is known.

    >>> cell_of(" 7.1 "), cell_of("?")
    ('7.1', None)
    """
    text = text.strip()
    return None if text.lower() in EMPTY else text


def check_columns(header: list[str], ask: TableAsk, groups: list[str], name: str) -> None:
    """Refuse double column names and a target, subject or group column that is not there."""
    double = sorted(column for column, count in Counter(header).items() if count > 1)
    if double:
        raise Invalid(f"The columns {', '.join(double)} of {Path(name).name} stand there twice: rename or delete one")
    named = [("target", ask.target), ("subject", ask.subject), ("event", ask.event), ("order", ask.order)]
    for role, wanted in (*named, *(("drop", one) for one in ask.drop), *(("group", one) for one in groups)):
        if wanted is not None and wanted not in header:
            raise Invalid(
                f"There is no {role} column '{wanted}' in {Path(name).name}: its columns are {', '.join(header[:60])}",
                path=f"--{role}",
            )


def check_same_columns(header: list[str], other: list[str], name: str) -> None:
    """Refuse a test file that lacks columns of the training file."""
    lacking = [column for column in header if column not in other]
    if lacking:
        raise Invalid(f"{Path(name).name} lacks the columns {', '.join(lacking)}", path="--test")


def write_bad_rows(run: Run, bad: list[BadRow]) -> None:
    """bad_rows.csv."""
    with run.path("step1_collect", "bad_rows.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("line", "fault"), *bad])


def bad_row_notes(bad: list[BadRow]) -> list[Note]:
    """A note with the first lines, where there are any."""
    lines = ", ".join(str(line) for line, _ in bad[:10])
    return (
        [Note(key="note.bad_rows", slots={"count": str(len(bad)), "lines": lines, "fault": bad[0][1]})] if bad else []
    )
