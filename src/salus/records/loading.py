"""A sheet at the desk: its numbers replaced by the store's, its rows put into the tables.

What is new goes in as it was prepared. Where something stands at one of the addresses already, or a steward must be
asked, each resource of the sheet is written by itself, as by an update.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from salus.base import clock
from salus.records import drafts
from salus.records.bodies import PLAIN
from salus.records.desk import CREATE, Desk, subject_of
from salus.records.interning import Name
from salus.records.shapes import Outcome, Version
from salus.records.sheets import FIRST, Item, Sheet
from salus.records.stewards import STEWARDED, Unmet

MOST = 500  # addresses looked up at once
Key = tuple[int, bytes | str]
Rows = list[tuple[Any, ...]]
Found = dict[Key, tuple[int, int]]  # row and version by address


def load(desk: Desk, items: Sequence[Item], sheet: Sheet, known: bool) -> list[Outcome]:
    """Write what a sheet of these items holds; the outcomes in the order of the items."""
    refused = [Outcome(line, "refused", *items[line][:2], 0, issues) for line, issues in sheet.refused]
    keys = [desk.kinds.key(type, id) for type, id in zip(sheet.types, sheet.ids, strict=True)]
    found = looked_up(desk, keys)
    if is_new(sheet, keys, found) and desk.stewards.keys().isdisjoint(sheet.types):
        Load(desk, sheet, keys, found).write()
        lines = zip(sheet.lines, sheet.types, sheet.ids, strict=True)
        done = [Outcome(line, "created", type, id, FIRST) for line, type, id in lines]
    else:
        done = [one_by_one(desk, line, items[line], known) for line in sheet.lines]
    return sorted(refused + done, key=lambda outcome: outcome.line)


def is_new(sheet: Sheet, keys: list[Key], found: Found) -> bool:
    """Whether nothing stands at any of these addresses, nor at one of them twice, and none must have a steward."""
    fresh = not any(version for _, version in found.values())
    return fresh and len(set(keys)) == len(keys) and STEWARDED.isdisjoint(sheet.types)


def one_by_one(desk: Desk, line: int, item: Item, known: bool) -> Outcome:
    type, id, body = item
    try:
        return outcome_of(line, desk.update(drafts.addressed(body, type, id), known=known))
    except Unmet as fault:  # before anything of it is written
        return Outcome(line, "refused", type, id, 0, fault.issues)


def outcome_of(line: int, version: Version) -> Outcome:
    act = "unchanged" if version.unchanged else "created" if version.version == FIRST else "updated"
    return Outcome(line, act, version.type, version.id, version.version)


def looked_up(desk: Desk, keys: Iterable[Key]) -> Found:
    """What the store has at these addresses."""
    by_type: dict[int, list[bytes | str]] = {}
    for number, id in keys:
        by_type.setdefault(number, []).append(id)
    return {
        (number, id): (row, version)
        for number, ids in by_type.items()
        for some in parts(ids)
        for id, row, version in desk.connection.execute(
            f"SELECT id, row, version FROM resource WHERE type=? AND id IN ({','.join('?' * len(some))})",
            (number, *some),
        )
    }


def parts(ids: list[bytes | str]) -> Iterator[list[bytes | str]]:
    return (ids[begin : begin + MOST] for begin in range(0, len(ids), MOST))


class Load:
    """The writing of a sheet of which all is new. `keys`: the addresses of its resources."""

    def __init__(self, desk: Desk, sheet: Sheet, keys: list[Key], found: Found) -> None:
        self._desk, self._sheet, self._keys = desk, sheet, keys
        self._rows = [found[key][0] if key in found else desk.ledger.next_row() for key in keys]

    def write(self) -> None:
        desk, sheet = self._desk, self._sheet
        if not desk.stand_at(sheet.ts, sheet.salt) or not self._is_pressed_well():
            self._stamp_anew()
        desk.names.learn(sheet.codes)
        codes = [0, *(desk.names.codes[name] for name in sheet.codes)]
        targets = [0, *self._aimed(sheet.targets)]
        for table, placed in PLACED.items():
            desk.shelves.put(table, placed(sheet.rows[table], self._rows, codes, targets))
        self._store(codes, targets)
        desk.changes += [(row, FIRST, CREATE) for row in self._rows]
        desk.digests += sheet.digests

    def _store(self, codes: list[int], targets: list[int]) -> None:
        desk, sheet, t = self._desk, self._sheet, self._desk.t
        bunches = [0, *(desk.names.bunch(tuple((path, codes[c]) for path, c in bunch)) for bunch in sheet.bunches)]
        subjects = [{targets[target] for target in found} for found in sheet.subjects]
        each = zip(self._rows, self._keys, sheet.dates, sheet.bodies, subjects, sheet.bunch, strict=True)
        lines: Rows = []
        for row, key, date, body, patients, bunch in each:
            desk.waiting.append((row, *key, FIRST, t, t, 1, date, sheet.form, body, subject_of(patients)))
            lines += [(patient, key[0], date, row, bunches[bunch]) for patient in patients]
        desk.shelves.put("line", lines)

    def _aimed(self, names: list[Name]) -> list[int]:
        """The rows of targets; a row without a version is laid for each that is not here (yet)."""
        desk = self._desk
        known = dict(zip(self._keys, self._rows, strict=True))
        keys = [desk.kinds.target(*name) for name in names]
        known |= {key: row for key, (row, _) in looked_up(desk, [key for key in keys if key not in known]).items()}
        for key in keys:
            if key not in known:
                known[key] = desk.lay_target(key)
        return [known[key] for key in keys]

    def _is_pressed_well(self) -> bool:
        """Whether the dictionary that was used is still there."""
        form, sql = self._sheet.form, "SELECT 1 FROM dictionary WHERE form=?"
        known = form != PLAIN and self._desk.connection.execute(sql, (form,)).fetchone() is not None
        return known or form == self._desk.press.form

    def _stamp_anew(self) -> None:
        """Other writers came first, or there is a dictionary only now: the bodies as of now."""
        desk, sheet = self._desk, self._sheet
        instant = clock.instant(desk.at).encode()
        sheet.digests = []
        for n, (type, id, key) in enumerate(zip(sheet.types, sheet.ids, self._keys, strict=True)):
            body = desk.press.expanded(desk.connection, sheet.form, sheet.bodies[n])
            begin = len(drafts.head(type, id, FIRST, ""))
            body = b"".join((body[:begin], instant, body[begin + len(instant) :]))
            sheet.bodies[n] = desk.press.pressed(body)
            sheet.digests.append(desk.digest(n, CREATE, key, FIRST, body))
        sheet.form = desk.press.form


# The rows of a table with the store's numbers in the place of the sheet's.
PLACED: dict[str, Callable[[Rows, list[int], list[int], list[int]], Rows]] = {
    "token": lambda made, rows, codes, targets: [(path, codes[c], rows[n]) for path, c, n in made],
    "ref": lambda made, rows, codes, targets: [(path, targets[target], rows[n]) for path, target, n in made],
    "dates": lambda made, rows, codes, targets: [(path, low, high, rows[n]) for path, low, high, n in made],
    "quantity": lambda made, rows, codes, targets: [(path, value, codes[c], rows[n]) for path, value, c, n in made],
    "number": lambda made, rows, codes, targets: [(path, value, rows[n]) for path, value, n in made],
    "string": lambda made, rows, codes, targets: [(path, text, rows[n], exact) for path, text, n, exact in made],
}
