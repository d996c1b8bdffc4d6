"""Numbers for names: resource types, and codes with their system."""

from salus.records.engines import Connection

MOST = 200_000  # names kept in memory


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


class Interning:
    """The writer's names. What a rolled-back transaction added is forgotten by `forget`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._codes: dict[tuple[str | None, str], int] = {}
        self._fresh: list[tuple[str | None, str]] = []
        self._last = 0

    def begin(self) -> None:
        """Read the last number that was given, by any process."""
        self._last = self._connection.execute("SELECT coalesce(max(code), 0) FROM code").fetchone()[0]

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
        self._last += 1
        self._connection.execute("INSERT INTO code(code, text, system) VALUES(?, ?, ?)", (self._last, text, system))
        return self._last
