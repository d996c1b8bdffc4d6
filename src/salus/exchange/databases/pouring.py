"""The store's resources into DuckDB, each with the row that it came from, so that tables can be made of them."""

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from urllib.parse import unquote

import duckdb
import orjson
import pyarrow as pa

from salus.base.errors import Conflict
from salus.exchange.databases.layout import Layout
from salus.exchange.databases.macros import BASE, COLUMNS
from salus.records import Records
from salus.records.walks import bodies

MADE = """
CREATE SCHEMA own;
CREATE TABLE own.resources(type VARCHAR, reference VARCHAR, site VARCHAR, name VARCHAR, key BIGINT,
    r JSON, beside MAP(VARCHAR, VARCHAR));
CREATE TABLE own.rows(name VARCHAR, key BIGINT, came BOOLEAN, reference VARCHAR, r JSON, beside MAP(VARCHAR, VARCHAR));
CREATE TABLE own.keys(name VARCHAR, reference VARCHAR, key BIGINT);
"""
POURED = """
INSERT INTO own.resources SELECT type, reference, site, name, key, CAST(r AS JSON), map(names, said) FROM poured
"""
SHAPE = pa.schema(
    [
        ("type", pa.string()),
        ("reference", pa.string()),
        ("site", pa.string()),
        ("name", pa.string()),
        ("key", pa.int64()),
        ("r", pa.string()),
        ("names", pa.list_(pa.string())),
        ("said", pa.list_(pa.string())),
    ]
)
CAME = "INSERT INTO own.rows SELECT name, key, TRUE, reference, r, beside FROM own.resources WHERE name IS NOT NULL"
# numbers after the highest that came in; a row of a type that the table itself makes never becomes another table's
ADDED = """
INSERT INTO own.rows SELECT '{name}', (SELECT coalesce(max(key), 0) FROM own.rows WHERE name = '{name}')
    + row_number() OVER (ORDER BY reference), FALSE, reference, r, map() FROM own.resources
WHERE type = '{type}' AND ({wanted}) AND (name IS NULL OR {other})
"""
Progress = Callable[[int, int, str], None]
Resource = dict[str, Any]


class Origin(NamedTuple):
    """The row of a source that a resource came from."""

    site: str
    name: str
    key: int


def types_of(layout: Layout) -> list[str]:
    """The types that the layout knows as rows, each once."""
    made = [one.type for table in layout.tables for one in table.resources]
    return list(dict.fromkeys([*made, *(one.type for table in layout.tables for one in table.back)]))


def pour(connection: duckdb.DuckDBPyConnection, records: Records, layout: Layout, site: str, tell: Progress) -> str:
    """All resources of the layout's types into `own.resources`, of one moment; the site whose rows they are.

    Raises Conflict where rows of several sites are there and nobody said which.
    """
    connection.execute(MADE)
    types = types_of(layout)
    counts = records.store.count()
    done, total = 0, sum(counts.get(type, 0) for type in types)
    find = finder(layout)
    with records.store.readers.one() as reader, reader.snapshot():
        for type in types:
            for batch in bodies(reader, type, of_patients=False):
                tell(done, total, type)
                connection.register("poured", poured(batch, find))
                connection.execute(POURED)
                done += len(batch)
    tell(total, total, "")
    return chosen(connection, site)


def chosen(connection: duckdb.DuckDBPyConnection, site: str) -> str:
    """Leave only the rows of a site. Raises Conflict."""
    rows = connection.execute("SELECT DISTINCT site FROM own.resources WHERE site IS NOT NULL ORDER BY 1").fetchall()
    sites = [row[0] for row in rows]
    if site:
        connection.execute("DELETE FROM own.resources WHERE site IS DISTINCT FROM ?", (site,))
    elif len(sites) > 1:
        raise Conflict(f"The store holds rows of {', '.join(sites)}: say of which with --site", path="--site")
    return site or (sites[0] if sites else "salus")


def finder(layout: Layout) -> Callable[[Resource], Origin | None]:
    """Finds the row that a resource came from, by its identifier."""
    names = "|".join(re.escape(table.name) for table in layout.tables)
    pattern = re.compile(rf"{re.escape(f'{BASE}/{layout.name}/')}([a-z0-9-]+)/({names})").fullmatch

    def find(resource: Resource) -> Origin | None:
        for identifier in resource.get("identifier", ()):
            found = pattern(identifier.get("system", ""))
            if found and identifier.get("value", "").lstrip("-").isdecimal():
                return Origin(found[1], found[2], int(identifier["value"]))
        return None

    return find


def poured(batch: list[bytes], find: Callable[[Resource], Origin | None]) -> pa.Table:
    """A batch as Arrow."""
    lines = [line for body in batch for line in lines_of(orjson.loads(body), find)]
    columns = list(zip(*lines, strict=True)) or [()] * len(SHAPE)
    return pa.table([pa.array(each, field.type) for each, field in zip(columns, SHAPE, strict=True)], schema=SHAPE)


def is_error(resource: Resource) -> bool:
    """Whether it was never so.

    >>> is_error({"verificationStatus": {"coding": [{"code": "entered-in-error"}]}}), is_error({"status": "final"})
    (True, False)
    """
    said = resource.get("verificationStatus")
    codes = [one.get("code") for one in said.get("coding", ())] if isinstance(said, dict) else []
    return "entered-in-error" in (resource.get("status"), *codes)


def lines_of(resource: Resource, find: Callable[[Resource], Origin | None]) -> Iterator[tuple[Any, ...]]:
    """What goes into `own.resources` of it; nothing of what was entered in error here."""
    origin = find(resource)
    if origin is None and is_error(resource):
        return
    reference = f"{resource['resourceType']}/{resource['id']}"
    names, said = beside(resource)
    for number, piece in enumerate((resource,) if origin else pieces(resource)):
        where = f"{reference}#{number}" if number else reference
        text = orjson.dumps(piece).decode()
        yield resource["resourceType"], where, *(origin or (None, None, None)), text, names, said


def pieces(resource: Resource) -> Iterator[Resource]:
    """An Observation of several values as one for each: a table has one value a row.

    >>> both = [{"code": "SBP", "valueInteger": 120}, {"code": "DBP", "valueInteger": 80}]
    >>> [(one["code"], one["valueInteger"]) for one in pieces({"code": "BP", "component": both})]
    [('SBP', 120), ('DBP', 80)]
    """
    parts = resource.get("component", [])
    whole = {name: one for name, one in resource.items() if name != "component"}
    if not parts or any(name.startswith("value") for name in whole):
        yield whole
    for part in parts:
        yield {name: one for name, one in whole.items() if not name.startswith("value")} | part


def beside(resource: Resource) -> tuple[list[str], list[str]]:
    """The columns that stand beside, and their values."""
    for extension in resource.get("extension", ()):
        if extension.get("url") == COLUMNS:
            pairs = {unquote(one["url"]): one.get("valueString", "") for one in extension.get("extension", ())}
            return list(pairs), list(pairs.values())
    return [], []


def number(connection: duckdb.DuckDBPyConnection, layout: Layout) -> None:
    """Which resource is which row of which table: as they came, and new numbers for what came otherwise."""
    connection.execute(CAME)
    for table in layout.tables:
        types = {one.type for one in table.resources}
        for back in table.back:
            other = "FALSE" if back.type in types else "TRUE"
            connection.execute(ADDED.format(name=table.name, type=back.type, wanted=back.wanted, other=other))
    connection.execute("INSERT INTO own.keys SELECT name, reference, min(key) FROM own.rows GROUP BY ALL")
