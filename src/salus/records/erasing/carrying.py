"""At the desk: in one transaction all that is doomed goes, and what is left of it is what the chain needs."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from salus.base.ids import uuid7
from salus.records import chain, holds
from salus.records.desk import DELETE, ERASE, Desk
from salus.records.erasing import digests, striking
from salus.records.erasing.looking import Look, batches
from salus.records.erasing.rewriting import rewrite
from salus.records.erasing.shapes import Doom
from salus.records.erasing.striking import Names
from salus.records.erasing.traces import Traces, lone_words, orphans, traces_of
from salus.records.notices import disown

PAGES = "pages"  # the last thing that is to be done for an erasure
PLACE = "SELECT n FROM outbox WHERE t=? AND row=? AND version=?"


@dataclass(slots=True)
class Done:
    """What was done: resources by type, versions in all, references of what was rewritten, and of what went: old to
    new; `words` by which nobody else is found."""

    resources: Counter[str] = field(default_factory=Counter)
    versions: int = 0
    rewritten: list[str] = field(default_factory=list)
    names: Names = field(default_factory=lambda: Names({}, frozenset()))
    traces: Traces = field(default_factory=Traces)


def carry_out(desk: Desk, doom: Doom, also: Iterable[str] = ()) -> Done:
    """Erase. The desk's transaction becomes an erasure; `lay_down` says what is left to be done for it. `also`: names
    of what was erased before, that go out of what is rewritten now."""
    look, done = Look(desk.connection, desk.kinds, desk.press), Done()
    old = {row: look.reference(row) for row in doom.nameless}
    for row in sorted(doom.rewritten):
        done.rewritten.append(look.reference(row))
        rewrite(desk, look, row, {*old.values(), *also})
    desk.flush()
    done.traces = traces_of(look, doom)
    _count(look, doom, done)
    _leave_digests(desk, look, doom)
    for row in sorted(doom.versions):  # all, before the first loses its name: they refer to each other
        _take_off(desk, look, row, doom.versions[row])
    for row in sorted(doom.versions):
        _clear(desk, look, row, doom.versions[row], row in doom.nameless)
    desk.flush()
    desk.erases = True
    codes = _sweep(desk, look, done.traces)
    _forget_others(desk, doom, old)
    ids = {reference.partition("/")[2] for reference in old.values()}
    words = lone_words(look, done.traces, codes) | {id.casefold() for id in ids if len(id) >= LONG_ENOUGH}
    done.names = Names({reference: look.reference(row) for row, reference in old.items()}, frozenset(words))
    _leave_hands(desk, done.names)
    return done


def _leave_hands(desk: Desk, names: Names) -> None:
    """What a patient's own account has written, it has written under its new name."""
    sql = "SELECT t FROM txn WHERE who=?"
    for old, new in names.references.items():
        if chain.own(old):
            for (t,) in desk.connection.execute(sql, (old,)).fetchall():
                digests.leave_hand(desk, t, new)


LONG_ENOUGH = 6  # characters; a shorter id may be a mere number in a search


def _count(look: Look, doom: Doom, done: Done) -> None:
    for row, versions in doom.versions.items():
        if versions:
            done.resources[look.address(row)[0]] += 1
            done.versions += len(versions)


def _leave_digests(desk: Desk, look: Look, doom: Doom) -> None:
    places: dict[int, set[int]] = defaultdict(set)
    for row, versions in doom.versions.items():
        for kept in look.versions(row):
            if kept.version in versions:
                places[kept.t].add(desk.connection.execute(PLACE, (kept.t, row, kept.version)).fetchone()[0])
    for t in sorted(places):
        digests.leave(desk, t, places[t])


def _take_off(desk: Desk, look: Look, row: int, versions: set[int]) -> None:
    version, alive = look.current(row)
    if alive and version in versions:
        date = desk.connection.execute("SELECT date FROM resource WHERE row=?", (row,)).fetchone()[0]
        desk.take_off(look.address(row)[0], row, date, next(kept.body for kept in reversed(look.versions(row))))


def _clear(desk: Desk, look: Look, row: int, versions: set[int], nameless: bool) -> None:
    """Bodies of these versions; a stone in the place of the current one, if it is among them."""
    connection = desk.connection
    type, id = look.address(row)
    version, _ = look.current(row)
    old = id
    for some in batches(versions):
        connection.execute(f"DELETE FROM past WHERE row=? AND version IN ({some})", (row,))
        connection.execute(f"DELETE FROM was WHERE row=? AND version IN ({some})", (row,))
    if nameless:
        id = uuid7()
        connection.execute("UPDATE resource SET id=? WHERE row=?", (desk.kinds.packed(id), row))
        connection.execute("DELETE FROM was WHERE subject=?", (row,))
        connection.execute("DELETE FROM hold WHERE actor=?", (row,))
    if version in versions:
        desk.lay_stone(row, type, id, version + 1, ERASE if nameless else DELETE)
        connection.execute("DELETE FROM notice WHERE row=?", (row,))
        if type == "Subscription":  # its owner, its secrets
            disown(desk, old)
        holds.release(desk, f"{type}/{old}")


def _sweep(desk: Desk, look: Look, traces: Traces) -> list[str]:
    """Take codes and targets away that nothing else has; the texts of those codes."""
    connection = desk.connection
    codes = orphans(look, traces)
    highest = connection.execute("SELECT max(code) FROM code").fetchone()[0]
    for some in batches(codes):
        connection.execute(f"DELETE FROM code WHERE code IN ({some}) AND code<>?", (highest,))
    if highest in codes:  # so that no number is ever given again
        connection.execute("UPDATE code SET text='', system=? WHERE code=?", (-highest, highest))
    desk.forget_names()
    for row in _lone_targets(look, traces):
        connection.execute("UPDATE resource SET id=? WHERE row=?", (desk.kinds.packed(uuid7()), row))
    return list(codes.values())


def _lone_targets(look: Look, traces: Traces) -> set[int]:
    """Rows of mere targets that nothing refers to any more."""
    rows = set()
    for kind, id in traces.targets:
        sql = "SELECT row FROM resource WHERE type=? AND id=? AND version=0"
        found = look.connection.execute(sql, look.kinds.target(kind, id)).fetchone()
        if found:
            rows.add(found[0])
    return rows - look.used("ref", "target", rows)


def _forget_others(desk: Desk, doom: Doom, old: dict[int, str]) -> None:
    """Subscriptions of an erased patient's own account."""
    for reference in old.values():
        type, _, id = reference.partition("/")
        if type == "Patient":
            sql = "DELETE FROM notice WHERE subscriber IN (SELECT id FROM subscriber WHERE patient=?)"
            desk.connection.execute(sql, (id,))
            desk.connection.execute("DELETE FROM subscriber WHERE patient=?", (id,))


def lay_down(desk: Desk, todo: str) -> None:
    """What is still to be done for the erasure of this desk; and that numbers of codes may be gone."""
    desk.connection.execute("INSERT INTO erasure(t, todo) VALUES(?, ?)", (desk.t, todo))
    desk.connection.execute("DELETE FROM meta WHERE name='erased'")
    desk.connection.execute("INSERT INTO meta VALUES('erased', ?)", (str(desk.t),))


def strike_all(desk: Desk, names: Names, known: list[int], after: int) -> tuple[int, int]:
    """Strike the names out of the lines `known`, and of all after line `after`; how many, and the last line."""
    more, last = striking.suspects(desk.connection, names, after)
    return sum(striking.strike(desk, names, n) for n in [*known, *more]), last
