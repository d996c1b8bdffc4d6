"""Functions on texts, and regular expressions that cannot run away. https://hl7.org/fhirpath/N1/#string-manipulation"""

from time import perf_counter
from typing import Any

import regex  # type: ignore[import-untyped]  # it ships no types

from salus.fhir.fhirpath.collections import Eager, whole
from salus.fhir.fhirpath.nodes import system
from salus.fhir.fhirpath.patterns import in_time, pattern
from salus.fhir.fhirpath.scope import Nodes, Scope, number, single, text, told

SPEED = 200_000  # items that a second of matching counts as
CHARACTERS = 100  # of text that count as one item
LONGEST = 200_000  # characters of a text that an expression makes


def texted(items: Nodes) -> str | None:
    """The one text; None where there is none. Raises TypeError for anything else."""
    node = single(items)
    if node is None or node.value is None:
        return None
    if system(node) not in ("String", "Date", "DateTime", "Time"):
        raise TypeError(f"a text belongs here, not {node.kind}")
    return str(node.value)


def of_texts(function: Any, make: Any, characters: int = CHARACTERS) -> Eager:
    """A function of a text and texts; nothing where one of them is missing. So many characters count as an item."""

    def run(scope: Scope, items: Nodes, *arguments: Nodes) -> Nodes:
        values = [texted(items), *(texted(argument) for argument in arguments)]
        scope.spend(sum(len(value or "") for value in values) // characters)
        return [] if None in values else make(function(*values))

    return run


def of_patterns(function: Any, make: Any) -> Eager:
    """As `of_texts`, of a function that matches: its time is counted as items."""
    eager = of_texts(function, make)

    def run(scope: Scope, items: Nodes, *arguments: Nodes) -> Nodes:
        start = perf_counter()
        found = eager(scope, items, *arguments)
        scope.spend(int((perf_counter() - start) * SPEED))
        return found

    return run


def matches(value: str, source: str) -> bool:
    return in_time(pattern(source).search, value) is not None


def matches_full(value: str, source: str) -> bool:
    return in_time(pattern(source).fullmatch, value) is not None


def replaced_matches(value: str, source: str, new: str) -> str:
    bounded(len(value) * new.count("$") + (len(value) + 1) * len(new))
    filler = regex.sub(r"\$(\d+|\{\w+\})", lambda m: rf"\g<{m[1].strip('{}')}>", new.replace("\\", r"\\"))
    return str(in_time(pattern(source).sub, filler, value)) if source else value


def bounded(length: int) -> None:
    """Raises TypeError for the length of a text that is too long to make."""
    if length > LONGEST:
        raise TypeError(f"the text gets longer than {LONGEST:,} characters")


def replaced(value: str, old: str, new: str) -> str:
    bounded(len(value) + value.count(old) * max(0, len(new) - len(old)))
    return value.replace(old, new)


def substring(scope: Scope, items: Nodes, start: Nodes, length: Nodes | None = None) -> Nodes:
    value = texted(items)
    if value is None or not start or not 0 <= whole(start) < len(value):
        return []
    scope.spend(len(value) // CHARACTERS)
    end = whole(start) + max(0, whole(length)) if length else len(value)
    return text(value[whole(start) : end])


def joined(scope: Scope, items: Nodes, separator: Nodes | None = None) -> Nodes:
    between = (texted(separator) if separator else "") or ""
    parts = [texted([node]) or "" for node in items]
    bounded(sum(map(len, parts)) + len(between) * len(parts))
    return text(between.join(parts)) if items else []


def listed(values: list[str]) -> Nodes:
    return [node for value in values for node in text(value)]


EAGER: dict[str, tuple[Eager, int, int]] = {
    "indexOf": (of_texts(str.find, number), 1, 1),
    "lastIndexOf": (of_texts(str.rfind, number), 1, 1),
    "substring": (substring, 1, 2),
    "startsWith": (of_texts(str.startswith, told), 1, 1),
    "endsWith": (of_texts(str.endswith, told), 1, 1),
    "contains": (of_texts(str.__contains__, told), 1, 1),
    "upper": (of_texts(str.upper, text), 0, 0),
    "lower": (of_texts(str.lower, text), 0, 0),
    "trim": (of_texts(str.strip, text), 0, 0),
    "replace": (of_texts(replaced, text), 2, 2),
    "matches": (of_patterns(matches, told), 1, 1),
    "matchesFull": (of_patterns(matches_full, told), 1, 1),
    "replaceMatches": (of_patterns(replaced_matches, text), 2, 2),
    "length": (of_texts(len, number), 0, 0),
    "toChars": (of_texts(list, listed, 1), 0, 0),
    "split": (of_texts(str.split, listed, 1), 1, 1),
    "join": (joined, 0, 1),
}
