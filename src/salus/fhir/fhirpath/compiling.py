"""A tree becomes Python functions, once; running them needs no tree. Types and functions are checked on the way."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from salus.fhir.definitions import RESOURCE_TYPES, definitions
from salus.fhir.fhirpath import boundaries, collections, fhir, numbers, texts
from salus.fhir.fhirpath.nodes import BASES, Node, Quantity, kinds, resource, step
from salus.fhir.fhirpath.operators import LOGIC, OPERATIONS, logical, signed
from salus.fhir.fhirpath.scope import KNOWN, Code, Nodes, Scope, single
from salus.fhir.fhirpath.tokens import wrong
from salus.fhir.fhirpath.tree import Binary, Call, Constant, Indexer, Member, Sign, This, Tree, TypeTest, Variable
from salus.fhir.primitives import PRIMITIVES

EAGER = {**collections.EAGER, **texts.EAGER, **numbers.EAGER, **boundaries.EAGER, **fhir.EAGER}
LAZY = collections.LAZY
OF_TYPE = ("is", "as", "ofType", "getReferenceKey")
SYSTEM_TYPES = frozenset({"Boolean", "String", "Integer", "Decimal", "Date", "DateTime", "Time", "Quantity"})
WHOLE = {"resource": "resource", "rootResource": "root", "context": "context"}


class Compiler:
    """Compiles one expression; `text` is for the words of errors."""

    def __init__(self, text: str) -> None:
        self.text = text

    def code(self, tree: Tree) -> Code:
        return BUILDERS[type(tree)](self, tree)

    def guarded(self, at: int, run: Callable[..., Nodes], *codes: Code) -> Code:
        """The function of what the codes give; its TypeError becomes an Invalid that names the place."""

        first, second = (*codes, None, None)[:2]
        count = len(codes)

        def guard(scope: Scope, items: Nodes) -> Nodes:
            try:
                if count == 1:  # nearly always
                    return run(scope, first(scope, items))  # type: ignore[misc]
                if count == 2:
                    return run(scope, first(scope, items), second(scope, items))  # type: ignore[misc]
                return run(scope, *[code(scope, items) for code in codes])
            except TypeError as error:
                raise wrong(self.text, at, str(error)) from None
            except (ArithmeticError, ValueError):
                raise wrong(self.text, at, "the numbers are too large or too small to calculate with") from None

        return guard

    def constant(self, tree: Constant) -> Code:
        value: Any = Quantity((Decimal(tree.value), tree.unit)) if tree.unit else tree.value
        node = Node(tree.kind, value)
        return (lambda scope, items: [node]) if tree.kind else (lambda scope, items: [])

    def variable(self, tree: Variable) -> Code:
        name, text, at = tree.name, self.text, tree.at
        if name in WHOLE:
            return lambda scope, items: [getattr(scope, WHOLE[name])]
        fixed = KNOWN.get(name) or named_url(name)

        def run(scope: Scope, items: Nodes) -> Nodes:
            if name in scope.variables:
                return nodes_of(scope.variables[name])
            if fixed:
                return [Node("System.String", fixed)]
            raise wrong(text, at, f"%{name} is unknown here")

        return run

    def this(self, tree: This) -> Code:
        if tree.name == "$this":
            return lambda scope, items: scope.this
        if tree.name == "$index":
            return lambda scope, items: [Node("System.Integer", scope.index)]
        return lambda scope, items: scope.total

    def member(self, tree: Member) -> Code:
        name = tree.name
        of = self.code(tree.of) if tree.of else None
        if of is None and name[0].isupper():
            return lambda scope, items: [node for node in items if name in kinds(node.kind)]

        def run(scope: Scope, items: Nodes) -> Nodes:
            found: Nodes = []
            for node in of(scope, items) if of else items:
                step(node, name, found)
            scope.left -= len(found) + 1
            return found

        return run

    def indexer(self, tree: Indexer) -> Code:
        of, place = self.code(tree.of), self.code(tree.place)
        return self.guarded(
            tree.at, lambda scope, found, wanted: collections.at(found, wanted), of, lambda s, i: place(s, s.this)
        )

    def sign(self, tree: Sign) -> Code:
        return self.guarded(tree.at, lambda scope, items: signed(tree.sign, items), self.code(tree.of))

    def binary(self, tree: Binary) -> Code:
        left, right = self.code(tree.left), self.code(tree.right)
        if tree.operator in LOGIC:
            run = logical(tree.operator, left, right)
            return self.guarded(tree.at, lambda scope, items: run(scope, items), lambda scope, items: items)
        return self.guarded(tree.at, OPERATIONS[tree.operator], left, right)

    def type_test(self, tree: TypeTest) -> Code:
        return self.typed(tree.operator, self.type_named(tree.type, tree.at), self.code(tree.of), tree.at)

    def typed(self, operator: str, kind: str, of: Code, at: int) -> Code:
        if operator == "is":
            return self.guarded(at, lambda scope, items: is_of(items, kind), of)
        if operator == "getReferenceKey":
            return lambda scope, items: fhir.reference_key(of(scope, items), kind)
        return lambda scope, items: [node for node in of(scope, items) if is_a(node, kind)]

    def call(self, tree: Call) -> Code:
        of: Code = self.code(tree.of) if tree.of else lambda scope, items: items
        name, arguments, at = tree.name, tree.arguments, tree.at
        if name in fhir.UNSERVED:
            raise wrong(self.text, at, f"{name}() is not served: {fhir.UNSERVED[name]}")
        if name == "getReferenceKey" and not arguments:
            return lambda scope, items: fhir.reference_key(of(scope, items), None)
        if name in OF_TYPE and len(arguments) == 1:
            return self.typed(name, self.type_named(dotted(arguments[0]), at), of, at)
        if name not in EAGER and name not in LAZY:
            raise wrong(self.text, at, f"{name}() is no FHIRPath function that we know")
        function, least, most = EAGER[name] if name in EAGER else LAZY[name]
        if not least <= len(arguments) <= most:
            raise wrong(self.text, at, f"{name}() takes {least} to {most} arguments, not {len(arguments)}")
        codes = [self.code(argument) for argument in arguments]
        if name in LAZY:
            return self.guarded(at, lambda scope, items: function(scope, items, *codes), of)
        if not codes:
            return self.guarded(at, function, of)
        return self.guarded(at, function, of, *[of_this(code) for code in codes])

    def type_named(self, name: str, at: int) -> str:
        """The type's name: System types keep their prefix. Raises Invalid for one that R4 does not have."""
        space, _, bare = name.rpartition(".")
        if space in ("", "FHIR") and is_known(bare):
            return bare
        if space in ("", "System") and bare in SYSTEM_TYPES:
            return "System." + bare
        raise wrong(self.text, at, f"{name or 'this'} is no type: write one of R4, such as Quantity or dateTime")


def of_this(code: Code) -> Code:
    return lambda scope, items: code(scope, scope.this)


def dotted(tree: Tree) -> str:
    if isinstance(tree, Constant) and tree.kind == "System.String":
        return str(tree.value)
    if not isinstance(tree, Member):
        return ""
    return f"{dotted(tree.of)}.{tree.name}" if tree.of else tree.name


def is_known(name: str) -> bool:
    return name in definitions()["types"] or name in PRIMITIVES or name in RESOURCE_TYPES or name in BASES.values()


def is_a(node: Node, kind: str) -> bool:
    return kind in kinds(node.kind) or (kind == "Quantity" and node.kind == "System.Quantity")


def is_of(items: Nodes, kind: str) -> Nodes:
    node = single(items)
    return [] if node is None else [Node("System.Boolean", is_a(node, kind))]


def named_url(name: str) -> str | None:
    """%vs-... and %ext-...: value sets and extensions of HL7."""
    for prefix, url in (("vs-", "http://hl7.org/fhir/ValueSet/"), ("ext-", "http://hl7.org/fhir/StructureDefinition/")):
        if name.startswith(prefix):
            return url + name.removeprefix(prefix)
    return None


def nodes_of(value: Any) -> Nodes:
    """A variable's plain value, or values, as nodes."""
    if isinstance(value, Node):
        return [value]
    if isinstance(value, list):
        return [node for item in value for node in nodes_of(item)]
    return [] if value is None else [Node(plain_kind(value), value)]


def plain_kind(value: Any) -> str:
    if isinstance(value, dict):
        return resource(value).kind
    kinds = {bool: "Boolean", int: "Integer", float: "Decimal", Decimal: "Decimal"}
    return "System." + kinds.get(type(value), "String")


BUILDERS: dict[type, Callable[[Compiler, Any], Code]] = {
    Constant: Compiler.constant,
    Variable: Compiler.variable,
    This: Compiler.this,
    Member: Compiler.member,
    Call: Compiler.call,
    Indexer: Compiler.indexer,
    Sign: Compiler.sign,
    Binary: Compiler.binary,
    TypeTest: Compiler.type_test,
}
