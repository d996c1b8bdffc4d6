"""A view compiled: resource in, rows out. https://sql-on-fhir.org/ig/latest/processing-algorithm.html

A select is a function of a focus (a node), the resource around it, and the row number that %rowIndex tells. Selects
beside each other multiply their rows, branches of a union add theirs, a `forEach` without items leaves none.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, NamedTuple

from salus.analytics.views import swift
from salus.analytics.views.definition import Column, Definition, Select
from salus.analytics.views.paths import ROW, Path, kind_of, names_row, read_path, unknown_names
from salus.base.errors import Invalid
from salus.fhir.fhirpath import Node, plain
from salus.fhir.primitives import PRIMITIVES

Row = tuple[Any, ...]
Rows = list[Row]
Part = Callable[[Node, Node, int], Rows]
Foci = Callable[[Node, Node, int], list[Node]]
NOT_FHIR = (AttributeError, TypeError, KeyError)  # what plain code meets where FHIR would have something else
MOST = 100_000  # items gone through and rows made of one resource
DEEPEST = 200  # how far a `repeat` goes down


class Root(Node):
    """A resource, and how much may still be made of it."""

    __slots__ = ("left",)

    def __init__(self, kind: str, body: dict[str, Any]) -> None:
        super().__init__(kind, body)
        self.left = MOST


class Told(NamedTuple):
    """A column as the compiler sees it: `kind` is its R4 type as declared or found out, None where nobody knows."""

    column: Column
    path: Path
    kind: str | None


class Compiled(NamedTuple):
    """`empty`: the one row of a `forEachOrNull` that finds nothing."""

    run: Part
    empty: Row
    columns: tuple[Told, ...]


class RowCompiler:
    """Compiles the selects of one view. `notes` are names that look misspelt; `issues` what is wrong."""

    def __init__(self, definition: Definition) -> None:
        self.definition = definition
        self.notes: list[str] = []

    def view(self) -> Compiled:
        return self.select(self.definition.select, self.definition.resource)

    def path(self, text: str, at: str, kind: str | None) -> Path:
        found = read_path(text, at, self.definition.constants)
        self.notes += [f"{at}: {note}" for note in unknown_names(found.tree, kind)]
        return found

    def select(self, select: Select, kind: str | None) -> Compiled:
        paths = [self.path(text, f"{select.at}.{select.each}", kind) for text in select.paths]
        found = [foci(path, None if select.each == "repeat" else kind) for path in paths]
        kind = self.kind_within(select.each, paths, kind)
        told = tuple(self.column(column, kind) for column in select.columns)
        parts = [columns_part(told, kind)] if told else []
        parts += [self.select(inner, kind) for inner in select.selects]
        if select.unions:
            parts.append(union([self.select(branch, kind) for branch in select.unions]))
        return EACH[select.each](paths, found, together(parts))

    def kind_within(self, each: str, paths: list[Path], kind: str | None) -> str | None:
        """What a forEach finds; of a `repeat`, whatever its paths find in each other, nobody knows."""
        if not paths:
            return kind
        found = kind_of(paths[0].tree, kind) if len(paths) == 1 else None
        return found if each != "repeat" or kind_of(paths[0].tree, found) == found else None

    def column(self, column: Column, kind: str | None) -> Told:
        path = self.path(column.path, f"{column.at}.path", kind)
        return Told(column, path, column.type or kind_of(path.tree, kind))


def together(parts: list[Compiled]) -> Compiled:
    """Selects beside each other: every row of the one with every row of the next."""
    if len(parts) == 1:
        return parts[0]
    first, *rest = [part.run for part in parts]

    def run(node: Node, root: Node, index: int) -> Rows:
        rows = first(node, root, index)
        for part in rest:
            if not rows:
                return rows
            more = part(node, root, index)
            spend(root, len(rows) * len(more))
            rows = [row + other for row in rows for other in more]
        return rows

    empty = tuple(value for part in parts for value in part.empty)
    return Compiled(run, empty, tuple(told for part in parts for told in part.columns))


def spend(root: Node, count: int) -> None:
    """Count the items gone through and the rows made of one resource. Raises Invalid over `MOST`: beyond reason."""
    if isinstance(root, Root):
        root.left -= count
        if root.left < 0:
            raise Invalid(
                f"One resource gives more than {MOST:,} rows or items: lists beside or inside each other multiply, "
                "so put them into unionAll",
                path="ViewDefinition.select",
            )


def union(branches: list[Compiled]) -> Compiled:
    runs = [branch.run for branch in branches]

    def run(node: Node, root: Node, index: int) -> Rows:
        return [row for part in runs for row in part(node, root, index)]

    return Compiled(run, branches[0].empty, branches[0].columns)


def for_each(paths: list[Path], every: list[Foci], inner: Compiled) -> Compiled:
    found, part = every[0], inner.run

    def run(node: Node, root: Node, index: int) -> Rows:
        items = found(node, root, index)
        spend(root, len(items))
        return [row for i, item in enumerate(items) for row in part(item, root, i)]

    return inner._replace(run=run)


def for_each_or_null(paths: list[Path], every: list[Foci], inner: Compiled) -> Compiled:
    found, part, empty = every[0], inner.run, [inner.empty]

    def run(node: Node, root: Node, index: int) -> Rows:
        items = found(node, root, index)
        spend(root, len(items))
        return [row for i, item in enumerate(items) for row in part(item, root, i)] if items else empty

    return inner._replace(run=run)


def repeated(paths: list[Path], every: list[Foci], inner: Compiled) -> Compiled:
    """All that the paths find, and what they find in that, and so on: what is above stands before what is below."""
    part = inner.run

    def below(node: Node, root: Node, depth: int) -> Iterator[Node]:
        if depth > DEEPEST:
            raise Invalid(f"repeat goes more than {DEEPEST} levels down: does its path find itself?", path=paths[0].at)
        for found in every:
            items = found(node, root, 0)
            spend(root, len(items))
            for item in items:
                yield item
                yield from below(item, root, depth + 1)

    def run(node: Node, root: Node, index: int) -> Rows:
        return [row for i, item in enumerate(below(node, root, 1)) for row in part(item, root, i)]

    return inner._replace(run=run)


EACH: dict[str, Callable[[list[Path], list[Foci], Compiled], Compiled]] = {
    "": lambda paths, every, inner: inner,
    "forEach": for_each,
    "forEachOrNull": for_each_or_null,
    "repeat": repeated,
}


def foci(path: Path, kind: str | None) -> Foci:
    """The items that a forEach goes through."""
    items = swift.items_of(path.tree, kind) if kind else None

    def run(node: Node, root: Node, index: int) -> list[Node]:
        try:
            return items(node.value) if items else asked(path, node, root, index)
        except NOT_FHIR:
            return asked(path, node, root, index)

    return run


def condition(path: Path, kind: str) -> Callable[[Node], bool]:
    """A condition on resources. The function raises Invalid where the path gives something else than a boolean."""
    is_met = swift.condition_of(path.tree, kind)

    def run(node: Node) -> bool:
        if is_met:
            with suppress(*NOT_FHIR):
                return is_met(node.value)
        found = asked(path, node, node, 0)
        if len(found) > 1 or (found and type(found[0].value) not in (bool, type(None))):
            raise Invalid(f"{path.text[:100]!r} is no condition: add .exists(), or compare it", path=path.at)
        return bool(found and found[0].value)

    return run


def asked(path: Path, node: Node, root: Node, index: int) -> list[Node]:
    try:
        return path.expression.nodes(node, whole=root, variables={ROW: index})
    except Invalid as fault:
        raise Invalid(str(fault), path=path.at) from None


def values(path: Path, node: Node, root: Node, index: int) -> list[Any]:
    """What a path gives, as JSON has it, through the whole of FHIRPath."""
    return [value for item in asked(path, node, root, index) if (value := plain(item)) is not None]


def only(found: list[Any], name: str, at: str) -> Any:
    """The one value of a column, or None. Raises Invalid for several."""
    if len(found) > 1:
        raise Invalid(
            f"The column {name} gets {len(found)} values of one item: add .first(), or say collection: true", path=at
        )
    return found[0] if found else None


def of_path(told: Told) -> Callable[[Node, Node, int], Any]:
    """A column through the whole of FHIRPath."""
    path, column = told.path, told.column
    if column.collection:
        return lambda node, root, index: values(path, node, root, index)
    return lambda node, root, index: only(values(path, node, root, index), column.name, path.at)


def columns_part(told: tuple[Told, ...], kind: str | None) -> Compiled:
    """The columns of a select as one function; each as plain code where it can be."""
    slow = [of_path(one) for one in told]
    swift_part = plain_part(told, kind, slow) if kind else None

    def run(node: Node, root: Node, index: int) -> Rows:
        return [tuple([column(node, root, index) for column in slow])]

    # what has only the row number in it can be told where there is no item
    nothing = Node("Element", {})
    empty = tuple(
        column(nothing, nothing, 0) if names_row(one.path) else None for one, column in zip(told, slow, strict=True)
    )
    return Compiled(swift_part or run, empty, told)


def plain_part(told: tuple[Told, ...], kind: str, slow: list[Callable[[Node, Node, int], Any]]) -> Part | None:
    """The columns as generated code; None where none of them is plain. What is no valid FHIR goes the whole way."""
    writer = swift.Writer(kind)
    cells: list[str] = []
    names: dict[str, Any] = {"only": only}
    for number, (one, column) in enumerate(zip(told, slow, strict=True)):
        before, known = len(writer.lines), dict(writer.known)
        try:
            cells.append(cell(writer, one))
        except swift.NotPlain:
            del writer.lines[before:]
            writer.known = known
            names[f"c{number}"] = column
            cells.append(f"c{number}(node, root, i)")
    if len(names) == 1 + len(told):
        return None
    run = swift.written(["node", "root", "i"], [*writer.lines, f"return [({', '.join(cells)},)]"], names)

    def guarded(node: Node, root: Node, index: int) -> Rows:
        try:
            rows: Rows = run(node.value, node, root, index)
            return rows
        except NOT_FHIR:
            return [tuple([column(node, root, index) for column in slow])]

    return guarded


def cell(writer: swift.Writer, told: Told) -> str:
    """Python for the value of a column. Raises NotPlain."""
    slot = writer.slot(told.path.tree)
    if slot.kind not in PRIMITIVES:
        raise swift.NotPlain
    found = f"[z for z in {slot.name} if z is not None]"
    if told.column.collection:
        return found if slot.many else f"[] if {slot.name} is None else [{slot.name}]"
    return f"only({found}, {told.column.name!r}, {told.path.at!r})" if slot.many else slot.name
