"""What passes through the door: an item to store, or a refusal that says where, what and why."""

from typing import NamedTuple


class Item(NamedTuple):
    """One resource as JSON bytes. `str(where)` is file:line."""

    type: str
    id: str
    body: bytes
    where: object


class Refusal(NamedTuple):
    """One thing that stays outside: file:line, its type if known, the path in it, words with the value and the cure."""

    where: str
    type: str
    path: str
    text: str

    def __str__(self) -> str:
        return ": ".join(piece for piece in (self.where, self.path, self.text) if piece)


class Already(NamedTuple):
    """One thing that is to be created only if nothing like it is here, and something is."""

    type: str
    where: object


class Aside(NamedTuple):
    """A file that is not read, and why that is right."""

    name: str
    why: str


Found = Item | Refusal | Already
