"""The source as syntax: what is called, given to names, imported and remarked in each module of Salus."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import salus

ROOT = Path(salus.__file__).parent
MARK = re.compile(r"# (told|carries): (.+)$")


@dataclass(eq=False)
class Module:
    path: Path
    tree: ast.Module = field(repr=False)
    lines: list[str] = field(repr=False)

    def __post_init__(self) -> None:
        """Each node once, with the one that it stands in."""
        self.nodes: list[ast.AST] = [self.tree]
        self.parents: dict[ast.AST, ast.AST] = {}
        for node in self.nodes:
            for child in ast.iter_child_nodes(node):
                self.parents[child] = node
                self.nodes.append(child)

    @cached_property
    def functions(self) -> dict[str, list[ast.FunctionDef]]:
        found = defaultdict(list)
        for node in self.nodes:
            if isinstance(node, ast.FunctionDef):
                found[node.name].append(node)
        return found

    @cached_property
    def constants(self) -> dict[str, ast.expr]:
        return {name: value for node in self.tree.body for name, value in assigned(node)}

    @cached_property
    def calls(self) -> dict[str, list[ast.Call]]:
        """By the name of what is called."""
        found = defaultdict(list)
        for node in self.nodes:
            if isinstance(node, ast.Call):
                found[name_of(node.func)].append(node)
        return found

    @cached_property
    def imports(self) -> dict[str, tuple[str, str]]:
        """name here -> (module, name there)."""
        return {
            one.asname or one.name: (node.module, one.name)
            for node in self.nodes
            if isinstance(node, ast.ImportFrom) and node.module
            for one in node.names
        }

    @cached_property
    def values(self) -> dict[ast.AST, dict[str, list[ast.expr]]]:
        """What each name of each function is given."""
        return {}

    def values_in(self, function: ast.AST) -> dict[str, list[ast.expr]]:
        if function not in self.values:
            found = self.values[function] = defaultdict(list)
            for node in ast.walk(function):
                for name, value in assigned(node):
                    found[name].append(value)
        return self.values[function]

    def above(self, node: ast.AST, kinds: type | tuple[type, ...]) -> Iterator[ast.AST]:
        while node := self.parents.get(node):
            if isinstance(node, kinds):
                yield node

    def marks(self, node: ast.AST) -> list[tuple[str, str]]:
        """The comments on the lines of a statement and right above it."""
        statement = next(self.above(node, ast.stmt), node)
        first = statement.lineno - 1 if not isinstance(statement, ast.FunctionDef | ast.ClassDef) else node.lineno - 1
        last = node.end_lineno or node.lineno
        while first and self.lines[first - 1].lstrip().startswith("#"):
            first -= 1
        return [found.groups() for line in self.lines[first:last] if (found := MARK.search(line))]


def assigned(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """What a statement gives to names; what a loop goes over is given with a star."""
    if isinstance(node, ast.Assign):
        for target in node.targets:
            yield from matched(target, node.value)
    elif isinstance(node, ast.For | ast.comprehension):
        for name, _ in matched(node.target, node.iter):
            yield name, ast.Starred(node.iter)
    elif isinstance(node, ast.AnnAssign | ast.NamedExpr | ast.AugAssign) and node.value:
        yield from matched(node.target, node.value)


def matched(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(target, ast.Name):
        yield target.id, value
    elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
        for one, its in zip(target.elts, value.elts, strict=True):
            yield from matched(one, its)
    elif isinstance(target, ast.Tuple):
        for one in target.elts:
            yield from matched(one, value)  # one of what is in it


def modules() -> list[Module]:
    found = []
    for path in sorted(ROOT.rglob("*.py")):
        source = path.read_text("utf-8")
        found.append(Module(path, ast.parse(source), source.splitlines()))
    return found


def name_of(func: ast.expr) -> str:
    return func.id if isinstance(func, ast.Name) else func.attr if isinstance(func, ast.Attribute) else ""


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def argument(call: ast.Call, place: int, name: str) -> ast.expr | None:
    named = next((one.value for one in call.keywords if one.arg == name), None)
    return named or (call.args[place] if 0 <= place < len(call.args) else None)
