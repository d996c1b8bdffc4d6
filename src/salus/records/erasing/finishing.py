"""After an erasure: until nothing of it is left in any file.

The erasure's row in `erasure` keeps what is still to be done, and for whom, in `todo`; what stands there survives a
crash, and `finish` may be called again at any time. Who keeps copies of records (event files, views) follows the
outbox, finds in `pending` whose data it has to make anew, and says by `keep_up` how far it has come. When all have
passed, the names go from `todo` too, and the pages of the database that nothing stands on any more are overwritten.
"""

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from salus.base.errors import Conflict
from salus.privacy import SYSTEM, Purpose
from salus.records.desk import Desk
from salus.records.erasing import everywhere, grams, striking
from salus.records.erasing.carrying import PAGES, lay_down, strike_all
from salus.records.erasing.remembering import remember
from salus.records.erasing.striking import Names
from salus.records.store import Store
from salus.records.writer import Request

COPY = "copy:"  # a cursor of who keeps copies, in the folder that follows
ELSEWHERE = "where else they were named"
POLL = 0.1  # seconds
UNFINISHED = "SELECT t, todo FROM erasure WHERE todo<>'' ORDER BY t"


@dataclass(frozen=True, slots=True)
class Pending:
    """An erasure that is not finished. `subjects`: ids of patients whose data must be made anew, or are no more;
    `references`: what is no more, old to new."""

    t: int
    subjects: frozenset[str]
    references: dict[str, str]


log = logging.getLogger(__name__)
Sweep = Callable[[Store, Pending], None]


def todos(store: Store) -> dict[int, dict[str, Any]]:
    """By transaction what is still to be done; empty where only the pages are left."""
    with store.readers.one() as reader:
        found = reader.connection.execute(UNFINISHED).fetchall()
    return {t: {} if todo == PAGES else orjson.loads(todo) for t, todo in found}


def pending(store: Store) -> list[Pending]:
    """Erasures that are not finished, oldest first."""
    found = todos(store).items()
    return [Pending(t, frozenset(todo.get("subjects", ())), todo.get("references", {})) for t, todo in found]


def keep_up(store: Store, folder: Path, t: int) -> None:
    """Say that copies kept in `folder` have no trace of what was erased up to transaction `t`."""
    name = f"{COPY}{folder.absolute()}"
    known = store.cursor(name)
    if t > known and (not known or todos(store)):
        store.set_cursor(name, t)


def behind(store: Store) -> list[str]:
    """Folders whose copies may still hold something of what was erased. One that is no more holds nothing."""
    sql = "SELECT name, t FROM cursor WHERE t<(SELECT max(o.t) FROM outbox o WHERE o.t<=?)"
    with store.readers.one() as reader:
        last = max(todos(store), default=0)
        found = reader.connection.execute(sql, (last,)).fetchall()
    folders = [name.removeprefix(COPY) for name, _ in found if name.startswith(COPY)]
    return sorted(folder for folder in folders if Path(folder).exists())


def finish(store: Store, sweeps: Iterable[Sweep] = (), patience: float = 0.0) -> list[str]:
    """Do all that is still to be done; `sweeps` clean what does not follow the outbox. Waits `patience` seconds for
    those who follow it. The folders that it still waits for, none when all is done. Raises Busy, Full."""
    until = time.monotonic() + patience
    while (waiting := behind(store)) and time.monotonic() < until:
        time.sleep(POLL)
    found = pending(store)
    if waiting or not found:
        return waiting
    for sweep in sweeps:
        for each in found:
            sweep(store, each)
    for t, todo in todos(store).items():
        if todo:
            _forget_names(store, t, todo)
    done = list(todos(store))
    store.engine.scrub()
    remember(store)
    for t in done:
        _set(store, t, "")
    return []


def _forget_names(store: Store, t: int, todo: dict[str, Any]) -> None:
    """Who else names them, what readers noted meanwhile, the dictionary, and at last the names themselves."""
    _look_everywhere(store, todo)
    _strike_late(store, todo)
    with store.readers.one() as reader, reader.snapshot():
        anew = grams.private(reader.connection, reader.press, todo["grams"])
    if anew:
        _press_again(store)
    _set(store, t, PAGES)


def _press_again(store: Store) -> None:
    """With a new dictionary, some bodies a commit: others write in between."""
    _keep_house(store, grams.learn_anew)
    for table in grams.TABLES:
        last: grams.Place | None = grams.FIRST
        while last:
            last = _keep_house(store, partial(grams.press_some, table=table, after=last))
    _keep_house(store, grams.drop_old)


def _look_everywhere(store: Store, todo: dict[str, Any]) -> None:
    names = everywhere.sought(todo["references"])
    if not names:
        return
    with store.readers.one() as reader, reader.snapshot():
        places = everywhere.naming(reader, sorted(names))
    for row, versions in places.items():
        try:
            _submit(store, partial(everywhere.erase_named, names=names, row=row, versions=versions), ELSEWHERE)
        except Conflict as fault:
            log.warning("%s: expunge it", fault)


def _submit(store: Store, work: Callable[[Desk], None], what: str) -> None:
    store.writer.submit(Request(work, SYSTEM, Purpose.ADMINISTRATION, "erase", what)).result()


def _strike_late(store: Store, todo: dict[str, Any]) -> None:
    names = Names(todo["references"], frozenset(todo["words"]))
    with store.readers.one() as reader:
        lines, last = striking.suspects(reader.connection, names, todo["audited"])
    if lines:
        store.writer.submit(
            Request(
                lambda desk: _strike(desk, names, lines, last), SYSTEM, Purpose.ADMINISTRATION, "erase", "the audit"
            )
        ).result()


def _strike(desk: Desk, names: Names, lines: list[int], last: int) -> None:
    """An erasure of its own, of lines of the audit only."""
    desk.erases = True
    strike_all(desk, names, lines, last)
    lay_down(desk, PAGES)


def _set(store: Store, t: int, todo: str) -> None:
    def work(desk: Desk) -> None:
        desk.connection.execute("UPDATE erasure SET todo=? WHERE t=?", (todo, t))

    _keep_house(store, work)


def _keep_house(store: Store, work: Callable[[Desk], Any]) -> Any:
    return store.writer.submit(Request(work, SYSTEM, Purpose.ADMINISTRATION, "", "")).result()
