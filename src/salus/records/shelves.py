"""Where the search finds a resource again: one row a value in each index table."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

from salus import fhir
from salus.records.engines import Connection, Statement

Row = tuple[object, ...]
Codes = tuple[tuple[int, int], ...]
Breathe = Callable[[], None]


class Numbers(Protocol):
    """What knows the number of a name: of a code in its system, of an id in its type."""

    def __getitem__(self, name: tuple[str | None, str], /) -> int: ...


COLUMNS = {
    "token": ("path", "code", "row"),
    "ref": ("path", "target", "row"),
    "dates": ("path", "low", "high", "row"),
    "quantity": ("path", "value", "code", "row"),
    "number": ("path", "value", "row"),
    "string": ("path", "text", "row", "exact"),
    "line": ("subject", "type", "date", "row", "bunch", "withheld"),
}
KEYS = COLUMNS | {"line": ("subject", "type", "date", "row")}
PUT = {
    table: f"INSERT INTO {table}({','.join(names)}) VALUES({','.join('?' * len(names))}) ON CONFLICT DO NOTHING"
    for table, names in COLUMNS.items()
}
TAKE = {table: f"DELETE FROM {table} WHERE {' AND '.join(f'{n}=?' for n in names)}" for table, names in KEYS.items()}
LONGEST = 200  # characters of a string that are searched


def rows(indexed: fhir.Indexed, row: int, codes: Numbers, targets: Numbers) -> Iterator[tuple[str, list[Row]]]:
    """For each table the rows of one resource, the tokens first."""
    tokens: list[Row] = [(path, codes[system, code], row) for path, system, code in indexed.tokens]
    if indexed.uris:
        tokens += [(path, codes[None, uri], row) for path, uri in indexed.uris]
    yield "token", tokens
    yield "ref", [(path, targets[kind, id], row) for path, kind, id in indexed.references]
    yield "dates", [(path, low, high, row) for path, low, high in indexed.dates]
    if indexed.quantities:
        yield "quantity", [(p, v, 0 if u is None else codes[s, u], row) for p, v, s, u in indexed.quantities]
    if indexed.numbers:
        yield "number", [(*number, row) for number in indexed.numbers]
    if indexed.strings:
        yield "string", [(p, t[:LONGEST], row, "" if t == e else e[:LONGEST]) for p, t, e in indexed.strings]


def names(found: Iterable[fhir.Indexed]) -> Iterator[tuple[str | None, str]]:
    """The systems and codes of all that `rows` will number."""
    for indexed in found:
        yield from ((system, code) for _, system, code in indexed.tokens)
        yield from ((None, uri) for _, uri in indexed.uris)
        yield from ((system, unit) for _, _, system, unit in indexed.quantities if unit is not None)


def codes_of(type: str, tokens: Iterable[Any]) -> Codes:
    """What a resource's rows of tokens say in codes that others may share: (path, code), some perhaps twice."""
    coded = fhir.coded(type)
    return tuple([(path, code) for path, code, _ in tokens if path in coded])


class Shelves:
    """Collects index rows and puts them in key order, table by table: that is several times faster than one by one."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._waiting: dict[str, list[Row]] = {table: [] for table in COLUMNS}

    def put(self, table: str, made: Iterable[Row]) -> None:
        self._waiting[table].extend(made)

    def take(self, table: str, gone: Iterable[Row]) -> None:
        """Remove rows at once."""
        self._connection.executemany(TAKE[table], gone)

    def waiting(self) -> Iterator[Statement]:
        for table, rows in self._waiting.items():
            if rows:
                rows.sort()
                yield PUT[table], rows

    def written(self) -> None:
        """What was waiting stands in the tables."""
        for rows in self._waiting.values():
            rows.clear()

    def sweep(self, row: int) -> None:
        """Remove every row of a resource, whatever it was indexed by: slow, for bodies that no longer decode."""
        for table in COLUMNS:
            self._connection.execute(f"DELETE FROM {table} WHERE row=?", (row,))
