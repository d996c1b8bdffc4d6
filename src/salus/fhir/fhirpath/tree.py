"""What an expression is made of, after reading. `at` is the place in the text, in characters from 0."""

from decimal import Decimal
from typing import NamedTuple


class Constant(NamedTuple):
    """A literal: `kind` is a System type ("System.String"); of `{}` it is ""."""

    kind: str
    value: bool | int | Decimal | str
    unit: str
    at: int


class Variable(NamedTuple):
    """%resource, %ucum ..."""

    name: str
    at: int


class This(NamedTuple):
    """$this, $index or $total."""

    name: str
    at: int


class Member(NamedTuple):
    """`of.name`; `of` is None where the name begins a path."""

    of: "Tree | None"
    name: str
    at: int


class Call(NamedTuple):
    """`of.name(arguments)`."""

    of: "Tree | None"
    name: str
    arguments: tuple["Tree", ...]
    at: int


class Indexer(NamedTuple):
    """`of[place]`."""

    of: "Tree"
    place: "Tree"
    at: int


class Sign(NamedTuple):
    """`-of` or `+of`."""

    sign: str
    of: "Tree"
    at: int


class Binary(NamedTuple):
    """`left operator right`."""

    operator: str
    left: "Tree"
    right: "Tree"
    at: int


class TypeTest(NamedTuple):
    """`of is Type`, `of as Type`."""

    operator: str
    of: "Tree"
    type: str
    at: int


Tree = Constant | Variable | This | Member | Call | Indexer | Sign | Binary | TypeTest
