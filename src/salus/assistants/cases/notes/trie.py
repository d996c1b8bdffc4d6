"""Phrases found in one pass over the pieces of a text, the longest at each place; found ones do not overlap.

A tree of dictionaries: nearly every piece begins no phrase and costs one look-up.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Generic, TypeVar

from salus.assistants.cases.notes.pieces import Piece

T = TypeVar("T")
Found = tuple[int, int, T]  # its first piece, the piece after its last, what stands there
HERE = 0  # the key of what ends at a node; all other keys are pieces that go on


class Trie(Generic[T]):
    def __init__(self) -> None:
        self.root: dict[Any, Any] = {}

    def add(self, forms: Iterable[str], what: T) -> None:
        """Put `what` at the end of these forms; several things may stand at one end."""
        node = self.root
        for form in forms:
            node = node.setdefault(form, {})
        if node is not self.root and what not in node.setdefault(HERE, []):
            node[HERE].append(what)

    def __contains__(self, forms: Iterable[str]) -> bool:
        """Whether something stands at the end of these forms."""
        node: Any = self.root
        for form in forms:
            if (node := node.get(form)) is None:
                return False
        return HERE in node

    def scan(self, pieces: Sequence[Piece], at: int, end: int) -> Iterator[Found[list[T]]]:
        """What stands from piece `at` to before piece `end`."""
        root = self.root
        while at < end:
            piece = pieces[at]
            node = root.get(piece[2]) or (root.get(piece[3]) if piece[3] else None)
            if node is None:
                at += 1
                continue
            what, after = longest(node, pieces, at + 1, end)
            if what is None:
                at += 1
            else:
                yield at, after, what
                at = after


def longest(node: dict[Any, Any], pieces: Sequence[Piece], at: int, end: int) -> tuple[Any, int]:
    """The longest phrase that goes on from this node: what stands at its end, and the piece after it."""
    what, after = node.get(HERE), at
    while at < end:
        piece = pieces[at]
        further = node.get(piece[2]) or (node.get(piece[3]) if piece[3] else None)
        if further is None:
            break
        node, at = further, at + 1
        if HERE in node:
            what, after = node[HERE], at
    return what, after
