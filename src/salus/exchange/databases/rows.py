"""Rows as resources: DuckDB makes the JSON of many rows at once, here only what is empty is taken out of it."""

from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import quote

import duckdb
import orjson

from salus.analytics.sources.tables import quoted
from salus.base.errors import Invalid
from salus.exchange.databases.layout import Resources, Table
from salus.exchange.databases.macros import COLUMNS
from salus.exchange.databases.source import Source, named
from salus.exchange.shapes import Found, Item, Refusal
from salus.fhir.tags import SYNTHETIC

AT_ONCE = 2000  # rows


class Origin(NamedTuple):
    """The row that a thing came from; what a person is told of it."""

    table: str
    key: object

    def __str__(self) -> str:
        return f"{self.table}/{self.key}"


def items_of(source: Source, synthetic: bool) -> Iterator[Found]:
    """Every row of every table that the layout maps, in the order of their keys."""
    for table in source.layout.tables:
        if source.has(table):
            for resources in table.resources:
                yield from items_in(source, table, resources, synthetic)


def items_in(source: Source, table: Table, resources: Resources, synthetic: bool) -> Iterator[Found]:
    """Raises Invalid where an expression does not fit the table."""
    before: object = None
    counted = row_of(table.name, resources.type)
    for key, lacking, body in streamed(source, table, resources):
        where = Origin(table.name, "?" if key is None else key)
        if key is None:
            yield Refusal(str(where), counted, table.key, "The row has no key: give it one")
        elif key == before:
            yield Refusal(str(where), counted, table.key, f"{key} is the key of two rows: make them different")
        elif lacking:
            yield Refusal(str(where), counted, lacking, "The row must say this: mend it, and import again")
        else:
            yield item_of(resources.type, body, where, synthetic)
        before = key


def row_of(table: str, type: str) -> str:
    """The row of the report in which a thing is counted."""
    return f"{table} → {type}"


def item_of(type: str, body: str, where: Origin, synthetic: bool) -> Item:
    made = pruned(orjson.loads(body))
    if synthetic:
        made["meta"] = {"tag": [SYNTHETIC]}
    return Item(type, made["id"], orjson.dumps(made), where)


def streamed(source: Source, table: Table, resources: Resources) -> Iterator[tuple[object, str | None, str]]:
    """(key, what it lacks, JSON with much that is null)"""
    sql = statement(source, table, resources)
    try:
        for batch in source.connection.sql(sql).to_arrow_reader(AT_ONCE):
            yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)
    except duckdb.Error as fault:
        where = f"{table.name}.{resources.type}"
        raise Invalid(f"{where}: {str(fault).splitlines()[0]}", path=where) from None


def statement(source: Source, table: Table, resources: Resources) -> str:
    """What asks DuckDB for the resources of a table."""
    lacking = " ".join(f"WHEN NOT coalesce(({holds}), FALSE) THEN '{name}'" for name, holds in table.needs.items())
    return (
        f"SELECT ({table.key}) AS key, {f'CASE {lacking} END' if lacking else 'NULL'} AS lacking, "
        f"CAST(to_json({literal(elements(source, table, resources))}) AS VARCHAR) AS body "
        f"FROM {rows_of(table)} t WHERE {resources.wanted} ORDER BY 1"
    )


def rows_of(table: Table) -> str:
    """The table with its reckoned columns."""
    more = "".join(f', ({one}) AS "{name}"' for name, one in table.reckoned.items())
    return f'(SELECT *{more} FROM "{table.name}")'


def elements(source: Source, table: Table, resources: Resources) -> dict[str, Any]:
    """The elements as a tree: what the layout says, and what every resource of a row has."""
    own = f"{{'system': own_system('{table.name}'), 'value': CAST(({table.key}) AS VARCHAR)}}"
    said = dict(resources.elements)
    tree: dict[str, Any] = {
        "resourceType": f"'{resources.type}'",
        "id": f"own_id('{table.name}', CAST(({table.key}) AS VARCHAR))",
        "identifier": joined(f"[{own}]", said.pop("identifier", None)),
        "extension": joined(beside(source, table), said.pop("extension", None)),
    }
    for path, expression in said.items():
        *way, last = path.split(".")
        branch = tree
        for step in way:
            branch = branch.setdefault(step, {})
        branch[last] = expression
    return tree


def joined(first: str, more: str | None) -> str:
    """Two lists as one; as JSON, because their elements differ."""
    return f"[CAST(to_json({first}) AS JSON), CAST(to_json({more}) AS JSON)]" if more else f"[to_json({first})]"


def literal(tree: dict[str, Any]) -> str:
    """
    >>> literal({"a": "1", "b": {"c": "x"}})
    "{'a': (1), 'b': {'c': (x)}}"
    """
    pairs = (f"'{name}': {literal(one) if isinstance(one, dict) else f'({one})'}" for name, one in tree.items())
    return "{" + ", ".join(pairs) + "}"


def kept_beside(source: Source, table: Table) -> list[str]:
    """The columns that no element says."""
    return [column.name for column in table.parsed() if column.beside] + source.extra.get(table.name, [])


def beside(source: Source, table: Table) -> str:
    """The extension with what no element says."""
    each = ", ".join(
        f"{{'url': {quoted(quote(name))}, 'valueString': CASE WHEN trim(CAST(t.{named(name)} AS VARCHAR)) <> '' "
        f"THEN CAST(t.{named(name)} AS VARCHAR) END}}"
        for name in kept_beside(source, table)
    )
    if not each:
        return "NULL"
    return f"[{{'url': '{COLUMNS}', 'extension': list_filter([{each}], lambda one: one.valueString IS NOT NULL)}}]"


def pruned(tree: Any) -> Any:
    """Without null, without what is empty, extensions that say nothing; lists in lists (of `joined`) become one.

    >>> pruned({"a": None, "b": [{"c": None}], "d": {"e": 0}, "f": [[{"x": 1}], None, [{"x": 2}]]})
    {'d': {'e': 0}, 'f': [{'x': 1}, {'x': 2}]}
    """
    if isinstance(tree, dict):
        made = {name: kept for name, one in tree.items() if (kept := pruned(one)) is not None}
        return made if made.keys() - {"url"} else None
    if isinstance(tree, list):
        kept_ones = [kept for one in tree if (kept := pruned(one)) is not None]
        flat = [piece for one in kept_ones for piece in (one if isinstance(one, list) else (one,))]
        return flat or None
    return tree
