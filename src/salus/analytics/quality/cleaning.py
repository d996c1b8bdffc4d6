"""Cleaning that is declared, logged and can be undone: a new folder of events, and beside them every row touched.

`CLEANED/cleaning/touched.pq` holds each row as it was and as it became, `cleaning.json` what was done and how often.
The folder that was cleaned stays as it is.

Bounds that are learned (`learn_limits`) are learned on the people given, and on nobody else: a task that cleans must
give those of its training rows, and use the same bounds for everybody after that.
"""

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import duckdb
import msgspec
import pyarrow as pa

from salus.analytics.events import EVENT_SCHEMA
from salus.analytics.quality.actions import ACTS, Action, touched
from salus.analytics.quality.check import Bound, Thresholds
from salus.analytics.quality.source import columns_of, connected, learn_pairs, open_events, readable
from salus.analytics.sources.tables import quoted
from salus.base import clock
from salus.base.errors import Conflict, Invalid, Missing

SHARDS = 16
PRIVATE = 0o077  # taken from the rights of what is written
COLUMNS = EVENT_SCHEMA.names
LISTED = ", ".join(COLUMNS)
WAS = ", ".join(f"r.{name} AS was_{name}" for name in COLUMNS)


class Done(msgspec.Struct, kw_only=True):
    """One action, and how many rows it touched."""

    action: Action
    rows: int


class Cleaned(msgspec.Struct, kw_only=True):
    """What was done to a source. `before` and `after`: rows."""

    source: str
    made: str
    before: int
    after: int
    done: list[Done]


def clean(events: Path, actions: list[Action], folder: Path, told: Thresholds | None = None) -> Cleaned:
    """Write a cleaned copy, whole or not at all. Raises Missing, Invalid, Conflict where the folder holds something."""
    now, bounds = clock.now(), (told or Thresholds()).bounds
    check_events(events)
    check_columns(events)
    with being_made(folder) as made, opened(events) as connection:
        connection.execute(f"CREATE TABLE now_rows AS SELECT row_number() OVER () AS id, {LISTED} FROM events")
        connection.execute(
            f"CREATE TABLE log AS SELECT 0 AS step, FALSE AS dropped, {WAS}, r.* FROM now_rows r LIMIT 0"
        )
        before = count(connection, "now_rows")
        done = [Done(action=one, rows=do(connection, n, one, now, bounds)) for n, one in enumerate(actions, 1)]
        cleaned = Cleaned(
            source=events.name, made=clock.instant(now), before=before, after=count(connection, "now_rows"), done=done
        )
        write(connection, "now_rows", made)
        keep_log(connection, cleaned, made / "cleaning")
    return cleaned


def do(
    connection: duckdb.DuckDBPyConnection, step: int, action: Action, now: datetime, bounds: dict[str, Bound]
) -> int:
    """Touch the rows and log them, as they were and as they are then; how many."""
    if action.do == "drop_outside_bounds":
        learn_pairs(connection, bounds, "now_rows")
    connection.execute(f"CREATE OR REPLACE TEMP TABLE ids AS {touched(action, now)}")
    becomes = ACTS[action.do].becomes(action)
    new = ", ".join(f"{becomes.get(name, name)} AS {name}" if becomes else f"NULL AS {name}" for name in COLUMNS)
    connection.execute(
        f"INSERT INTO log SELECT {step}, {not becomes}, {WAS}, r.id, n.* EXCLUDE (id) FROM now_rows r "
        f"JOIN (SELECT id, {new} FROM now_rows WHERE id IN (FROM ids)) n ON n.id = r.id"
    )
    if becomes:
        parts = ", ".join(f"{name} = {value}" for name, value in becomes.items())
        connection.execute(f"UPDATE now_rows SET {parts} WHERE id IN (FROM ids)")
    else:
        connection.execute("DELETE FROM now_rows WHERE id IN (FROM ids)")
    return count(connection, "ids")


def undo(cleaned: Path, folder: Path) -> int:
    """Write the events as they were before, row for row; how many. Raises Missing, Conflict."""
    check_events(cleaned)
    log = cleaned / "cleaning" / "touched.pq"
    if not log.is_file():
        raise Missing(f"{cleaned} has no cleaning/touched.pq: only what `salus clean apply` wrote can be undone")
    with being_made(folder) as made, opened(cleaned) as connection:
        connection.execute(f"CREATE VIEW log AS FROM read_parquet({quoted(log)})")
        connection.execute(f"CREATE TABLE rows_0 AS SELECT {LISTED} FROM events")
        was = ", ".join(f"was_{name} AS {name}" for name in COLUMNS)
        steps = connection.execute("SELECT DISTINCT step FROM log ORDER BY step DESC").fetchall()
        for n, (step,) in enumerate(steps, 1):
            connection.execute(
                f"CREATE TABLE rows_{n} AS (FROM rows_{n - 1} EXCEPT ALL SELECT {LISTED} FROM log "
                f"WHERE step = {step} AND NOT dropped) UNION ALL SELECT {was} FROM log WHERE step = {step}"
            )
            connection.execute(f"DROP TABLE rows_{n - 1}")
        write(connection, f"rows_{len(steps)}", made)
        return count(connection, f"rows_{len(steps)}")


def learn_limits(
    events: Path, subjects: Iterable[str], low: float = 0.001, high: float = 0.999, least: int = 100
) -> dict[str, Bound]:
    """Bounds by code from the quantiles of these people alone, where a code has one unit and `least` numbers."""
    check_events(events)
    with opened(events) as connection:
        connection.register("training", pa.table({"subject_id": pa.array(list(subjects), pa.string())}))
        rows = connection.execute(
            f"SELECT code, any_value(coalesce(unit, '')), quantile_cont(numeric_value, [{low}, {high}]) FROM events "
            "WHERE numeric_value IS NOT NULL AND subject_id IN (SELECT subject_id FROM training) "
            f"GROUP BY code HAVING count(*) >= {least} AND count(DISTINCT coalesce(unit, '')) = 1 ORDER BY code"
        ).fetchall()
    return {code: Bound(unit, (span[0], span[1])) for code, unit, span in rows}


@contextmanager
def opened(events: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with the view `events`: one moment of that folder. Raises Malformed, Invalid."""
    with connected() as (connection, _), readable(events), open_events(connection, events):
        yield connection


def check_events(events: Path) -> None:
    if not any(events.rglob("*.parquet")):
        raise Missing(f"There are no events (*.parquet) in {events}")


def check_columns(events: Path) -> None:
    """Raises Invalid for columns that the copy would lose."""
    others = set(columns_of(next(iter(sorted(events.rglob("*.parquet")))))) - set(COLUMNS)
    if others:
        named = ", ".join(sorted(others))
        raise Invalid(f"{events.name} has columns that events do not have ({named}): a cleaned copy would lose them")


@contextmanager
def being_made(folder: Path) -> Iterator[Path]:
    """A place that becomes the folder when all is done. Raises Conflict where it holds something already."""
    if folder.exists() and any(folder.iterdir()):
        raise Conflict(f"{folder} is not empty: give a new folder, or remove that one first")
    before = os.umask(PRIVATE)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".cleaning-") as room:
            made = Path(room) / "events"
            yield made
            if folder.exists():
                folder.rmdir()
            shutil.move(made, folder)
    finally:
        os.umask(before)


def write(connection: duckdb.DuckDBPyConnection, table: str, folder: Path) -> None:
    """Shards by subject, each sorted by subject and time, as `salus events bring` writes them."""
    for shard in range(SHARDS):
        place = folder / f"shard={shard:03}"
        place.mkdir(parents=True)
        connection.execute(
            f"COPY (SELECT {LISTED} FROM {table} WHERE hash(subject_id) % {SHARDS} = {shard} "
            "ORDER BY subject_id, time NULLS FIRST, source_id, code) "
            f"TO {quoted(place / 'part-000.parquet')} (FORMAT parquet, COMPRESSION zstd)"
        )


def keep_log(connection: duckdb.DuckDBPyConnection, cleaned: Cleaned, folder: Path) -> None:
    """Not named .parquet: it lies among the events, and is none."""
    folder.mkdir()
    connection.execute(
        f"COPY (SELECT * EXCLUDE (id) FROM log ORDER BY step, was_source_id) TO {quoted(folder / 'touched.pq')} "
        "(FORMAT parquet, COMPRESSION zstd)"
    )
    (folder / "cleaning.json").write_bytes(msgspec.json.format(msgspec.json.encode(cleaned), indent=1))


def count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    found: int = connection.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0]
    return found
