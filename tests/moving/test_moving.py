"""A store moves to another engine and back without loss, whole or not at all."""

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from salus.base.errors import Busy, Conflict, Damaged, Missing
from salus.privacy import SYSTEM, Purpose
from salus.records import Store, erasing, schema
from salus.records.checking import check
from salus.records.engines import engine_of
from salus.records.erasing import What, Wish
from salus.records.moving import copying, move, verbs
from salus.records.notices import Notices

sys.path.insert(0, str(Path(__file__).parent))

from full_store import AFAR, LOINC, LONG, OFFICER, SIXTEEN, STEWARDS, UUID, contents, listed, made, observation, patient

Place = Callable[[], str]
CUT = ("code", "resource", "bunch")  # where PostgreSQL has a long text shortened


@pytest.fixture(scope="module")
def full(new_place: Place) -> str:
    """On each engine."""
    return made(new_place())


def raw(place: str) -> dict[str, list[Any]]:
    """The rows of a file, with the types that they have there."""
    with closing(sqlite3.connect(place)) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type='table'")]
        return {name: sorted(connection.execute(f"SELECT * FROM {name}").fetchall(), key=repr) for name in names}


def test_a_moved_store_has_every_row_and_is_whole(full: str, new_file: Place) -> None:
    target = new_file()
    moved = move(full, target)

    assert 0 == check(target).count
    assert {name: len(rows) for name, rows in contents(full).items()} == {
        name: table.rows for name, table in moved.tables.items()
    }
    assert {name: rows for name, rows in contents(full).items() if name not in CUT} == {
        name: rows for name, rows in contents(target).items() if name not in CUT
    }
    assert all(
        moved.tables[name].rows for name in ("past", "was", "erased", "erasure", "spared", "subscriber", "notice")
    )


def test_a_moved_store_answers_and_goes_on_where_it_was(full: str, new_schema: Place) -> None:
    target = new_schema()
    move(full, target)
    with Store(full, STEWARDS) as before, Store(target, STEWARDS) as after:
        was, now = (store.open(SYSTEM, Purpose.OPERATIONS) for store in (before, after))
        for change in before.outbox(0):
            if change.act != "delete" and "erased" not in change.id:
                one = (change.type, change.id, change.version)
                assert answer(was, one) == answer(now, one)
        asked = ("Patient?name=li", f"Observation?subject={AFAR}", f"Observation?code={LOINC}|{LONG}&_sort=-date")
        for search in asked:
            type, _, query = search.partition("?")
            assert [v.id for v in was.search(type, query).versions] == [v.id for v in now.search(type, query).versions]

        assert before.head() == after.head()
        assert before.outbox(0) == after.outbox(0)
        assert (3, before.cursor("notices")) == (after.cursor("events"), after.cursor("notices"))
        assert Notices(before).subscribers() == Notices(after).subscribers()
        assert Notices(before).events("s", 0, 9) == Notices(after).events("s", 0, 9)
        last = after.last_transaction()
        assert 3 == now.update("Patient", "li", patient("Li")).version
        assert [last + 1] == [change.t for change in after.outbox(last)]
        assert last + 1 - len(erasures(after)) <= after.verify()
    assert listed(full) == listed(target)


def erasures(store: Store) -> list[Any]:
    with store.readers.one() as reader:
        return reader.connection.execute("SELECT t FROM erasure").fetchall()


def answer(records: Any, one: tuple[str, str, int]) -> Any:
    try:
        return records.vread(*one).body
    except Exception as fault:
        return type(fault)


def test_there_and_back_again_each_row_is_as_it_was(new_file: Place, new_schema: Place) -> None:
    first, there, back = made(new_file()), new_schema(), new_file()
    with Store(first) as store:
        assert store.last_transaction()
    move(first, there)
    move(there, back)

    assert raw(first) == raw(back)
    with Store(back) as store:
        records = store.open(SYSTEM, Purpose.OPERATIONS)
        assert 5 == len(records.search("Observation", f"code={LOINC}|{LONG}").versions)
        assert ["afar"] == [found.id for found in records.search("Observation", f"subject={AFAR}").versions]
        assert {"li", UUID, SIXTEEN} <= {found.id for found in records.search("Patient", "_count=100").versions}


def test_within_one_engine_a_store_moves_as_well(new_place: Place) -> None:
    first, second = made(new_place()), new_place()
    move(first, second)

    assert contents(first) == contents(second)


def test_a_store_that_is_there_is_not_overwritten(full: str, new_place: Place) -> None:
    target = new_place()
    with Store(target) as store:
        store.open(SYSTEM, Purpose.OPERATIONS).update("Patient", "a", patient("A"))
    with pytest.raises(Conflict, match="not overwritten"):
        move(full, target)
    with pytest.raises(Conflict, match="not overwritten"):
        move(full, full)
    with Store(target) as store:
        assert {"Patient": 1} == store.count()


def test_a_store_that_is_not_there_is_not_moved(new_place: Place, new_file: Place) -> None:
    source, target = new_place(), new_file()
    with pytest.raises(Missing):
        move(source, target)
    with pytest.raises(Missing):
        engine_of(source).looker()
    assert not Path(target).exists()


KILLED = """
import os, sys
from salus.records.moving import copying, move, verbs
counts = {}
def on_progress(step, done, total):
    counts[step] = counts.get(step, 0) + 1
    if step == sys.argv[3] and (done or step == "index"):
        os.kill(os.getpid(), 9)
move(sys.argv[1], sys.argv[2], on_progress)
"""


@pytest.mark.parametrize("step", ["copy", "lay", "compare", "index"])
def test_killed_in_the_middle_nothing_stands_and_it_can_be_begun_again(full: str, new_place: Place, step: str) -> None:
    target = new_place()
    ended = subprocess.run([sys.executable, "-c", KILLED, full, target, step], check=False, timeout=600)
    assert -9 == ended.returncode
    with pytest.raises(Missing):
        check(target)
    move(full, target)

    assert 0 == check(target).count


def test_nothing_of_a_move_that_failed_is_left(full: str, new_place: Place) -> None:
    target = new_place()

    def slip(step: str, done: int, total: int) -> None:
        if step == "compare":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        move(full, target, slip)
    with pytest.raises(Missing):
        engine_of(target).looker()
    assert not engine_of(target).beside(".part").exists()


def test_nobody_writes_to_a_store_that_moves_and_everybody_reads(new_place: Place, new_file: Place) -> None:
    place, half, go = new_place(), Event(), Event()

    def wait(step: str, done: int, total: int) -> None:
        if step == "lay" and not half.is_set():
            half.set()
            assert go.wait(600)

    with Store(place) as store:
        records = store.open(SYSTEM, Purpose.OPERATIONS)
        records.update("Patient", "a", patient("A"))
        target = new_file()
        moving = Thread(target=move, args=(place, target, wait))
        moving.start()
        assert half.wait(600)
        assert "a" == records.read("Patient", "a").id
        late = Thread(target=records.update, args=("Patient", "b", patient("B")))
        late.start()
        late.join(0.3)
        assert late.is_alive()
        go.set()
        late.join()
        moving.join()
        assert 2 == sum(store.count().values())
    with Store(target) as store:
        assert {"Patient": 1} == store.count()


def test_a_move_that_could_not_keep_writers_out_does_not_count(new_schema: Place, new_place: Place) -> None:
    psycopg = pytest.importorskip("psycopg")
    source, target = made(new_schema()), new_place()

    def cut_off(step: str, done: int, total: int) -> None:
        if step == "lay" and done == 0:
            with psycopg.connect(source.partition("schema=")[0].rstrip("&?"), autocommit=True) as connection:
                connection.execute(CUT_OFF, (source.partition("schema=")[2],))

    with pytest.raises(Busy):
        move(source, target, cut_off)
    with pytest.raises(Missing):
        check(target)


CUT_OFF = """
SELECT pg_terminate_backend(l.pid) FROM pg_locks l JOIN pg_stat_activity a ON a.pid=l.pid
WHERE l.locktype='advisory' AND a.application_name LIKE '%%' || %s
"""


def test_a_body_that_is_damaged_is_named_and_not_moved(new_file: Place, new_place: Place) -> None:
    source, target = made(new_file()), new_place()
    with closing(sqlite3.connect(source)) as connection, connection:
        connection.execute("UPDATE resource SET body=zeroblob(9) WHERE id='li'")

    with pytest.raises(Damaged, match=r"Patient/li version 2.*salus verify"):
        move(source, target)
    with pytest.raises(Missing):
        check(target)


def test_a_file_that_is_cut_off_is_not_moved(new_file: Place, new_place: Place) -> None:
    source = made(new_file())
    data = Path(source).read_bytes()
    Path(source).write_bytes(data[: len(data) // 2])

    with pytest.raises(Damaged, match="cut off"):
        move(source, new_place())


def test_a_newer_layout_is_told_and_an_older_one_is_upgraded_first(new_place: Place, new_file: Place) -> None:
    place = new_place()
    with Store(place) as store:
        set_layout(store, schema.VERSION + 1)
    with pytest.raises(Conflict, match="newer Salus"):
        move(place, new_file())
    with closing(engine_of(place).writer()) as connection:
        connection.execute("UPDATE meta SET value='1' WHERE name='schema'")
    with pytest.raises(Conflict, match="salus migrate"):
        move(place, new_file())


def set_layout(store: Store, layout: int) -> None:
    with closing(store.engine.writer()) as connection:
        connection.execute("UPDATE meta SET value=? WHERE name='schema'", (str(layout),))


def test_an_erasure_that_is_not_finished_comes_first(new_place: Place, new_file: Place) -> None:
    place, target = new_place(), new_file()
    with Store(place) as store:
        records = store.open(SYSTEM, Purpose.OPERATIONS)
        records.update("Patient", "a", patient("A"))
        records.update("Observation", "o", observation("Patient/a", 1))
        erasing.erase(store.open(OFFICER, Purpose.ADMINISTRATION), Wish("Patient", "a", What.PATIENT), "case 8")
        with pytest.raises(Conflict, match="--finish"):
            move(place, target)
        erasing.finish(store)
    move(place, target)

    assert 0 == check(target).unfinished


def test_a_row_that_did_not_arrive_is_noticed(full: str, new_place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that loses what it was given."""
    target = new_place()

    def copy_and_lose(source: Any, made: Any, *rest: Any) -> Any:
        poured = copying.copy(source, made, *rest)
        made.execute("DELETE FROM outbox WHERE t=2")
        return poured

    monkeypatch.setattr(verbs, "copy", copy_and_lose)
    with pytest.raises(Damaged, match="outbox did not arrive"):
        move(full, target)
    with pytest.raises(Missing):
        check(target)
