"""Every English text that the source gives to an error, read from its syntax: the templates that a catalogue must hold.

A text may be a constant, an f-string, a sum of these, a choice between some, the value of a name in the same function,
what a function beside it answers, a value of a table beside it, or an argument of a function that hands it on to an
error. What only runs can show is told by a comment on one of the lines of the call or right above it:

    # told: {0} is not there      the template itself, one a comment
    # carries: why                the text stands elsewhere, in words that are told in both languages already
"""

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from math import prod
from pathlib import Path

from source import ROOT, Module, argument, module_name, modules, name_of

from salus.base import errors

CATALOGUE = "faults.toml"
ERRORS = {name for name, one in vars(errors).items() if isinstance(one, type) and issubclass(one, errors.SalusError)}
PLACES = {"Issue": 2, "Refusal": 3}  # what holds a text, and where it is given
OTHERS = {"ValueError", "TypeError"}  # an error of ours may carry what these say in a sentence
CARRIED = {"text", "args"}  # attributes that hold what an error, or an issue, said
SPEAKERS = {"str", "say", "spoken", "words", "in_"}  # functions whose answer is told, or was told, elsewhere
MOST = 24  # alternatives of one text; beyond that its parts are rows of their own
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
DEEPEST = 9  # names of names
LEAST = 4  # letters of a text that says something; `{0} of {1}` is no text


class Slot:
    """Something that only a run can show."""

    def __init__(self, carried: bool = False) -> None:
        self.carried = carried


@dataclass(frozen=True)
class Given:
    """What the caller gives for a parameter; `within` a longer text it stays a slot, its words a text of their own."""

    name: str
    within: bool = False


Piece = str | Slot | Given
Text = tuple[Piece, ...]
SLOT, TOLD = Slot(), Slot(carried=True)


@dataclass(frozen=True)
class Site:
    """A place where an error gets a text; `unseen`: what it says cannot be read from here."""

    path: Path
    line: int
    templates: tuple[str, ...]
    unseen: bool

    @property
    def catalogue(self) -> Path:
        """That of its package."""
        return ROOT / self.path.relative_to(ROOT).parts[0] / CATALOGUE


class Reading:
    """All modules together: who tells what."""

    def __init__(self) -> None:
        self.modules = modules()
        self.by_name = {module_name(one.path): one for one in self.modules}
        self.by_path = {one.path: one for one in self.modules}
        self.kinds = self.kinds_of_errors()
        self.tellers: dict[tuple[Path, str], list[Text]] = {}
        self.asides: list[Text] = []  # words found in slots of the text that is being read
        self.sites = self.read()

    def kinds_of_errors(self) -> set[str]:
        """The errors of base, and those made of them that take their text as it is given."""
        found, plain = set(ERRORS), set(ERRORS)
        for module in self.modules:
            for node in module.nodes:
                if isinstance(node, ast.ClassDef) and {name_of(base) for base in node.bases} & found:
                    found.add(node.name)
                    own = any(isinstance(one, ast.FunctionDef) and one.name == "__init__" for one in node.body)
                    plain |= set() if own else {node.name}
        self.families = found
        return plain

    def read(self) -> list[Site]:
        """Errors first, then those who call what hands texts on to them, until no more is found."""
        sites: dict[ast.Call, Site] = {}
        raised = {
            name_of(one.exc.func)
            for module in self.modules
            for one in module.nodes
            if isinstance(one, ast.Raise) and isinstance(one.exc, ast.Call)
        }
        heard = {*PLACES, "__init__", "replace", *OTHERS, *self.kinds, *raised}
        while heard:
            self.grown: set[str] = set()
            for module in self.modules:
                for call in [call for name in heard & module.calls.keys() for call in module.calls[name]]:
                    for texts in self.texts_of(module, call):
                        asides, self.asides = self.asides, []
                        self.note(module, call, texts)
                        sites[call] = site(module, call, texts, asides)
            heard = self.grown
        return list(sites.values())

    def texts_of(self, module: Module, call: ast.Call) -> Iterator[list[Text]]:
        name = name_of(call.func)
        if name == "Issue" or (name in PLACES and module.path.is_relative_to(ROOT / "exchange")):
            if given := argument(call, PLACES[name], "text"):
                yield self.resolve(given, module, call)
        elif name in self.kinds or self.is_super(module, call):
            if given := argument(call, 0, "text"):
                yield self.resolve(given, module, call)
        elif name == "replace":
            given = argument(call, -1, "text")
            yield self.resolve(given, module, call) if isinstance(given, ast.JoinedStr) else []
        elif name in OTHERS:
            yield list(filter(wordy, self.resolve(call.args[0], module, call))) if call.args else []
        elif isinstance(module.parents[call], ast.Raise) and name.islower() and not self.home(module, call.func):
            yield self.resolve(call.args[0], module, call) if call.args else []  # `kind(text)`, both of a table
        elif found := self.teller(module, call.func):
            yield [done for text in self.tellers[found] for done in self.filled(text, found, module, call)]

    def is_super(self, module: Module, call: ast.Call) -> bool:
        """`super().__init__(...)` of an error of ours."""
        if not (isinstance(call.func, ast.Attribute) and call.func.attr == "__init__"):
            return False
        around = next(module.above(call, ast.ClassDef), None)
        return isinstance(around, ast.ClassDef) and around.name in self.families and module.path.name != "errors.py"

    def teller(self, module: Module, func: ast.expr) -> tuple[Path, str] | None:
        """The function that is called, if it hands a text on to an error."""
        home = self.home(module, func)
        return (home, name_of(func)) if home and (home, name_of(func)) in self.tellers else None

    def home(self, module: Module, func: ast.expr) -> Path | None:
        """The module that a function called stands in, as far as its imports say."""
        name = name_of(func)
        if isinstance(func, ast.Attribute):
            value = func.value
            if isinstance(value, ast.Name) and value.id in ("self", "cls"):
                return module.path if name in module.functions else None
            if isinstance(value, ast.Name) and (found := self.imported(module, value.id)):
                return found[0].path if found[1] is None and name in found[0].functions else None
            return module.path if name in module.functions else None
        if name in module.functions:
            return module.path
        found = self.imported(module, name)
        return found[0].path if found and found[1] else None

    def imported(self, module: Module, name: str) -> tuple[Module, str | None] | None:
        """(module, name in it) of what `from x import name` brought; (module, None) for a module itself."""
        if name not in module.imports:
            return None
        source, there = module.imports[name]
        if whole := self.by_name.get(f"{source}.{there}"):
            return whole, None
        inside = self.by_name.get(source)
        return (inside, there) if inside and there in inside.functions else None

    def note(self, module: Module, call: ast.Call, texts: list[Text]) -> None:
        """A function whose parameter is told is a teller: its callers are read too."""
        around = next(module.above(call, ast.FunctionDef), None)
        if not isinstance(around, ast.FunctionDef):
            return
        known = self.tellers.get((module.path, around.name), [])
        fresh = [text for text in texts if any(isinstance(piece, Given) for piece in text) and text not in known]
        if fresh:
            self.tellers[module.path, around.name] = known + fresh
            self.grown.add(around.name)

    def filled(self, text: Text, teller: tuple[Path, str], module: Module, call: ast.Call) -> list[Text]:
        home = self.by_path[teller[0]]
        wanted = home.functions[teller[1]][0]
        names = [one.arg for one in wanted.args.posonlyargs + wanted.args.args]
        names = names[1:] if names[:1] in (["self"], ["cls"]) else names
        parts: list[list[Text]] = []
        for piece in text:
            if not isinstance(piece, Given):
                parts.append([(piece,)])
                continue
            at = names.index(piece.name) if piece.name in names else -1
            given = argument(call, at, piece.name)
            told = self.resolve(given, module, call) if given else [(SLOT if piece.within else "",)]
            parts.append([self.apart(told)] if piece.within else told)
        if any(isinstance(piece, Given) and not piece.within for piece in text):
            return self.joined(parts)
        return [one for texts in parts for one in texts if isinstance(one[0], Given)]  # the words are the teller's own

    def apart(self, texts: list[Text]) -> Text:
        """A slot; the words that can stand in it are texts of their own."""
        if len(texts) == 1 and len(texts[0]) == 1 and isinstance(texts[0][0], Given):
            return (Given(texts[0][0].name, within=True),)
        self.asides += filter(wordy, texts)
        return (TOLD if (TOLD,) in texts else SLOT,)

    def joined(self, parts: list[list[Text]]) -> list[Text]:
        """Each way to put them together; what has too many ways is a slot."""
        while prod(map(len, parts)) > MOST:
            longest = max(range(len(parts)), key=lambda place: len(parts[place]))
            parts[longest] = [self.apart(parts[longest])]
        return [tuple(piece for text in texts for piece in text) for texts in product(*parts)]

    def resolve(self, expr: ast.expr, module: Module, at: ast.AST, depth: int = 0) -> list[Text]:
        """The texts that an expression can stand for."""
        if depth > DEEPEST:
            return [(SLOT,)]
        if isinstance(expr, ast.Constant):
            return [(expr.value,)] if isinstance(expr.value, str) else [(SLOT,)]
        reader = getattr(self, f"read_{type(expr).__name__.lower()}", None)
        return reader(expr, module, at, depth + 1) if reader else [(SLOT,)]

    def read_joinedstr(self, expr: ast.JoinedStr, module: Module, at: ast.AST, depth: int) -> list[Text]:
        words = "".join(str(one.value) for one in expr.values if isinstance(one, ast.Constant))
        parts = [self.part(one, module, at, depth) for one in expr.values]
        for place, one in enumerate(expr.values):
            answer = isinstance(one, ast.FormattedValue) and isinstance(one.value, ast.Call)
            if answer and says_something(words) and len(parts[place]) > 1:
                parts[place] = [self.apart(parts[place])]  # what a function answers is a text of its own
        return self.joined(parts)

    def part(self, one: ast.expr, module: Module, at: ast.AST, depth: int) -> list[Text]:
        if isinstance(one, ast.Constant):
            return [(str(one.value),)]
        assert isinstance(one, ast.FormattedValue)
        if one.conversion != -1 or one.format_spec:
            return [(SLOT,)]
        return self.inside(one.value, module, at, depth)

    def inside(self, expr: ast.expr, module: Module, at: ast.AST, depth: int) -> list[Text]:
        """Within a text: words are taken in, a name or a code is a slot."""
        texts = self.resolve(expr, module, at, depth)
        choice = isinstance(expr, ast.IfExp)
        texts = [tuple(Given(one.name, True) if isinstance(one, Given) else one for one in text) for text in texts]
        bare = len(texts) == 1 and len(texts[0]) == 1 and texts[0][0] is not SLOT and not isinstance(texts[0][0], str)
        return texts if bare or choice or any(map(wordy, texts)) else [(SLOT,)]

    def read_binop(self, expr: ast.BinOp, module: Module, at: ast.AST, depth: int) -> list[Text]:
        if isinstance(expr.op, ast.Mod) and isinstance(expr.left, ast.Constant) and isinstance(expr.left.value, str):
            pieces = re.split(r"%[sdr]", expr.left.value)
            return [tuple(piece for one in pieces for piece in (one, SLOT))[:-1]]
        if not isinstance(expr.op, ast.Add):
            return [(SLOT,)]
        return self.joined([self.resolve(side, module, at, depth) for side in (expr.left, expr.right)])

    def read_ifexp(self, expr: ast.IfExp, module: Module, at: ast.AST, depth: int) -> list[Text]:
        return [text for side in (expr.body, expr.orelse) for text in self.resolve(side, module, at, depth)]

    def read_boolop(self, expr: ast.BoolOp, module: Module, at: ast.AST, depth: int) -> list[Text]:
        return [text for side in expr.values for text in self.resolve(side, module, at, depth)]

    def read_namedexpr(self, expr: ast.NamedExpr, module: Module, at: ast.AST, depth: int) -> list[Text]:
        return self.resolve(expr.value, module, at, depth)

    def read_dict(self, expr: ast.Dict, module: Module, at: ast.AST, depth: int) -> list[Text]:
        return [text for one in expr.values for text in self.resolve(one, module, at, depth)]

    def read_tuple(self, expr: ast.Tuple, module: Module, at: ast.AST, depth: int) -> list[Text]:
        """A row of a table: the words in it."""
        texts = [text for one in expr.elts for text in self.resolve(one, module, at, depth)]
        return list(filter(wordy, texts)) or [(SLOT,)]

    def read_starred(self, expr: ast.Starred, module: Module, at: ast.AST, depth: int) -> list[Text]:
        """What a loop goes over: the words in a table, row by row, or in what a function answers."""
        given = expr.value
        if isinstance(given, ast.List | ast.Tuple | ast.Set):
            rows = [one if isinstance(one, ast.Tuple | ast.Starred) else ast.Tuple([one]) for one in given.elts]
        elif isinstance(given, ast.Name):
            rows = [ast.Starred(value) for value in self.values_of(given.id, module, at)]
        elif isinstance(given, ast.Call) and (home := self.home(module, given.func)):
            return list(filter(wordy, self.listed(name_of(given.func), self.by_path[home], depth))) or [(SLOT,)]
        else:
            rows = []
        texts = [text for row in rows for text in self.resolve(row, module, at, depth)]
        return list(filter(wordy, texts)) or [(SLOT,)]

    def values_of(self, name: str, module: Module, at: ast.AST) -> list[ast.expr]:
        """What a name is given in the functions around it, else in the module."""
        for around in module.above(at, FUNCTIONS):
            if values := module.values_in(around).get(name):
                return values
        return [module.constants[name]] if name in module.constants else []

    def listed(self, name: str, module: Module, depth: int) -> Iterator[Text]:
        """The words in the list that a function answers, or in what it yields."""
        for function in module.functions[name]:
            for node in module.nodes:
                if (
                    isinstance(node, ast.Return | ast.Yield)
                    and node.value
                    and next(module.above(node, FUNCTIONS), 0) is function
                ):
                    value = node.value if isinstance(node, ast.Yield) else ast.Starred(node.value)
                    yield from self.resolve(value, module, node, depth)

    def read_listcomp(self, expr: ast.ListComp, module: Module, at: ast.AST, depth: int) -> list[Text]:
        return self.resolve(expr.elt, module, at, depth)

    def read_subscript(self, expr: ast.Subscript, module: Module, at: ast.AST, depth: int) -> list[Text]:
        return self.resolve(expr.value, module, at, depth)

    def read_attribute(self, expr: ast.Attribute, module: Module, at: ast.AST, depth: int) -> list[Text]:
        return [(TOLD if expr.attr in CARRIED else SLOT,)]

    def read_name(self, expr: ast.Name, module: Module, at: ast.AST, depth: int) -> list[Text]:
        for around in module.above(at, (ast.ExceptHandler, ast.FunctionDef, ast.AsyncFunctionDef)):
            if isinstance(around, ast.ExceptHandler):
                if around.name == expr.id:
                    return [(TOLD,)]
                continue
            assert isinstance(around, ast.FunctionDef | ast.AsyncFunctionDef)
            values = module.values_in(around).get(expr.id)
            if values:
                return [text for one in values for text in self.resolve(one, module, at, depth)]
            arguments = around.args.posonlyargs + around.args.args + around.args.kwonlyargs
            if expr.id in {one.arg for one in arguments}:
                return [(Given(expr.id),)]
        found = module.constants.get(expr.id)
        return self.resolve(found, module, at, depth) if found is not None else [(SLOT,)]

    def read_call(self, expr: ast.Call, module: Module, at: ast.AST, depth: int) -> list[Text]:
        name = name_of(expr.func)
        if isinstance(expr.func, ast.Attribute) and name in ("strip", "rstrip", "splitlines", "get"):
            texts = self.resolve(expr.func.value, module, at, depth)
            return texts + [text for one in expr.args[1:] for text in self.resolve(one, module, at, depth)]
        if name == "next" and expr.args:
            return [text for one in expr.args for text in self.resolve(one, module, at, depth)]
        if isinstance(expr.func, ast.Attribute) and name == "join" and expr.args:
            each = isinstance(expr.args[0], ast.GeneratorExp | ast.ListComp)
            return [self.apart(self.resolve(expr.args[0].elt, module, at, depth)) if each else (SLOT,)]
        if name in SPEAKERS:
            return [(TOLD,)]
        home = self.home(module, expr.func)
        if home is None:
            return [(SLOT,)]
        inside = self.by_path[home]
        texts = [text for one in inside.functions[name] for text in self.answers(one, inside, depth)]
        return [tuple(SLOT if isinstance(piece, Given) else piece for piece in text) for text in texts] or [(SLOT,)]

    def answers(self, function: ast.FunctionDef, module: Module, depth: int) -> Iterator[Text]:
        for node in ast.walk(function):
            if isinstance(node, ast.Return) and node.value and next(module.above(node, FUNCTIONS)) is function:
                yield from self.resolve(node.value, module, node, depth)


def handed(text: Text) -> bool:
    """Whether what it says was said elsewhere, or is said by who calls."""
    return any(isinstance(piece, Given) or piece is TOLD for piece in text)


def wordy(text: Text) -> bool:
    """Whether there is more than a single word in it."""
    return any(isinstance(piece, str) and " " in piece for piece in text)


def template(text: Text) -> str:
    """`{0} is not there`; slots that touch are one.

    >>> template((SLOT, SLOT, " is not ", SLOT))
    '{0} is not {1}'
    """
    merged: list[str | None] = []
    for piece in text:
        if isinstance(piece, str):
            merged.append(piece.replace("{", "{{").replace("}", "}}"))
        elif not merged or merged[-1] is not None:
            merged.append(None)
    merged = [one for one in merged if one != ""]
    flat = [one for at, one in enumerate(merged) if one is not None or not at or merged[at - 1] is not None]
    count = iter(range(len(flat)))
    return "".join(f"{{{next(count)}}}" if one is None else one for one in flat)


def says_something(shape: str) -> bool:
    """Whether there are words in it, or only slots and stops."""
    return len(re.findall(r"[A-Za-z]", re.sub(r"<[^>]*>|\{\d+\}", "", shape))) >= LEAST


def site(module: Module, call: ast.Call, texts: list[Text], asides: list[Text]) -> Site:
    marks = module.marks(call)
    shapes = {template(text) for text in (*texts, *asides)}
    blank = [text for text in texts if SLOT in text and not says_something(template(text)) and not handed(text)]
    given = [template for kind, template in marks if kind == "told"]
    unseen = bool(blank) and not marks
    templates = sorted({*filter(says_something, shapes), *given})
    return Site(module.path, call.lineno, tuple(templates), unseen)


def sites() -> list[Site]:
    return Reading().sites


def rows(found: Iterable[Site]) -> dict[Path, dict[str, list[Site]]]:
    """catalogue -> template -> the places that say it."""
    told: dict[Path, dict[str, list[Site]]] = defaultdict(lambda: defaultdict(list))
    for one in found:
        for shape in one.templates:
            told[one.catalogue][shape].append(one)
    return told
