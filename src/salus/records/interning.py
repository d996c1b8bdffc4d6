"""Numbers for names: resource types, and codes with their system."""

import sqlite3

MOST = 200_000  # names kept in memory


class Kinds:
    """Type names and their numbers; fixed when the store is laid."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.names: dict[int, str] = dict(connection.execute("SELECT type, name FROM kind"))
        self.numbers = {name: number for number, name in self.names.items()}


class Interning:
    """The writer's names. What a rolled-back transaction added is forgotten by `forget`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._codes: dict[tuple[str | None, str], int] = {}
        self._fresh: list[tuple[str | None, str]] = []

    def keep(self) -> None:
        """What was added stands: its transaction is committed."""
        self._fresh.clear()
        if len(self._codes) > MOST:
            self._codes.clear()

    def mark(self) -> int:
        return len(self._fresh)

    def forget(self, mark: int = 0) -> None:
        """Forget what was added since `mark`."""
        for key in self._fresh[mark:]:
            self._codes.pop(key, None)
        del self._fresh[mark:]

    def code(self, system: str | None, text: str) -> int:
        """The number of a code in a system (None: no system), given if it is new."""
        key = (system, text)
        number = self._codes.get(key)
        if number is None:
            number = self._codes[key] = self._number(0 if system is None else self.code(None, system), text)
            self._fresh.append(key)
        return number

    def _number(self, system: int, text: str) -> int:
        found = self._connection.execute("SELECT code FROM code WHERE text=? AND system=?", (text, system)).fetchone()
        if found:
            return int(found[0])
        made = self._connection.execute("INSERT INTO code(text, system) VALUES(?, ?)", (text, system))
        return made.lastrowid or 0
