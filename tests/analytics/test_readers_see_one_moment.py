"""Who reads the events while they are replaced sees one place of the outbox, and what nobody reads is swept away."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
from restless import PEOPLE, all_get

from salus.analytics.events import Follower, read_events
from salus.analytics.quality.cleaning import clean
from salus.analytics.sources import write_meds
from salus.analytics.views.asking import ask
from salus.base.editions import ROOM, files_of
from salus.learning.cohorts import event_files, read_timeline
from salus.learning.run import Run
from salus.learning.step1_collect import collect
from salus.privacy import SYSTEM, Purpose
from salus.records import Store, erasing

ROUNDS = 5
WHY = "case 2026/17"
HERE = Path(__file__).parent
SEEN = "SELECT count(*), count(DISTINCT subject_id), min(numeric_value), max(numeric_value) FROM {}"
PLAN = """
{"source": "events", "data": "EVENTS", "task": {"name": "high", "question": {"en": "High?", "zh": "高吗？"},
 "kind": "binary", "when": {"events": ["LOINC//*"]}, "label": {"codes": ["LOINC//*"], "within_days": 365},
 "features": {"windows_days": [365]}}}
"""
Told = tuple[int, int, float, float]


def told(sql: str) -> Told:
    ((people, rows, low, high),) = duckdb.sql(SEEN.format(sql)).fetchall()
    return people, rows, low, high


def by_duckdb(events: Path, room: Path) -> Told:
    with read_events(events) as files:
        first = told(f"read_parquet({files})")
        assert first == told(f"read_parquet({files})")  # what is held stays
    return first


def by_learning(events: Path, room: Path) -> Told:
    run = Run(room)
    room.mkdir()
    (room / "plan.json").write_text(PLAN.replace("EVENTS", str(events)), "utf-8")
    collect(run)
    return told(f"read_parquet('{run.needed('step1_collect', 'events.parquet')}')")


def by_cohorts(events: Path, room: Path) -> Told:
    with event_files(events) as files:
        seen = read_timeline(files, ["numeric_value"])
    values = seen.table["numeric_value"].to_pylist()
    return len(values), len(seen.subjects), min(values), max(values)


def by_cleaning(events: Path, room: Path) -> Told:
    clean(events, [], room)
    return told(f"read_parquet('{room}/*/*.parquet')")


def by_meds(events: Path, room: Path) -> Told:
    write_meds(events, room)
    return told(f"read_parquet('{room}/data/*.parquet')")


def by_sql(events: Path, room: Path) -> Told:
    (row,) = ask(SEEN.format("events"), {}, events).to_pylist()
    found: Told = tuple(row.values())  # type: ignore[assignment]
    return found


READERS: list[Callable[[Path, Path], Told]] = [by_duckdb, by_learning, by_cohorts, by_cleaning, by_meds, by_sql]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "salus.db") as opened:
        yield opened


def begun(*command: Any) -> "subprocess.Popen[str]":
    return subprocess.Popen([sys.executable, *map(str, command)], stdout=subprocess.PIPE, text=True)


def moved_on(writer: "subprocess.Popen[str]", events: Path, last: list[tuple[str, Told]]) -> bool:
    """Whether the files have changed since somebody read them last, or the writer has ended."""
    if writer.poll() is not None:
        return True
    there = any(events.glob("shard=*/*.parquet"))
    return there and (not last or by_duckdb(events, events) != last[0][1])


def test_every_reader_sees_one_moment_while_a_process_replaces_the_files_without_pause(tmp_path: Path, eventually: Any):
    events, stop = tmp_path / "events", tmp_path / "stop"
    writer = begun(HERE / "restless.py", tmp_path / "salus.db", events, stop)
    try:
        seen: list[tuple[str, Told]] = []
        for n in range(ROUNDS):
            eventually(partial(moved_on, writer, events, seen[-1:]))
            assert writer.poll() is None
            seen += [(reader.__name__, reader(events, tmp_path / f"{reader.__name__}-{n}")) for reader in READERS]
    finally:
        stop.touch()
        writer.communicate()

    assert [] == [one for one in seen if one[1][:2] != (PEOPLE, PEOPLE) or one[1][2] != one[1][3]]
    moments = [value for _, (_, _, value, _) in seen]
    assert moments == sorted(moments)
    assert len(set(moments)) >= ROUNDS


HOLDING = """
import sys
from pathlib import Path
from salus.base.editions import files_of
with files_of(Path(sys.argv[1])) as files:
    print("held", flush=True)
    sys.stdin.read()
"""


def kept(events: Path) -> set[str]:
    return {file.name for file in (events / ROOM).iterdir()}


def test_a_killed_reader_leaves_nothing_behind_and_an_erasure_waits_for_a_living_one(store: Store, tmp_path: Path):
    events, records = tmp_path / "events", store.open(SYSTEM, Purpose.OPERATIONS)
    follower = Follower(store, events)
    all_get(records, 1)
    follower.catch_up()
    reader = subprocess.Popen(
        [sys.executable, "-c", HOLDING, events], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert reader.stdout and "held\n" == reader.stdout.readline()
    before = kept(events)
    erasing.erase(store.open(SYSTEM, Purpose.ADMINISTRATION), erasing.Wish("Patient", "p1", erasing.What.PATIENT), WHY)
    follower.catch_up()

    assert before < kept(events)
    assert [str(events)] == erasing.finish(store)
    reader.kill()
    reader.communicate()
    follower.catch_up()

    assert [] == erasing.finish(store)
    with files_of(events) as files:
        assert kept(events) == {"gate", *(file.name for file in files), max(n for n in kept(events) if "json" in n)}
    assert PEOPLE - 1 == told(f"read_parquet('{events}/*/*.parquet')")[1]


def test_what_a_killed_writer_had_begun_is_swept_away(store: Store, tmp_path: Path, monkeypatch: Any):
    events, records = tmp_path / "events", store.open(SYSTEM, Purpose.OPERATIONS)
    all_get(records, 1)
    Follower(store, events).catch_up()
    before = kept(events)
    for name in ("003-000.half.kept", "003-000.half.kept.new", "9.json.new"):
        (events / ROOM / name).write_bytes(b"half")
    next(events.glob("shard=*/*.parquet")).unlink()
    Follower(store, events).catch_up()

    assert before == kept(events)
    assert (PEOPLE, PEOPLE, 1.0, 1.0) == told(f"read_parquet('{events}/*/*.parquet')")


def test_files_made_anew_are_read_only_when_they_have_come_as_far(store: Store, tmp_path: Path, monkeypatch: Any):
    from salus.analytics.events import follower as module
    from salus.analytics.events import shelf

    events, records = tmp_path / "events", store.open(SYSTEM, Purpose.OPERATIONS)
    for value in (1, 2, 3):
        all_get(records, value)
    Follower(store, events).catch_up()
    seen: list[Told] = []
    settle = shelf.Shelf.settle

    def looked(shelf: Any, at: int, mark: str) -> None:
        settle(shelf, at, mark)
        seen.append(by_duckdb(events, tmp_path))

    monkeypatch.setattr(shelf, "RULES", shelf.RULES + 1)
    monkeypatch.setattr(shelf.Shelf, "settle", looked)
    monkeypatch.setattr(module, "LIMIT", PEOPLE)
    Follower(store, events).catch_up()

    assert len(seen) >= 3
    assert {(PEOPLE, PEOPLE, 3.0, 3.0)} == set(seen)


def test_a_file_system_without_links_shows_the_files_all_the_same(store: Store, tmp_path: Path, monkeypatch: Any):
    def no(*given: Any) -> None:
        raise OSError("not here")

    monkeypatch.setattr("os.link", no)
    events, records = tmp_path / "events", store.open(SYSTEM, Purpose.OPERATIONS)
    for value in (1, 2):
        all_get(records, value)
        Follower(store, events).catch_up()

        assert (PEOPLE, PEOPLE, value, value) == told(f"read_parquet('{events}/*/*.parquet')")
    assert PEOPLE == sum(pq.read_metadata(file).num_rows for file in events.glob("shard=*/*.parquet"))
