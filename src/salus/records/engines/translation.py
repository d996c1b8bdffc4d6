"""Our SQL in PostgreSQL's words: marks, types of columns, and statements that take many rows at once.

https://www.postgresql.org/docs/current/sql-createtable.html
"""

import re
from dataclasses import dataclass
from functools import lru_cache

# Columns whose type is not said, or is said otherwise than meant; SQLite's indexes end with the row by themselves.
MEANT = {
    "alive INTEGER": "alive boolean",
    "id NOT NULL": "id bytea NOT NULL",
    "value)": 'value text COLLATE "C")',
    "ON resource(type) WHERE alive": "ON resource(type, row) WHERE alive",
}
TYPES = {
    "INTEGER": "bigint",
    "REAL": "double precision",
    "BLOB": "bytea",
    "TEXT": 'text COLLATE "C"',  # order by code points, as everywhere else
}
WORDS = re.compile(r"\b(?:INTEGER|REAL|BLOB|TEXT)\b")
MARK = re.compile(r"'(?:[^']|'')*'|\?(\d*)")
DRIVEN = re.compile(r"(?<![\w.+])((?:\w+\.)?(?:row|target|subject)) IN \(SELECT")
PARENTHESIS = re.compile(r"'(?:[^']|'')*'|[()]")
INSERT = re.compile(r"\s*INSERT INTO (\w+)\s*(?:\(([^)]*)\))?\s*VALUES\s*\((\s*\?(?:\s*,\s*\?)*)\s*\)(.*)", re.S)
DELETE = re.compile(r"\s*DELETE FROM (\w+) WHERE (\w+=\?(?: AND \w+=\?)*)\s*")

SELECT = re.compile(r"SELECT (\w+(?:, \w+)*) FROM (\w+) WHERE (\w+=\?(?: AND \w+=\?)*)")


@dataclass(frozen=True, slots=True)
class Batch:
    """A statement for many rows: what stands before and after the rows, and the columns of theirs (none: all)."""

    table: str
    columns: tuple[str, ...]
    before: str
    after: str


@lru_cache(4096)
def translated(sql: str) -> str:
    """
    >>> translated("SELECT row FROM past WHERE row=? AND body<>'?' LIMIT ?")
    "SELECT row FROM past WHERE row=$1 AND body<>'?' LIMIT $2"
    >>> translated("CREATE TABLE x(n INTEGER PRIMARY KEY, body BLOB) WITHOUT ROWID")
    'CREATE TABLE x(n bigint PRIMARY KEY, body bytea)'
    """
    if sql.lstrip().startswith(("CREATE", "ALTER")):
        return laid(sql)
    count = 0

    def mark(found: re.Match[str]) -> str:
        nonlocal count
        if found[1] is None:
            return found[0]
        count += 1
        return f"${found[1] or count}"

    return MARK.sub(mark, gathered(sql.replace(") some", ") found")))  # a word that PostgreSQL keeps for itself


def gathered(sql: str) -> str:
    """What drives a search is found first, whatever the planner thinks: it knows nothing yet of what was written a
    moment ago. (Where a column must not drive, our SQL says so: `Dialect.unindexed`.)

    >>> gathered("SELECT 1 FROM resource r WHERE r.row IN (SELECT row FROM ref WHERE target IN (1, 2)) AND r.alive")
    'SELECT 1 FROM resource r WHERE r.row=ANY(ARRAY(SELECT row FROM ref WHERE target IN (1, 2))) AND r.alive'
    """
    found = DRIVEN.search(sql)
    while found:
        end = closing(sql, found.end() - len("SELECT"))
        sql = f"{sql[: found.start()]}{found[1]}=ANY(ARRAY({sql[found.end() - len('SELECT') : end]})){sql[end + 1 :]}"
        found = DRIVEN.search(sql, found.start() + 1)
    return sql


def closing(sql: str, start: int) -> int:
    """Where the parenthesis closes that was open at `start`.

    >>> closing("(a (b) c) d", 1)
    8
    """
    depth = 1
    for found in PARENTHESIS.finditer(sql, start):
        depth += {"(": 1, ")": -1}.get(found[0], 0)
        if not depth:
            return found.start()
    return len(sql)


def laid(sql: str) -> str:
    for ours, theirs in MEANT.items():
        sql = sql.replace(ours, theirs)
    return WORDS.sub(lambda found: TYPES[found[0]], sql).replace(" WITHOUT ROWID", "")


@lru_cache(256)
def batch(sql: str) -> Batch | None:
    """The statement for many rows in the place of one that takes them one by one; None where there is no such.

    >>> batch("DELETE FROM ref WHERE path=? AND row=?").after
    ' AS given(path, row) WHERE ref.path=given.path AND ref.row=given.row'
    """
    if found := INSERT.fullmatch(sql):
        columns = tuple(name.strip() for name in (found[2] or "").split(",") if name.strip())
        named = f"({', '.join(columns)})" if columns else ""
        return Batch(
            found[1], columns, f"INSERT INTO {found[1]}{named} SELECT * FROM ", f" AS given {found[4].strip()}"
        )
    if found := DELETE.fullmatch(sql):
        table, columns, same = asked(found[1], found[2])
        return Batch(table, columns, f"DELETE FROM {table} USING ", f" AS given({', '.join(columns)}) WHERE {same}")
    if found := SELECT.fullmatch(sql):
        table, columns, same = asked(found[2], found[3])
        wanted = ", ".join(f"{table}.{name.strip()}" for name in found[1].split(","))
        after = f" WITH ORDINALITY AS given({', '.join(columns)}, place) JOIN {table} ON {same}"
        return Batch(table, columns, f"SELECT given.place, {wanted} FROM ", after)
    return None


def asked(table: str, conditions: str) -> tuple[str, tuple[str, ...], str]:
    """A table, the columns that are asked for a value, and that they have it."""
    columns = tuple(part.removesuffix("=?") for part in conditions.split(" AND "))
    return table, columns, " AND ".join(f"{table}.{name}=given.{name}" for name in columns)
