"""Numbers for names: resource types, and codes with their system."""

from collections.abc import Callable, Iterable
from typing import Any

from salus.records.engines import Connection, Statement

MOST = 200_000  # names kept in memory
MOST_BUNCHES = 100_000  # of a store; after that, what is new has none
Codes = tuple[tuple[int, int], ...]
Name = tuple[str | None, str]


class Kinds:
    """Type names and their numbers; fixed when the store is laid."""

    def __init__(self, connection: Connection) -> None:
        self.names: dict[int, str] = dict(connection.execute("SELECT type, name FROM kind"))
        self.numbers = {name: number for number, name in self.names.items()}
        self.packed, self.plain = connection.packed, connection.plain

    def key(self, type: str, id: str) -> tuple[int, bytes | str]:
        """The address of a resource as the store has it."""
        return self.numbers[type], self.packed(id)

    def target(self, type: str | None, id: str) -> tuple[int, bytes | str]:
        """The address of what a reference names; what is of no type of ours stands under its URL."""
        number = self.numbers.get(type or "", 0)
        if number:
            return number, self.packed(id)
        return number, self.plain(f"{type}/{id}" if type else id)


class Known(dict[Name, int]):
    """Numbers of names; one that is not among them is looked up, once."""

    def __init__(self, look: Callable[[str | None, str], int]) -> None:
        self._look = look

    def __missing__(self, name: Name) -> int:
        number = self[name] = self._look(*name)
        return number


class Interning:
    """The writer's names. What a rolled-back transaction added is forgotten by `forget`.

    `codes[system, text]` is the number of a code in a system (None: no system), given if it is new.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.codes = Known(self._code)
        self._bunches: dict[Codes, int] = {}
        self._fresh: list[Any] = []  # keys of either
        self._last = 0
        self._last_bunch = 0
        self._named: list[tuple[int, str, int]] = []  # codes that are not written yet
        self._given: dict[str, int] = {}  # bunches that are not written yet
        self._bunched_codes: list[tuple[int, int, int]] = []
        self._erased: object = None

    def begin(self, erased: object, last: int, last_bunch: int) -> None:
        """Go on from the last numbers that were given, by any process; forget all when another has erased some."""
        if erased != self._erased:
            self.drop()
            self._erased = erased
        self._last, self._last_bunch = last, last_bunch

    def keep(self) -> None:
        """What was added stands: its transaction is committed."""
        self._fresh.clear()
        for known in (self.codes, self._bunches):
            if len(known) > MOST:
                known.clear()

    def mark(self) -> int:
        return len(self._fresh)

    def forget(self, mark: int = 0) -> None:
        """Forget what was added since `mark`."""
        for key in self._fresh[mark:]:
            self.codes.pop(key, None)
            self._bunches.pop(key, None)
        del self._fresh[mark:]
        self.written()

    def _code(self, system: str | None, text: str) -> int:
        number = self._number(0 if system is None else self.codes[None, system], text)
        self._fresh.append((system, text))
        return number

    def _number(self, system: int, text: str) -> int:
        found = self._connection.execute(FIND, (text, system)).fetchone()
        if found:
            return int(found[0])
        self._last += 1
        self._named.append((self._last, text, system))
        return self._last

    def learn(self, names: Iterable[Name]) -> None:
        """Look many up at once, where each question is a journey to another process."""
        if self._connection.local:
            return
        new = [name for name in names if name not in self.codes]
        self._learn([(None, text if system is None else system) for system, text in new])
        self._learn([name for name in new if name[0] is not None])

    def _learn(self, names: list[Name]) -> None:
        names = [name for name in dict.fromkeys(names) if name not in self.codes]
        keys = [(text, 0 if system is None else self.codes[None, system]) for system, text in names]
        for name, key, found in zip(names, keys, self._connection.each(FIND, keys), strict=True):
            if found is None:
                self._last += 1
                self._named.append((self._last, *key))
            self.codes[name] = found[0] if found else self._last
        self._fresh += names

    def waiting(self) -> list[Statement]:
        """The codes and bunches that were given numbers."""
        given = [(number, text) for text, number in self._given.items()]
        return [(KEEP, self._named), (KEEP_BUNCH, given), (KEEP_BUNCHED, self._bunched_codes)]

    def written(self) -> None:
        """What was waiting stands in the tables."""
        self._named.clear()
        self._given.clear()
        self._bunched_codes.clear()

    def bunch(self, codes: Codes) -> int:
        """The number of a set of (path, code), given if it is new; 0 where there are too many already."""
        number = self._bunches.get(codes)
        if number is None:
            number = self._bunches[codes] = self._bunched(tuple(sorted(set(codes))))
            self._fresh.append(codes)
        return number

    def _bunched(self, codes: Codes) -> int:
        text = told(codes)
        if text in self._given:
            return self._given[text]
        found = self._connection.execute("SELECT bunch FROM bunch WHERE codes=?", (text,)).fetchone()
        if found:
            return int(found[0])
        if self._last_bunch >= MOST_BUNCHES:
            return 0
        self._last_bunch += 1
        self._given[text] = self._last_bunch
        self._bunched_codes += [(path, code, self._last_bunch) for path, code in codes]
        return self._last_bunch

    def drop(self) -> None:
        """Forget all numbers: some of them may have been erased. Those given since are looked up again."""
        for sql, rows in self.waiting():
            self._connection.executemany(sql, rows)
        self.written()
        self.codes.clear()
        self._bunches.clear()
        self._fresh.clear()

    def begin_anew(self) -> None:
        """Forget all bunches, in the store too: everything is about to be indexed again."""
        self._connection.execute("DELETE FROM bunched")
        self._connection.execute("DELETE FROM bunch")
        self._bunches, self._last_bunch = {}, 0


FIND = "SELECT code FROM code WHERE text=? AND system=?"
KEEP = "INSERT INTO code(code, text, system) VALUES(?, ?, ?)"
KEEP_BUNCH = "INSERT INTO bunch(bunch, codes) VALUES(?, ?)"
KEEP_BUNCHED = "INSERT INTO bunched(path, code, bunch) VALUES(?, ?, ?)"


def told(codes: Codes) -> str:
    """A bunch as the store has it, to be found again.

    >>> told(((3, 17), (4, 9)))
    '3.17 4.9'
    """
    return " ".join(f"{path}.{code}" for path, code in codes)
