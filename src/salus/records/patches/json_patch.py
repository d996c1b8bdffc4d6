"""JSON Patch: add, remove, replace, move, copy, test. https://www.rfc-editor.org/rfc/rfc6902"""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from salus.base.errors import Conflict, Invalid, Malformed, SalusError
from salus.records.patches.text import MOST_STEPS, Copier, Json, Patch, read

INDEX = re.compile(r"0|[1-9][0-9]{0,8}").fullmatch
ESCAPED = re.compile(r"(?:[^~]|~[01])*").fullmatch
NEEDS = {"add": "value", "replace": "value", "test": "value", "move": "from", "copy": "from", "remove": "path"}


def json_patch(data: bytes) -> Patch:
    """The patch that these bytes say. Raises Malformed, naming the step, for what is no JSON Patch."""
    steps = read(data)
    if not isinstance(steps, list):
        raise Malformed('A JSON Patch is a list of operations: send [{"op": ..., "path": ...}]')
    if len(steps) > MOST_STEPS:
        raise Malformed(f"The patch has {len(steps)} operations; {MOST_STEPS} are the most: send the resource by PUT")
    ready = [_step(step, f"[{n}]") for n, step in enumerate(steps)]

    def apply(body: Json) -> Json:
        hands = Hands(body)
        for n, (op, path, source, value) in enumerate(ready):
            try:
                VERBS[op](hands, path, source, value)
            except SalusError as fault:
                raise type(fault)(f"Operation {n} ({op} {pointer(path)[:120]}): {fault}", path=f"[{n}]") from None
        return hands.body

    return apply


Step = tuple[str, list[str], list[str], Json]


def _step(step: Json, where: str) -> Step:
    op = step.get("op") if isinstance(step, dict) else None
    if not isinstance(op, str) or op not in NEEDS:
        raise Malformed(f"{where}.op is {str(op)[:40]}: use one of {', '.join(NEEDS)}", path=f"{where}.op")
    if NEEDS[op] not in step:
        raise Malformed(f"{where} is to {op} but has no '{NEEDS[op]}': add it", path=f"{where}.{NEEDS[op]}")
    path = tokens(step.get("path"), f"{where}.path")
    source = tokens(step["from"], f"{where}.from") if NEEDS[op] == "from" else []
    return op, path, source, step.get("value")


def tokens(text: Any, where: str = "path") -> list[str]:
    """The steps of a JSON Pointer (https://www.rfc-editor.org/rfc/rfc6901). Raises Malformed.

    >>> tokens("/name/0/a~1b"), tokens("")
    (['name', '0', 'a/b'], [])
    """
    if not isinstance(text, str) or (text and text[0] != "/") or not ESCAPED(text):
        raise Malformed(f"{where} is {str(text)[:80]}: write a JSON Pointer such as /name/0/family", path=where)
    return [token.replace("~1", "/").replace("~0", "~") for token in text.split("/")[1:]]


def pointer(path: list[str]) -> str:
    """
    >>> pointer(["name", "a/b"])
    '/name/a~1b'
    """
    return "".join("/" + token.replace("~", "~0").replace("/", "~1") for token in path)


class Hands:
    """Does one patch to one body. Raises Invalid where a path leads nowhere, Conflict where a test fails."""

    def __init__(self, body: Json) -> None:
        self.body = body
        self._copier = Copier()

    def add(self, path: list[str], source: list[str], value: Json) -> None:
        if not path:
            self.body = value
            return
        holder, last = self._at(path[:-1]), path[-1]
        if isinstance(holder, list):
            holder.insert(len(holder) if last == "-" else place(last, len(holder)), value)
        elif isinstance(holder, dict):
            holder[last] = value
        else:
            raise Invalid(f"{pointer(path[:-1]) or 'the body'} is no object or list: nothing can be added to it")

    def remove(self, path: list[str], source: list[str], value: Json) -> Json:
        if not path:
            raise Invalid("The whole resource cannot be removed by a patch: use DELETE")
        gone = self._at(path)
        holder, last = self._at(path[:-1]), path[-1]
        del holder[int(last) if isinstance(holder, list) else last]
        return gone

    def replace(self, path: list[str], source: list[str], value: Json) -> None:
        if path:
            holder, last = self._at(path[:-1]), path[-1]
            self._at(path)
            holder[int(last) if isinstance(holder, list) else last] = value
        else:
            self.body = value

    def move(self, path: list[str], source: list[str], value: Json) -> None:
        if path != source and path[: len(source)] == source:
            raise Invalid(f"{pointer(source)} cannot be moved into itself")
        self.add(path, [], self.remove(source, [], None))

    def copy(self, path: list[str], source: list[str], value: Json) -> None:
        self.add(path, [], self._copier.copy(self._at(source), pointer(source)))

    def test(self, path: list[str], source: list[str], value: Json) -> None:
        if not same(self._at(path), value):
            raise Conflict("what stands there is not what the test expects: read the resource again")

    def _at(self, path: list[str]) -> Json:
        found = self.body
        for n, token in enumerate(path):
            if isinstance(found, list):
                found = found[place(token, len(found) - 1)]
            elif isinstance(found, dict) and token in found:
                found = found[token]
            else:
                raise Invalid(f"{pointer(path[: n + 1])[:120]} leads nowhere: read the resource again")
        return found


def place(token: str, most: int) -> int:
    """Raises Invalid for what is no place of a list."""
    if not INDEX(token) or int(token) > most:
        raise Invalid(f"'{token[:40]}' is no place in a list with places up to {most}")
    return int(token)


def same(one: Json, other: Json) -> bool:
    """Equality as JSON has it: numbers by value, true is not 1.

    >>> same({"a": [1, True]}, {"a": [Decimal("1.0"), True]}), same(True, 1)
    (True, False)
    """
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[name]) for name, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    numeric = all(isinstance(part, int | Decimal) and not isinstance(part, bool) for part in (one, other))
    return bool(one == other) if numeric else type(one) is type(other) and bool(one == other)


VERBS: dict[str, Callable[[Hands, list[str], list[str], Json], object]] = {
    "add": Hands.add,
    "remove": Hands.remove,
    "replace": Hands.replace,
    "move": Hands.move,
    "copy": Hands.copy,
    "test": Hands.test,
}
