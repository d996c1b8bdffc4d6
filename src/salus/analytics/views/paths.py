"""The expressions of a view: constants put in, compiled, and what type they give as far as that can be told.

https://sql-on-fhir.org/ig/latest/StructureDefinition-ViewDefinition.html#fhirpath
"""

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from salus.base.errors import Invalid
from salus.fhir.definitions import Element, definitions, elements
from salus.fhir.fhirpath import Expression
from salus.fhir.fhirpath.compiling import LAZY, Compiler, dotted, is_known
from salus.fhir.fhirpath.parsing import parse
from salus.fhir.fhirpath.scope import KNOWN
from salus.fhir.fhirpath.tokens import wrong
from salus.fhir.fhirpath.tree import Binary, Call, Constant, Indexer, Member, This, Tree, TypeTest, Variable

ROW = "rowIndex"  # %rowIndex: the place of the row in its forEach, from 0
OURS = {ROW, "resource", "rootResource", "context", *KNOWN}
SAME = frozenset({"where", "first", "last", "tail", "skip", "take", "single", "exclude", "intersect", "distinct"})
TOLD = {
    **dict.fromkeys(
        ("exists", "empty", "not", "all", "allTrue", "anyTrue", "allFalse", "anyFalse", "hasValue"), "boolean"
    ),
    **dict.fromkeys(("getResourceKey", "getReferenceKey", "join", "lower", "upper", "substring", "toString"), "string"),
    **dict.fromkeys(("count", "length", "toInteger", "indexOf"), "integer"),
    **dict.fromkeys(("toDecimal", "sqrt"), "decimal"),
}
OPERATORS = dict.fromkeys(("=", "!=", "~", "!~", "<", "<=", ">", ">=", "and", "or", "xor", "implies", "in"), "boolean")
Constants = Mapping[str, tuple[str, Any]]


class Path(NamedTuple):
    """A path of a view. `at`: where it stands in the document; `tree`: with the constants put in."""

    text: str
    at: str
    tree: Tree
    expression: Expression


def read_path(text: str, at: str, constants: Constants) -> Path:
    """Raises Invalid, naming the place, for what is no FHIRPath or names a constant that the view does not have."""
    try:
        tree = filled(parse(text), text, constants)
        return Path(text, at, tree, Expression(text, Compiler(text).code(tree)))
    except RecursionError:
        raise Invalid(f"{text[:100]!r} nests too deeply: write it flatter", path=at) from None
    except Invalid as fault:
        raise Invalid(str(fault), path=at) from None


def filled(tree: Any, text: str, constants: Constants) -> Any:
    """The tree with each constant in its place."""
    if isinstance(tree, Variable):
        if tree.name in constants:
            kind, value = constants[tree.name]
            return Constant("System." + kind, Decimal(str(value)) if kind == "Decimal" else value, "", tree.at)
        if tree.name not in OURS and not tree.name.startswith(("vs-", "ext-")):
            raise wrong(text, tree.at, f"%{tree.name} is no constant of this view: add it to ViewDefinition.constant")
        return tree
    if hasattr(tree, "_fields"):
        return tree._make([filled(part, text, constants) for part in tree])
    return tuple(filled(part, text, constants) for part in tree) if isinstance(tree, tuple) else tree


def parts_of(tree: Any) -> Iterator[Any]:
    """The tree and all that it is made of."""
    yield tree
    for part in tree if isinstance(tree, tuple) else ():
        if isinstance(part, tuple):
            yield from parts_of(part)


def names_row(path: Path) -> bool:
    return any(isinstance(part, Variable) and part.name == ROW for part in parts_of(path.tree))


def element_of(kind: str, name: str) -> tuple[Element, str] | None:
    """The element of a type by its name ("value", "valueQuantity", "given"), and its type: "" for a choice."""
    if kind not in definitions()["types"]:
        return None
    for element in elements(kind):
        if element.name.removesuffix("[x]") == name:
            return element, element.fields[0][1] if len(element.fields) == 1 else ""
        for field, type in element.fields:
            if field == name:
                return element, type
    return None


def kind_of(tree: Tree, kind: str | None) -> str | None:
    """The type of what a path gives from something of type `kind`; None where that cannot be told beforehand."""
    reader = KINDS.get(type(tree))
    return reader(tree, kind) if reader else None


def kind_of_member(tree: Member, kind: str | None) -> str | None:
    of = kind_of(tree.of, kind) if tree.of else kind
    if tree.of is None and tree.name == kind:
        return kind
    found = element_of(of, tree.name) if of else None
    return (found[1] or None) if found else None


def kind_of_call(tree: Call, kind: str | None) -> str | None:
    if tree.name in TOLD:
        return TOLD[tree.name]
    if tree.name in ("ofType", "as") and len(tree.arguments) == 1:
        return named(dotted(tree.arguments[0]))
    if tree.name == "extension":
        return "Extension"
    of = kind_of(tree.of, kind) if tree.of else kind
    return of if tree.name in SAME or (tree.name in BOUNDED and of != "integer") else None


def named(name: str) -> str | None:
    """A type by the name that an expression gives it."""
    bare = name.rpartition(".")[2]
    return bare if is_known(bare) else bare[:1].lower() + bare[1:] if bare else None


def kind_of_constant(tree: Constant, kind: str | None) -> str | None:
    return named(tree.kind) if tree.kind else None


def kind_of_binary(tree: Binary, kind: str | None) -> str | None:
    return OPERATORS.get(tree.operator)


BOUNDED = ("lowBoundary", "highBoundary")
KINDS: dict[type, Callable[[Any, str | None], str | None]] = {
    Member: kind_of_member,
    Call: kind_of_call,
    Constant: kind_of_constant,
    Binary: kind_of_binary,
    Indexer: lambda tree, kind: kind_of(tree.of, kind),
    This: lambda tree, kind: kind if tree.name == "$this" else "integer" if tree.name == "$index" else None,
    Variable: lambda tree, kind: "integer" if tree.name == ROW else None,
    TypeTest: lambda tree, kind: "boolean" if tree.operator == "is" else named(tree.type),
}


def unknown_names(tree: Tree, kind: str | None) -> Iterator[str]:
    """In words, each name that is no element of what stands before it, as far as that can be told."""
    if isinstance(tree, Binary):
        yield from unknown_names(tree.left, kind)
        yield from unknown_names(tree.right, kind)
    if not isinstance(tree, Member | Call | Indexer | TypeTest):
        return
    of = kind_of(tree.of, kind) if tree.of else kind
    if tree.of:
        yield from unknown_names(tree.of, kind)
    if isinstance(tree, Call) and tree.name in LAZY:
        for argument in tree.arguments:
            yield from unknown_names(argument, of)
    if not isinstance(tree, Member) or tree.name[0].isupper() or of not in definitions()["types"]:
        return
    if element_of(str(of), tree.name) is None:
        yield f"{of} has no element '{tree.name}'"
