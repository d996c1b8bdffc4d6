"""A source opened for a layout: its tables as views with the layout's columns and types, its vocabulary, its words."""

import re
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from salus.analytics.sources import read_layout
from salus.analytics.sources.bringing import KEY
from salus.analytics.sources.tables import Place, quoted, tables_of
from salus.base.errors import Invalid
from salus.codes.units import parse
from salus.exchange.databases.layout import Column, Layout, Table
from salus.exchange.databases.macros import BASE, BOTH_WAYS, OHDSI

WORDS = ("concept_code", "concept_name", "vocabulary_id", "concept_class_id", "standard_concept")
CONCEPTS = f"""
CREATE TABLE own.concepts AS SELECT TRY_CAST(concept_id AS BIGINT) AS concept_id,
    {", ".join(f"any_value({word}) AS {word}" for word in WORDS)}, any_value(s.system) AS system
FROM (FROM {{concept}} UNION ALL BY NAME
    SELECT {", ".join(f"CAST(NULL AS VARCHAR) AS {word}" for word in WORDS)} WHERE FALSE)
LEFT JOIN own.systems s USING (vocabulary_id) GROUP BY 1
"""
NO_CONCEPTS = (
    f"CREATE TABLE own.concepts(concept_id BIGINT, {', '.join(f'{word} VARCHAR' for word in WORDS)}, system VARCHAR)"
)
Sentences = tuple[str, ...]


@dataclass(slots=True)
class Source:
    """`raw`: table -> what stands in FROM; `extra`: table -> columns that the layout does not know."""

    connection: duckdb.DuckDBPyConnection
    layout: Layout
    raw: dict[str, str]
    site: str = ""
    extra: dict[str, list[str]] = field(default_factory=dict)
    unread: dict[str, dict[str, int]] = field(default_factory=dict)

    def has(self, table: Table) -> bool:
        return table.name in self.raw

    def one(self, sql: str) -> tuple[object, ...]:
        """The first row. Raises Invalid where an expression of the layout does not fit the source."""
        try:
            return self.connection.execute(sql).fetchall()[0]
        except duckdb.Error as fault:
            raise Invalid(f"{self.layout.name}: {str(fault).splitlines()[0]}", path="layout") from None


def opened(
    connection: duckdb.DuckDBPyConnection, source: Place, layout: Layout, room: Path, site: str, zone: str
) -> Source:
    """Raises Missing, Malformed, and Invalid where the source is not laid out so."""
    connection.execute("SET TimeZone = 'UTC'")
    wanted = {"concept", *(table.name for table in layout.tables)}
    found = Source(connection, layout, tables_of(connection, source, room, wanted.__contains__))
    lacking = [name for name in layout.first if name not in found.raw]
    if lacking:
        raise Invalid(f"{source.name} has no {', '.join(lacking)}: it is not laid out as {layout.name}", path="layout")
    connection.execute("CREATE SCHEMA own")
    connection.execute("CREATE SCHEMA came")
    connection.execute(KEY)
    for table in layout.tables:
        settle(found, table)
        lay(found, table)
    found.site = slug(site or said_site(found) or layout.name)
    tell(connection, layout, found.site, zone)
    concepts(connection, layout, found.raw.get("concept"))
    units(found)
    return found


def tell(connection: duckdb.DuckDBPyConnection, layout: Layout, site: str, zone: str) -> None:
    """What the macros ask for by name."""
    told = {"site": site, "zone": zone, "base": f"{BASE}/{layout.name}/{site}", "ohdsi": OHDSI}
    for name, value in told.items():
        connection.execute(f"SET VARIABLE {name} = {quoted(value)}")


def speak(connection: duckdb.DuckDBPyConnection, sentences: Sentences) -> None:
    """Teach the macros. Raises Invalid for one that is no SQL."""
    for sentence in sentences:
        try:
            connection.execute(f"CREATE TEMP MACRO {sentence}")
        except duckdb.Error as fault:
            raise Invalid(f"macro {sentence[:60]}: {str(fault).splitlines()[0]}", path="macros") from None


def slug(text: str) -> str:
    """A name that can stand in an id.

    >>> slug("St. Mary's / ICU"), slug("康城")
    ('st-mary-s-icu', 'u5eb7-57ce')
    """
    plain = "".join(one if one.isascii() else f"-{ord(one):x}" for one in text.lower())
    made = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    return (made if text.isascii() else f"u{made}")[:20].strip("-") or "source"


def said_site(found: Source) -> str:
    """What the source calls itself."""
    if not found.layout.site:
        return ""
    rows = found.connection.execute(found.layout.site).fetchall()
    return str(rows[0][0] or "") if rows else ""


def settle(found: Source, table: Table) -> None:
    """Read a text file once only: it is asked several times, and DuckDB's reader would cast ahead of TRY_CAST."""
    place = found.raw.get(table.name, "")
    if place.startswith("read_csv"):
        found.connection.execute(f'CREATE TABLE came."{table.name}" AS FROM {place}')
        found.raw[table.name] = f'came."{table.name}"'


def lay(found: Source, table: Table) -> None:
    """The view of a table: the layout's columns in their types, its others as text; empty where the source has none."""
    columns = table.parsed()
    if table.name not in found.raw:
        nothing = ", ".join(f'CAST(NULL AS {column.type}) AS "{column.name}"' for column in columns)
        found.connection.execute(f'CREATE TEMP VIEW "{table.name}" AS SELECT {nothing} WHERE FALSE')
        return
    there = described(found.connection, found.raw[table.name])
    known = {column.name for column in columns}
    found.extra[table.name] = [name for name in there if name not in known]
    shown = [typed(column, there) for column in columns]
    shown += [f"key_text({named(name)}) AS {named(name)}" for name in found.extra[table.name]]
    view = f'CREATE TEMP VIEW "{table.name}" AS SELECT {", ".join(shown)} FROM {found.raw[table.name]}'
    found.connection.execute(view)
    found.unread[table.name] = unreadable(found, table, columns, there)


def named(column: str) -> str:
    """A column of a source, whatever it is called.

    >>> named('it is "odd"')
    '"it is ""odd""\"'
    """
    return '"' + column.replace('"', '""') + '"'


def described(connection: duckdb.DuckDBPyConnection, place: str) -> dict[str, str]:
    """Column (lower case) -> type."""
    return {row[0].lower(): row[1] for row in connection.execute(f"DESCRIBE SELECT * FROM {place}").fetchall()}


def typed(column: Column, there: dict[str, str]) -> str:
    """The column as the layout wants it."""
    name = f'"{column.name}"'
    if column.name not in there:
        return f"CAST(NULL AS {column.type}) AS {name}"
    if there[column.name] == column.type:
        return name
    return f"TRY_CAST(key_text({name}) AS {column.type}) AS {name}"


def unreadable(found: Source, table: Table, columns: list[Column], there: dict[str, str]) -> dict[str, int]:
    """How many values of a column are not of its type."""
    asked = [one for one in columns if there.get(one.name) == "VARCHAR" and one.type != "VARCHAR"]
    if not asked:
        return {}
    bad = ", ".join(
        f"""count(*) FILTER (trim("{one.name}") <> '' AND TRY_CAST("{one.name}" AS {one.type}) IS NULL)"""
        for one in asked
    )
    counts = found.one(f"SELECT {bad} FROM {found.raw[table.name]}")
    return {column.name: int(str(count)) for column, count in zip(asked, counts, strict=True) if count}


def concepts(connection: duckdb.DuckDBPyConnection, layout: Layout, place: str | None) -> None:
    """`own.concepts`, with the FHIR system of each vocabulary; empty where there is no vocabulary."""
    connection.execute("CREATE TABLE own.systems(vocabulary_id VARCHAR, system VARCHAR)")
    if layout.systems:
        connection.executemany("INSERT INTO own.systems VALUES(?, ?)", list(layout.systems.items()))
    connection.execute(CONCEPTS.format(concept=place) if place else NO_CONCEPTS)


def units(found: Source) -> None:
    """`own.units`: each word for a unit that has a UCUM code."""
    found.connection.execute("CREATE TABLE own.units(said VARCHAR, ucum VARCHAR)")
    words: set[str] = set()
    for table in found.layout.tables:
        for column in table.units:
            rows = found.connection.execute(f'SELECT DISTINCT trim("{column}") FROM "{table.name}"').fetchall()
            words.update(row[0] for row in rows if row[0])
    given = read_layout(found.layout.units_of).units if found.layout.units_of else {}
    loose = {word.lower(): ucum for word, ucum in (given | found.layout.units).items()}
    known = {word: loose.get(word.lower()) or (word if is_ucum(word) else None) for word in words}
    pairs = [(word, ucum) for word, ucum in known.items() if ucum]
    if pairs:
        found.connection.executemany("INSERT INTO own.units VALUES(?, ?)", pairs)


def is_ucum(unit: str) -> bool:
    """
    >>> is_ucum("mg/dL"), is_ucum("furlong")
    (True, False)
    """
    try:
        parse(unit)
    except Invalid:
        return False
    return True


__all__ = ["BOTH_WAYS", "Source", "opened", "slug", "speak", "tell", "units"]
