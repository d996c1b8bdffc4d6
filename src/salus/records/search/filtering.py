"""`_filter`: the text of an expression to a tree, which knows no types yet.

https://hl7.org/fhir/R4/search_filter.html

As the page says, `and` and `or` bind equally and from the left; parentheses say otherwise.
"""

import re
from dataclasses import dataclass
from typing import NamedTuple

import orjson

from salus.base.errors import Malformed, Unsupported

LONGEST = 8000  # characters
DEEPEST = 30  # parentheses and brackets in each other
OPERATORS = {"eq", "ne", "co", "sw", "ew", "gt", "lt", "ge", "le", "ap", "sa", "eb", "pr", "po"} | {
    "ss",
    "sb",
    "in",
    "ni",
    "re",
}


class Word(NamedTuple):
    """A piece of the text; `at` is its place, from 1. `kind`: sign, name (or operator), text (in quotes), end."""

    kind: str
    text: str
    at: int


@dataclass(frozen=True, slots=True)
class Step:
    """One name of a path, and what must hold of what it refers to."""

    name: str
    holds: "Node | None"
    at: int


@dataclass(frozen=True, slots=True)
class Comparison:
    steps: tuple[Step, ...]
    operator: str
    value: str
    at: int


@dataclass(frozen=True, slots=True)
class Joint:
    """Several (of `not` one) that must hold together (`and`), one of them (`or`), or not at all (`not`)."""

    word: str
    parts: tuple["Node", ...]


Node = Comparison | Joint
SPACE = re.compile(r"\s*")
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*(?::[A-Za-z]+)?")
TEXT = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
TOKEN = re.compile(r"[^\s()\[\]\"][^\s)\]]*")


def parse(text: str) -> Node:
    """The tree of an expression. Raises Malformed with the place where it cannot be read on, Unsupported if too long.

    >>> parse("given eq peter").operator
    'eq'
    """
    if len(text) > LONGEST:
        raise Unsupported(
            f"_filter has {len(text)} characters; {LONGEST} are the most: search in parts", path="_filter"
        )
    reading = Reading(text)
    found = reading.expression(0)
    if reading.peek() != "":
        raise reading.fault("'and', 'or' or the end")
    return found


def wrong(at: int, why: str) -> Malformed:
    return Malformed(f"_filter at character {at}: {why}", path="_filter")


class Reading:
    """The text and how far it was read."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.place = 0

    def peek(self) -> str:
        """The next character that is no space; "" at the end."""
        found = SPACE.match(self.text, self.place)
        self.place = found.end() if found else self.place
        return self.text[self.place : self.place + 1]

    def fault(self, wanted: str) -> Malformed:
        here = self.text[self.place : self.place + 20] or "the end"
        return wrong(self.place + 1, f"found '{here}' where {wanted} should stand")

    def take(self, pattern: re.Pattern[str], wanted: str) -> Word:
        self.peek()
        found = pattern.match(self.text, self.place)
        if found is None:
            raise self.fault(wanted)
        self.place = found.end()
        return Word(wanted, found[0], found.start() + 1)

    def sign(self, wanted: str) -> None:
        if self.peek() != wanted:
            raise self.fault(f"'{wanted}'")
        self.place += 1

    def word(self, *wanted: str) -> str:
        """The next name if it is one of these, and then it is read; else ""."""
        self.peek()
        found = NAME.match(self.text, self.place)
        if found is None or found[0] not in wanted:
            return ""
        self.place = found.end()
        return found[0]

    def expression(self, depth: int) -> Node:
        """Operands between `and` and `or`; what stands left of the same word goes into one list."""
        if depth > DEEPEST:
            raise wrong(self.place + 1, f"more than {DEEPEST} parentheses stand in each other")
        found = self.operand(depth)
        while word := self.word("and", "or"):
            other = self.operand(depth)
            before = found.parts if isinstance(found, Joint) and found.word == word else (found,)
            found = Joint(word, (*before, other))
        return found

    def operand(self, depth: int) -> Node:
        begin = self.place
        negated = bool(self.word("not"))
        if negated and self.peek() != "(":
            self.place = begin
            raise self.fault("'not' is to be followed by '(': there")
        if not negated and self.peek() != "(":
            return self.comparison(depth)
        self.sign("(")
        found = self.expression(depth + 1)
        self.sign(")")
        return Joint("not", (found,)) if negated else Joint("and", (found,))

    def comparison(self, depth: int) -> Comparison:
        steps = [self.step(depth)]
        while self.text[self.place : self.place + 1] == ".":
            self.place += 1
            steps.append(self.step(depth))
        if steps[-1].holds:
            raise self.fault("'.' and a parameter after the brackets")
        operator = self.take(NAME, "an operator")
        if operator.text not in OPERATORS:
            raise wrong(operator.at, f"'{operator.text[:20]}' is no operator: use {', '.join(sorted(OPERATORS))}")
        return Comparison(tuple(steps), operator.text, self.value(), steps[0].at)

    def step(self, depth: int) -> Step:
        name = self.take(NAME, "the name of a search parameter")
        if self.text[self.place : self.place + 1] != "[":
            return Step(name.text, None, name.at)
        self.place += 1
        holds = self.expression(depth + 1)
        self.sign("]")
        return Step(name.text, holds, name.at)

    def value(self) -> str:
        if self.peek() != '"':
            return self.take(TOKEN, "a value").text
        quoted = self.take(TEXT, "a text that ends in quotes")
        try:
            return str(orjson.loads(quoted.text))
        except orjson.JSONDecodeError:
            raise wrong(quoted.at, "a text in quotes is written as in JSON") from None
