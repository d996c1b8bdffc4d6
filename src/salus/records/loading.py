"""A sheet at the desk: its numbers replaced by the store's, its rows put into the tables.

What is new goes in as it was prepared. A resource at whose address something stands already, or of whose writing a
steward must be asked, is written by itself, as by an update; but for stewards that can be asked for many at once
(`stewards.Bunching`). One that is refused is named, and the others are stored all the same.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from functools import cache, cached_property, partial
from typing import Any

from salus.base import clock
from salus.base.errors import Conflict, Damaged, Invalid, SalusError
from salus.records import drafts, joined
from salus.records.bodies import PLAIN
from salus.records.compartments import ALSO
from salus.records.desk import CREATE, Desk, subject_of
from salus.records.shapes import Outcome, Version
from salus.records.sheets import FIRST, Item, Sheet
from salus.records.shelves import COLUMNS
from salus.records.stewards import STEWARDED, Bunching

MOST = 500  # addresses looked up at once
Key = tuple[int, bytes | str]
Rows = list[tuple[Any, ...]]
Found = dict[Key, tuple[int, int]]  # row and version by address


def load(desk: Desk, items: Sequence[Item], sheet: Sheet, known: bool) -> list[Outcome]:
    """Write what a sheet of these items holds; the outcomes in the order of the items."""
    done = [Outcome(line, "refused", *items[line][:2], 0, issues) for line, issues in sheet.refused]
    keys = [desk.kinds.key(type, id) for type, id in zip(sheet.types, sheet.ids, strict=True)]
    found, stands = looked_up(desk, keys), cache(partial(same, desk, sheet, sheet.form))
    new = new_ones(sheet, keys, found, STEWARDED | desk.stewards.keys(), of_replaced(desk, sheet))
    admitted, refused = together(desk, items, sheet, keys, found, stands)
    new = sorted(new + admitted)
    Load(desk, sheet, keys, found, new).write()
    done += [Outcome(sheet.lines[n], "created", sheet.types[n], sheet.ids[n], FIRST) for n in new]
    done += [refusal(sheet.lines[n], items[sheet.lines[n]], fault) for n, fault in refused.items()]
    if others := set(range(len(keys))).difference(new, refused):
        desk.flush()
        done += [
            Outcome(sheet.lines[n], "unchanged", sheet.types[n], sheet.ids[n], version)
            if (version := stands(n))
            else one_by_one(desk, sheet.lines[n], items[sheet.lines[n]], known)
            for n in sorted(others)
        ]
    return sorted(done, key=lambda outcome: outcome.line)


def of_replaced(desk: Desk, sheet: Sheet) -> set[int]:
    """The numbers of the resources that name a patient for whom another stands (`joined`): each is written by itself.
    In a store where nobody was joined, and a sheet that joins nobody, it is one question for all."""
    brings = any(path == ALSO for path, *_ in sheet.rows["ref"])
    if not brings and desk.connection.execute(joined.ANY).fetchone() is None:
        return set()
    people = {n: desk.kinds.key("Patient", id) for n, (type, id) in enumerate(sheet.targets, 1) if type == "Patient"}
    found = desk.connection.each("SELECT row, subject FROM resource WHERE type=? AND id=?", [*people.values()])
    led = {n for n, line in zip(people, found, strict=True) if line and joined.is_led(*line)}
    marked = {n for path, _, n in sheet.rows["ref"] if path == ALSO}
    return {n for n, subjects in enumerate(sheet.subjects) if n in marked or led.intersection(subjects)}


def new_ones(
    sheet: Sheet, keys: list[Key], found: Found, stewarded: Set[str], apart: Set[int] = frozenset()
) -> list[int]:
    """The numbers of the resources at whose address nothing stands, nor one of this sheet, and of whose writing no
    steward has to be asked, nor stand they `apart`."""
    taken = {key for key, (_, version) in found.items() if version}
    new = []
    for n, key in enumerate(keys):
        if key not in taken and sheet.types[n] not in stewarded and n not in apart:
            taken.add(key)
            new.append(n)
    return new


def together(
    desk: Desk, items: Sequence[Item], sheet: Sheet, keys: list[Key], found: Found, stands: Callable[[int], int]
) -> tuple[list[int], dict[int, SalusError]]:
    """The numbers of the new resources whose stewards were asked for many at once, and admit them; and those that they
    refuse, with why. In the order of the list, up to the first that is to be asked for alone."""
    admitted: list[int] = []
    refused: dict[int, SalusError] = {}
    for type, steward in desk.stewards.items():
        if isinstance(steward, Bunching) and not steward.looks_at.intersection(sheet.types):
            some = leading(sheet, type, keys, found, stands)
            faults = steward.admit_many(desk, [(sheet.ids[n], items[sheet.lines[n]][2]) for n in some])
            told = list(zip(some, faults, strict=False))
            admitted += [n for n, fault in told if fault is None]
            refused |= {n: fault for n, fault in told if fault}
    return admitted, refused


def leading(sheet: Sheet, type: str, keys: list[Key], found: Found, stands: Callable[[int], int]) -> list[int]:
    """The numbers of the resources of a type at whose address nothing stands, nor one of this sheet, up to the first
    that would be a new version."""
    taken, made = {key for key, (_, version) in found.items() if version}, list[int]()
    for n in (n for n, each in enumerate(sheet.types) if each == type):
        if keys[n] not in taken:
            taken.add(keys[n])
            made.append(n)
        elif not stands(n):
            break
    return made


def same(desk: Desk, sheet: Sheet, form: int, n: int) -> int:
    """The current version at the address of a resource if it says the same, else 0: most of what is brought again.
    `form`: what its body was pressed in."""
    type, id = sheet.types[n], sheet.ids[n]
    if type in STEWARDED or not isinstance(desk.stewards.get(type), Bunching | None):
        return 0
    try:
        made = desk.press.expanded(desk.connection, form, sheet.bodies[n])
    except Damaged:  # that dictionary was erased meanwhile
        return 0
    content = made[len(drafts.head(type, id, FIRST, clock.instant(clock.of_millis(sheet.ts)))) :]
    return desk.version_of(type, id, content)


def one_by_one(desk: Desk, line: int, item: Item, known: bool) -> Outcome:
    type, id, body = item
    try:
        return outcome_of(line, desk.update(drafts.addressed(body, type, id), known=known))
    except (Invalid, Conflict) as fault:  # of a steward, or of what was signed: before anything of it is written
        return refusal(line, item, fault)


def refusal(line: int, item: Item, fault: SalusError) -> Outcome:
    return Outcome(line, "refused", *item[:2], 0, fault.issues)


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


class Lazily(dict[int, int]):
    """Numbers of the store for those of the sheet; 0 is 0."""

    def __init__(self, look: Callable[[int], int]) -> None:
        super().__init__({0: 0})
        self._look = look

    def __missing__(self, number: int) -> int:
        found = self[number] = self._look(number - 1)
        return found


class Load:
    """The writing of those resources of a sheet that are `new`. `keys`: the addresses of all."""

    def __init__(self, desk: Desk, sheet: Sheet, keys: list[Key], found: Found, new: list[int]) -> None:
        self._desk, self._sheet, self._keys, self._new = desk, sheet, keys, new
        self._rows = {n: found[keys[n]][0] if keys[n] in found else desk.ledger.next_row() for n in new}
        self._codes = Lazily(lambda c: desk.names.codes[sheet.codes[c]])
        self._targets = Lazily(lambda target: desk.aimed(*sheet.targets[target]))

    def write(self) -> None:
        desk, sheet = self._desk, self._sheet
        if not desk.stand_at(sheet.ts, sheet.salt) or not self._is_pressed_well():
            self._stamp_anew()
        for n, row in self._rows.items():
            desk.know(sheet.types[n], sheet.ids[n], row)
        if len(self._new) == len(self._keys):
            desk.names.learn(sheet.codes)
            self._look_up_targets()
        for table, placed in PLACED.items():
            made = sheet.rows[table]
            if len(self._new) < len(self._keys):
                made = [row for row in made if row[ROW[table]] in self._rows]
            desk.shelves.put(table, placed(made, self._rows, self._codes, self._targets))
        self._store()
        desk.changes += [(n, row, FIRST, CREATE) for n, row in self._rows.items()]
        desk.digests += [sheet.digests[n] for n in self._new]
        desk.next = len(self._keys)

    def _store(self) -> None:
        desk, sheet, t = self._desk, self._sheet, self._desk.t
        lines: Rows = []
        for n, row in self._rows.items():
            key, date = self._keys[n], sheet.dates[n]
            patients = {self._targets[target] for target in sheet.subjects[n]}
            columns = (FIRST, t, t, 1, date, sheet.form, sheet.bodies[n], subject_of(patients))
            desk.waiting.append((row, *key, *columns))
            bunch = self._bunches[sheet.bunch[n]]
            lines += [(patient, key[0], date, row, bunch, int(sheet.withheld[n])) for patient in patients]
        desk.shelves.put("line", lines)

    @cached_property
    def _bunches(self) -> Lazily:
        names, codes, bunches = self._desk.names, self._codes, self._sheet.bunches
        return Lazily(lambda bunch: names.bunch(tuple((path, codes[c]) for path, c in bunches[bunch])))

    def _look_up_targets(self) -> None:
        """The rows of all targets that are not in the sheet, asked for together."""
        desk, names = self._desk, self._sheet.targets
        unknown = {desk.kinds.target(*name): name for name in names if not desk.knows(*name)}
        for key, (row, _) in looked_up(desk, unknown).items():
            desk.know(*unknown[key], row)
            del unknown[key]
        for key, name in unknown.items():
            desk.know(*name, desk.lay_target(key))

    def _is_pressed_well(self) -> bool:
        """Whether the dictionary that was used is still there."""
        form, sql = self._sheet.form, "SELECT 1 FROM dictionary WHERE form=?"
        known = form != PLAIN and self._desk.connection.execute(sql, (form,)).fetchone() is not None
        return known or form == self._desk.press.form

    def _stamp_anew(self) -> None:
        """Other writers came first, or there is a dictionary only now: the bodies as of now."""
        desk, sheet = self._desk, self._sheet
        instant = clock.instant(desk.at).encode()
        for n in self._new:
            body = desk.press.expanded(desk.connection, sheet.form, sheet.bodies[n])
            begin = len(drafts.head(sheet.types[n], sheet.ids[n], FIRST, ""))
            body = b"".join((body[:begin], instant, body[begin + len(instant) :]))
            sheet.bodies[n] = desk.press.pressed(body)
            sheet.digests[n] = desk.digest(n, CREATE, self._keys[n], FIRST, body)
        sheet.form = desk.press.form


Numbers = Mapping[int, int]
ROW = {table: names.index("row") for table, names in COLUMNS.items()}
# The rows of a table with the store's numbers in the place of the sheet's.
PLACED: dict[str, Callable[[Rows, Numbers, Numbers, Numbers], Rows]] = {
    "token": lambda made, rows, codes, targets: [(path, codes[c], rows[n]) for path, c, n in made],
    "ref": lambda made, rows, codes, targets: [(path, targets[target], rows[n]) for path, target, n in made],
    "dates": lambda made, rows, codes, targets: [(path, low, high, rows[n]) for path, low, high, n in made],
    "quantity": lambda made, rows, codes, targets: [(path, value, codes[c], rows[n]) for path, value, c, n in made],
    "number": lambda made, rows, codes, targets: [(path, value, rows[n]) for path, value, n in made],
    "string": lambda made, rows, codes, targets: [(path, text, rows[n], exact) for path, text, n, exact in made],
}
