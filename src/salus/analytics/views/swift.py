"""Plain paths as plain Python: the paths that most columns have, written out as code over the JSON itself.

`code.coding.where(system = 'http://loinc.org').code.first()` needs no nodes, no types and no scope at run time: the
types are known beforehand. What is not plain raises `NotPlain` and goes through the FHIRPath compiler, which is the
measure: a generative test holds the two against each other. Steps that several columns share are taken once.
"""

from collections.abc import Callable
from functools import lru_cache
from itertools import zip_longest
from typing import Any, NamedTuple, TypeGuard

from salus.analytics.views.paths import ROW, element_of, named
from salus.fhir.definitions import RESOURCE_TYPES
from salus.fhir.fhirpath import by_type
from salus.fhir.fhirpath.compiling import dotted
from salus.fhir.fhirpath.nodes import SYSTEM, Node, kinds
from salus.fhir.fhirpath.tree import Binary, Call, Constant, Indexer, Member, This, Tree, Variable
from salus.fhir.primitives import PRIMITIVES

REMEMBERED = 100_000  # references read once


class NotPlain(Exception):
    """This path needs the whole of FHIRPath."""


class Slot(NamedTuple):
    """A variable of the code: one JSON value or None, or (`many`) a list of them. `kind` is its R4 type."""

    name: str
    kind: str
    many: bool


class Writer:
    """Writes the body of one function of a focus of type `kind` (variable `x`) and a row number (variable `i`)."""

    def __init__(self, kind: str) -> None:
        self.focus = Slot("x", kind, False)
        self.lines: list[str] = []
        self.known: dict[Any, Slot] = {}

    def slot(self, tree: Tree) -> Slot:
        """The variable that holds what a path gives. Raises NotPlain."""
        key = unplaced(tree)
        if key not in self.known:
            reader = READERS.get(type(tree))
            if reader is None:
                raise NotPlain
            self.known[key] = reader(self, tree)
        return self.known[key]

    def put(self, code: str, kind: str, many: bool) -> Slot:
        name = f"v{len(self.lines)}"
        self.lines.append(f"{name} = {code}")
        return Slot(name, kind, many)

    def member(self, tree: Member) -> Slot:
        if tree.of is None and tree.name == self.focus.kind:
            return self.focus
        of = self.slot(tree.of) if tree.of else self.focus
        return self.step(of, *field_of(of.kind, tree.name))

    def step(self, of: Slot, field: str, kind: str, repeats: bool) -> Slot:
        """One element further. Of a primitive, also what has only extensions counts as an item without a value."""
        beside = kind in PRIMITIVES
        if repeats and beside:
            found = (
                f"every({of.name}, {field!r})" if not of.many else f"z for y in {of.name} for z in every(y, {field!r})"
            )
        elif of.many:
            each = f"z for y in {of.name} for z in y.get({field!r}, ())" if repeats else one_of_each(of, field, beside)
            return self.put(f"[{each}]", kind, True)
        else:
            found = f"{of.name}.get({field!r}, ())" if repeats else f"{of.name}.get({field!r})"
        if of.many:
            return self.put(f"[{found}]", kind, True)
        absent = "()" if repeats else "None"
        return self.put(found if of is self.focus else f"{found} if {of.name} is not None else {absent}", kind, repeats)

    def call(self, tree: Call) -> Slot:
        writer = CALLS.get(tree.name)
        if writer is None:
            raise NotPlain
        return writer(self, tree)

    def of_type(self, tree: Call) -> Slot:
        """`value.ofType(Quantity)`: the one field of the choice that has that type."""
        if not isinstance(tree.of, Member) or len(tree.arguments) != 1:
            raise NotPlain
        of = self.slot(tree.of.of) if tree.of.of else self.focus
        fields, wanted = fields_of_type(of.kind, tree.of.name, tree), dotted(tree.arguments[0])
        if len(fields) == 1:
            return self.step(of, *fields[0], False)
        names = {field: "_" + field for field, _ in fields}
        among = of.name if of.many else f"(() if {of.name} is None else ({of.name},))"
        each = f"y.get(f) for y in {among} for f, beside in {names}.items() if f in y or beside in y"
        return self.put(f"[{each}]", wanted, True)

    def first(self, tree: Call) -> Slot:
        of = self.of(tree)
        return self.put(f"{of.name}[0] if {of.name} else None", of.kind, False) if of.many else of

    def indexed(self, tree: Indexer) -> Slot:
        of = self.slot(tree.of)
        if not of.many or not isinstance(tree.place, Constant) or type(tree.place.value) is not int:
            raise NotPlain
        place = tree.place.value
        return self.put(f"{of.name}[{place}] if len({of.name}) > {place} else None", of.kind, False)

    def where(self, tree: Call) -> Slot:
        of = self.slot(tree.of) if tree.of else self.focus
        if len(tree.arguments) != 1 or of.kind in PRIMITIVES:
            raise NotPlain
        among = of.name if of.many else f"(() if {of.name} is None else ({of.name},))"
        return self.put(f"[y for y in {among} if {condition(tree.arguments[0], of.kind)}]", of.kind, True)

    def extension(self, tree: Call) -> Slot:
        of = self.slot(tree.of) if tree.of else self.focus
        if len(tree.arguments) != 1 or not is_text(tree.arguments[0]) or of.kind in PRIMITIVES:
            raise NotPlain
        every = self.step(of, "extension", "Extension", True)
        return self.put(f"[y for y in {every.name} if y.get('url') == {tree.arguments[0].value!r}]", "Extension", True)

    def exists(self, tree: Call) -> Slot:
        of = self.where(tree) if tree.arguments else self.of(tree)
        if of.kind in PRIMITIVES:
            raise NotPlain  # what has only extensions exists, and has no value
        found = f"bool({of.name})" if of.many else f"{of.name} is not None"
        return self.put(found if tree.name == "exists" else f"not ({found})", "boolean", False)

    def resource_key(self, tree: Call) -> Slot:
        if tree.of or tree.arguments or self.focus.kind not in RESOURCE_TYPES:
            raise NotPlain
        return self.put(f"{self.focus.kind + '/'!r} + x['id'] if x.get('id') else None", "string", False)

    def reference_key(self, tree: Call) -> Slot:
        of = self.of(tree)
        if of.kind != "Reference":
            raise NotPlain
        wanted = repr(dotted(tree.arguments[0])) if tree.arguments else "None"
        if of.many:
            return self.put(f"[z for y in {of.name} if (z := key(y, {wanted}))]", "string", True)
        return self.put(f"key({of.name}, {wanted}) if {of.name} is not None else None", "string", False)

    def join(self, tree: Call) -> Slot:
        of = self.of(tree)
        between = tree.arguments[0] if tree.arguments else Constant("System.String", "", "", 0)
        if not of.many or not is_text(between) or of.kind not in PRIMITIVES or of.kind in SYSTEM:
            raise NotPlain
        joined = f"{between.value!r}.join([y or '' for y in {of.name}])"
        return self.put(f"{joined} if {of.name} else None", "string", False)

    def of(self, tree: Call) -> Slot:
        if tree.of is None:
            raise NotPlain
        return self.slot(tree.of)

    def constant(self, tree: Constant) -> Slot:
        if tree.kind not in ("", "System.String", "System.Integer", "System.Boolean"):
            raise NotPlain
        return self.put(repr(tree.value) if tree.kind else "None", named(tree.kind) or "string", False)

    def this(self, tree: This) -> Slot:
        if tree.name != "$this":
            raise NotPlain
        return self.focus

    def variable(self, tree: Variable) -> Slot:
        if tree.name != ROW:
            raise NotPlain
        return Slot("i", "integer", False)


def one_of_each(of: Slot, field: str, beside: bool) -> str:
    if beside:
        return f"y.get({field!r}) for y in {of.name} if {field!r} in y or {'_' + field!r} in y"
    return f"z for y in {of.name} if (z := y.get({field!r})) is not None"


def field_of(kind: str, name: str) -> tuple[str, str, bool]:
    """JSON field, type and whether it repeats, of an element with one type. Raises NotPlain."""
    found = element_of(kind, name)
    if found is None or found[1] in ("", "Resource", "xhtml"):
        raise NotPlain
    element, type = found
    field = next(field for field, kind in element.fields if kind == type and (name in (field, element.name)))
    return field, type, element.repeats


def fields_of_type(kind: str, name: str, tree: Call) -> list[tuple[str, str]]:
    """JSON fields and types of a choice that `ofType(Type)` leaves: one, or several of a primitive. Raises NotPlain."""
    found, wanted = element_of(kind, name), dotted(tree.arguments[0]) if len(tree.arguments) == 1 else ""
    if found is None or found[1] or wanted != named(wanted):
        raise NotPlain
    fields = [(field, type) for field, type in found[0].fields if wanted in kinds(type)]
    if not fields or (fields != [(fields[0][0], wanted)] and wanted not in PRIMITIVES):
        raise NotPlain
    return fields


def condition(tree: Tree, kind: str) -> str:
    """Python that tells whether an item `y` of that type meets a condition: FHIRPath's unknown is false here."""
    if isinstance(tree, Binary) and tree.operator in ("and", "or"):
        return f"({condition(tree.left, kind)} {tree.operator} {condition(tree.right, kind)})"
    if isinstance(tree, Call) and tree.name in ("exists", "empty") and not tree.arguments and tree.of:
        before, field, type = field_within(tree.of, kind)
        if type in PRIMITIVES:
            raise NotPlain
        return f"{'not ' * (tree.name == 'empty')}{field!r} in y{before}"
    if not isinstance(tree, Binary) or tree.operator not in ("=", "!=") or not isinstance(tree.right, Constant):
        raise NotPlain
    before, field, type = field_within(tree.left, kind)
    wanted = tree.right
    is_same_sort = is_text(wanted) if type not in SYSTEM else type == "boolean" and wanted.kind == "System.Boolean"
    if type not in PRIMITIVES or not is_same_sort:
        raise NotPlain
    if tree.operator == "=":
        return f"y{before}.get({field!r}) == {wanted.value!r}"
    inside = f"(w := y{before})"
    return f"(({field!r} in {inside} or {'_' + field!r} in w) and w.get({field!r}) != {wanted.value!r})"


def field_within(tree: Tree, kind: str) -> tuple[str, str, str]:
    """For a path of single elements: Python behind `y` up to the last, the last field, its type. Raises NotPlain."""
    before, member = "", tree.of if isinstance(tree, Call) and tree.name == "ofType" else tree
    if not isinstance(member, Member):
        raise NotPlain
    if member.of:
        before, field, kind = field_within(member.of, kind)
        before += f".get({field!r}, NOTHING)"
    if isinstance(tree, Call):
        [(field, type), *more] = fields_of_type(kind, member.name, tree)
        return before, field, type if not more else ""
    field, type, repeats = field_of(kind, member.name)
    if repeats:
        raise NotPlain
    return before, field, type


def is_text(tree: Any) -> TypeGuard[Constant]:
    return isinstance(tree, Constant) and tree.kind == "System.String"


def unplaced(tree: Any) -> Any:
    """The tree without places in the text, so that the same path is the same wherever it stands."""
    if isinstance(tree, tuple):
        parts = tree[:-1] if hasattr(tree, "_fields") else tree
        return (type(tree), *(unplaced(part) for part in parts))
    return (type(tree), tree)


@lru_cache(REMEMBERED)
def key_of(reference: str, wanted: str | None) -> str | None:
    found = by_type(reference)
    if found is None or wanted not in (None, found["resourceType"]):
        return None
    return f"{found['resourceType']}/{found['id']}"


def key(reference: dict[str, Any], wanted: str | None) -> str | None:
    """`getReferenceKey(Type)` of a Reference."""
    text = reference.get("reference")
    return key_of(text, wanted) if text else None


def every(body: dict[str, Any], field: str) -> Any:
    """The values of a primitive that repeats, None for each that has only extensions."""
    values, beside = body.get(field) or (), body.get("_" + field) or ()
    if not beside and None not in values:
        return values
    return [value for value, more in zip_longest(values, beside) if value is not None or more is not None]


def condition_of(tree: Tree, kind: str) -> Callable[[Any], bool] | None:
    """Whether a resource meets a condition, as plain code; None where it is not plain."""
    writer = Writer(kind)
    try:
        if isinstance(tree, Call):
            slot = writer.slot(tree)
            return written([], [*writer.lines, f"return {slot.name}"], {}) if slot.kind == "boolean" else None
        return written([], ["y = x", f"return {condition(tree, kind)}"], {})
    except NotPlain:
        return None


def items_of(tree: Tree, kind: str) -> Callable[[Any], list[Node]] | None:
    """The items that a path finds in something of that type, as plain code; None where it is not plain."""
    writer = Writer(kind)
    try:
        slot = writer.slot(tree)
    except NotPlain:
        return None
    if slot.kind in PRIMITIVES or slot is writer.focus:
        return None
    found = f"[Node({slot.kind!r}, y) for y in {slot.name}]"
    one = f"[] if {slot.name} is None else [Node({slot.kind!r}, {slot.name})]"
    return written([], [*writer.lines, f"return {found if slot.many else one}"], {})


def written(arguments: list[str], lines: list[str], more: dict[str, Any]) -> Callable[..., Any]:
    """The function of `x` and the arguments that these lines are. Only what stands in this package is written so:
    texts of a view come in as repr()."""
    names = {**NAMES, **more}
    exec(f"def run({', '.join(['x', *arguments])}):\n    " + "\n    ".join(lines), names)
    found: Callable[..., Any] = names["run"]
    return found


NAMES: dict[str, Any] = {"key": key, "every": every, "NOTHING": {}, "Node": Node}  # what the code may call
READERS: dict[type, Callable[[Writer, Any], Slot]] = {
    Member: Writer.member,
    Call: Writer.call,
    Indexer: Writer.indexed,
    Constant: Writer.constant,
    This: Writer.this,
    Variable: Writer.variable,
}
CALLS: dict[str, Callable[[Writer, Call], Slot]] = {
    "ofType": Writer.of_type,
    "first": Writer.first,
    "where": Writer.where,
    "extension": Writer.extension,
    "exists": Writer.exists,
    "empty": Writer.exists,
    "getResourceKey": Writer.resource_key,
    "getReferenceKey": Writer.reference_key,
    "join": Writer.join,
}
