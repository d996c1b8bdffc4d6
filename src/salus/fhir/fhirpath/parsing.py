"""FHIRPath tokens to a tree, by the precedence of the operators. https://hl7.org/fhirpath/N1/#operator-precedence"""

from decimal import Decimal

from salus.fhir.fhirpath.tokens import Token, tokens, unescaped, wrong
from salus.fhir.fhirpath.tree import Binary, Call, Constant, Indexer, Member, Sign, This, Tree, TypeTest, Variable
from salus.fhir.fhirpath.values import is_whole

DEEPEST = 40  # brackets within brackets
DIGITS = 60  # of a number
MOST = 400  # steps and operators
LEVELS = (
    ("implies",), ("or", "xor"), ("and",), ("in", "contains"), ("=", "~", "!=", "!~"), ("<=", "<", ">", ">="), ("|",),
    ("is", "as"), ("+", "-", "&"), ("*", "/", "div", "mod"),
)  # fmt: skip
BINDS = {operator: level for level, row in enumerate(LEVELS) for operator in row}
WORDS = ("is", "as", "in", "contains")  # operators that may also name an element
UNITS = ("year", "month", "week", "day", "hour", "minute", "second", "millisecond")
DURATIONS = {*UNITS, *(unit + "s" for unit in UNITS)}


def parse(text: str) -> Tree:
    """The tree of an expression. Raises Invalid with the place of the fault."""
    reader = Reader(text)
    tree = reader.expression(0)
    if reader.token.kind != "end":
        raise reader.wrong(f"{reader.token.text!r} cannot stand here")
    return tree


class Reader:
    """Reads one expression from left to right."""

    def __init__(self, text: str) -> None:
        self.text, self.tokens, self.place, self.depth, self.parts = text, tokens(text), 0, 0, 0

    @property
    def token(self) -> Token:
        return self.tokens[self.place]

    def wrong(self, why: str) -> Exception:
        return wrong(self.text, self.token.at, why)

    def next(self) -> Token:
        token = self.token
        self.place += token.kind != "end"
        return token

    def count(self) -> None:
        self.parts += 1
        if self.parts > MOST:
            raise self.wrong(f"the expression has more than {MOST} steps")

    def is_sign(self, *signs: str) -> bool:
        return self.token.kind == "sign" and self.token.text in signs

    def expect(self, sign: str) -> None:
        if not self.is_sign(sign):
            raise self.wrong(f"{sign!r} is missing")
        self.next()

    def expression(self, level: int) -> Tree:
        """An expression of operators that bind at least as tightly as `level`."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.wrong(f"the expression nests too deeply: keep to {DEEPEST} levels")
        left = self.unary()
        while (binds := self.binds()) is not None and binds >= level:
            token = self.next()
            self.count()
            if token.text in ("is", "as"):
                left = TypeTest(token.text, left, self.type_name(), token.at)
            else:
                left = Binary(token.text, left, self.expression(binds + 1), token.at)
        self.depth -= 1
        return left

    def binds(self) -> int | None:
        return BINDS.get(self.token.text) if self.token.kind in ("sign", "name") else None

    def unary(self) -> Tree:
        if self.is_sign("+", "-"):
            token = self.next()
            return Sign(token.text, self.expression(len(LEVELS)), token.at)
        return self.steps(self.term())

    def steps(self, tree: Tree) -> Tree:
        while self.is_sign(".", "["):
            token = self.next()
            self.count()
            if token.text == ".":
                tree = self.this() if self.token.kind == "this" else self.invocation(tree)
            else:
                tree = Indexer(tree, self.expression(0), token.at)
                self.expect("]")
        return tree

    def term(self) -> Tree:
        token = self.token
        if token.kind == "sign" and token.text in ("(", "{"):
            self.next()
            tree: Tree = self.expression(0) if token.text == "(" else Constant("", False, "", token.at)
            self.expect(")" if token.text == "(" else "}")
            return tree
        if token.kind == "name" and token.text in ("true", "false"):
            return Constant("System.Boolean", self.next().text == "true", "", token.at)
        if token.kind == "variable":
            name = self.next().text[1:]
            return Variable(unescaped(name[1:-1]) if name[0] in "`'\"" else name, token.at)
        if token.kind == "this":
            return self.this()
        return self.constant() if token.kind in CONSTANTS else self.invocation(None)

    def this(self) -> Tree:
        token = self.next()
        if token.text not in ("$this", "$index", "$total"):
            raise wrong(self.text, token.at, f"{token.text} is unknown: write $this, $index or $total")
        return This(token.text, token.at)

    def constant(self) -> Tree:
        token = self.next()
        if token.kind == "text":
            return Constant("System.String", unescaped(token.text[1:-1]), "", token.at)
        if token.kind in ("moment", "time"):
            kind = "System.Time" if token.kind == "time" else "System.DateTime" if "T" in token.text else "System.Date"
            return Constant(kind, token.text[2 if token.kind == "time" else 1 :], "", token.at)
        if len(token.text) > DIGITS:
            raise wrong(self.text, token.at, f"the number has more than {DIGITS} digits")
        if unit := self.unit():
            return Constant("System.Quantity", Decimal(token.text), unit, token.at)
        if "." in token.text or not is_whole(int(token.text)):
            return Constant("System.Decimal", Decimal(token.text), "", token.at)
        return Constant("System.Integer", int(token.text), "", token.at)

    def unit(self) -> str:
        """The unit behind a number: 'mg' or days; "" where there is none."""
        if self.token.kind == "text":
            return unescaped(self.next().text[1:-1])
        return self.next().text if self.token.kind == "name" and self.token.text in DURATIONS else ""

    def name(self) -> str:
        token = self.token
        if (
            token.kind not in ("name", "quoted")
            or token.text == "``"
            or (token.text in BINDS and token.text not in WORDS)
        ):
            raise self.wrong(
                f"a name is missing before {token.text!r}" if token.text else "the expression ends too soon"
            )
        self.next()
        return unescaped(token.text[1:-1]) if token.kind == "quoted" else token.text

    def invocation(self, of: Tree | None) -> Tree:
        at, name = self.token.at, self.name()
        if not self.is_sign("("):
            return Member(of, name, at)
        self.next()
        arguments = []
        while not self.is_sign(")"):
            arguments.append(self.expression(0))
            if not self.is_sign(")"):
                self.expect(",")
        self.next()
        return Call(of, name, tuple(arguments), at)

    def type_name(self) -> str:
        name = self.name()
        while self.is_sign("."):
            self.next()
            name += "." + self.name()
        return name


CONSTANTS = {"text", "moment", "time", "number"}
