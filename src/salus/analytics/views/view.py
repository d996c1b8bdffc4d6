"""A view: what it is called, its columns, and the rows of a resource."""

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any

import pyarrow as pa

from salus.analytics.views import columns
from salus.analytics.views.definition import Definition, read_definition
from salus.analytics.views.rows import Root, Row, RowCompiler, Rows, Told, condition

Json = dict[str, Any]


class View:
    """Compiled once; `rows` may be called from any thread.

    >>> view = read_view({"resource": "Patient", "select": [{"column": [{"name": "id", "path": "id"}]}]})
    >>> view.rows({"resourceType": "Patient", "id": "7"})
    [('7',)]
    """

    def __init__(self, definition: Definition) -> None:
        self.definition = definition
        self.name, self.resource = definition.name, definition.resource
        compiler = RowCompiler(definition)
        self._where = [
            condition(compiler.path(text, at, self.resource), self.resource) for text, at in definition.where
        ]
        compiled = compiler.view()
        self._run = compiled.run
        self.columns: tuple[Told, ...] = compiled.columns
        self.notes: list[str] = compiler.notes  # names that look misspelt

    def rows(self, body: Json) -> Rows:
        """The rows of one resource, none of another type. Raises Invalid for a value that the view forbids."""
        if body.get("resourceType") != self.resource:
            return []
        node = Root(self.resource, body)
        if not all(is_met(node) for is_met in self._where):
            return []
        return self._run(node, node, 0)

    def all_rows(self, bodies: Iterable[Json]) -> Iterator[Row]:
        return (row for body in bodies for row in self.rows(body))

    @property
    def names(self) -> list[str]:
        """The columns in the order of the table."""
        return [told.column.name for told in self.columns]

    @cached_property
    def schema(self) -> pa.Schema:
        """The table as Arrow has it."""
        return columns.schema(self.columns)

    def table(self, rows: Iterable[Row]) -> pa.Table:
        """Rows as an Arrow table. Raises Invalid for a value that does not fit its column's type."""
        return columns.table(self.columns, self.schema, list(rows))


def read_view(document: bytes | Json, name: str = "view") -> View:
    """Raises Malformed, Invalid with every fault of the document."""
    return View(read_definition(document, name))
