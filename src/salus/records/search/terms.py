"""One condition of a query: a parameter of the type, or a chain that ends in a parameter of another type.

https://hl7.org/fhir/R4/search.html#chaining https://hl7.org/fhir/R4/search.html#has
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from salus import fhir
from salus.base.errors import Malformed, Unsupported

MOST_VALUES = 500  # of one parameter
MOST_HOPS = 6  # of a chain
MOST_BRANCHES = 8  # types that one hop of a chain may mean
HL7 = "http://hl7.org/fhir/SearchParameter/"
WORDS = {  # what is searched by words in the bodies
    "_text": fhir.Parameter("_text", "string", (), (), (), f"{HL7}DomainResource-text", ""),
    "_content": fhir.Parameter("_content", "string", (), (), (), f"{HL7}Resource-content", ""),
}
PLAIN = ("Binary", "Bundle", "Parameters")  # types without a narrative


@dataclass(frozen=True, slots=True)
class Term:
    """One condition: a parameter of the type, its modifier, and the values of which one must match.

    Of a chain, `parameter` is the reference and `inner` what must hold, by type, of what it refers to; of a `reverse`
    one (`_has`), `parameter` belongs to the other type and `inner` must hold of what refers here.
    Of a `_filter`, `joint` is the word between its `parts`; each comparison in it stands `at` a place of its text.
    """

    name: str
    modifier: str
    values: tuple[str, ...]
    parameter: fhir.Parameter
    inner: tuple[tuple[str, "Term"], ...] = ()
    reverse: bool = False
    joint: str = ""
    parts: tuple["Term", ...] = ()
    at: int = 0

    def looks(self) -> Iterator[str]:
        """The types that a chain looks into, along all of it."""
        for part in self.parts:
            yield from part.looks()
        if self.name == "_list":
            yield "List"
        if self.parameter.kind == "reference" and self.modifier in ("above", "below"):
            bare = any("/" not in value for value in self.values)
            named = {value.partition("/")[0] for value in self.values}
            yield from (type for type in self.parameter.targets if bare or type in named)
        for type, inner in self.inner:
            yield type
            yield from inner.looks()


def term(type: str, key: str, value: str, hops: int = 0) -> Term:
    """One condition. Raises Unsupported for what is not a parameter of the type, Malformed for a half chain."""
    if hops > MOST_HOPS:
        raise Unsupported(f"'{key[:80]}' goes on after {MOST_HOPS} references: search in two steps", path=key[:80])
    if key.startswith("_has:"):
        return _has(type, key, value, hops)
    head, dot, rest = key.partition(".")
    if dot:
        return _chain(type, head, rest, value, hops)
    name, _, modifier = key.partition(":")
    parameter = known(type, name)
    found = values(value)
    if len(found) > MOST_VALUES:
        raise Unsupported(
            f"'{name}' has {len(found)} values: give {MOST_VALUES} at most, in several searches", path=name
        )
    return Term(name, modifier, found, parameter)


def known(type: str, name: str) -> fhir.Parameter:
    """The parameter of a type by this name. Raises Unsupported."""
    if name in WORDS and (name == "_content" or type not in PLAIN):
        return WORDS[name]
    found = fhir.parameters(type)
    if name not in found:
        raise Unsupported(
            f"'{name[:80]}' is not a search parameter of {type}: use one of {', '.join(sorted(found))}",
            path=f"{type}.{name[:80]}",
        )
    return found[name]


def _chain(type: str, head: str, rest: str, value: str, hops: int) -> Term:
    """`subject:Patient.name=x`, `patient.name=x`: what is referred to is such."""
    name, _, only = head.partition(":")
    parameter, path = known(type, name), f"{type}.{head[:80]}.{rest[:80]}"
    if parameter.kind != "reference":
        raise Unsupported(f"'{name}' of {type} is a {parameter.kind}, no reference: nothing follows it", path=path)
    if only and only not in parameter.targets:
        raise Unsupported(f"'{head[:80]}': {name} of {type} does not refer to {only[:40]}", path=path)
    inner = tuple(_branches([only] if only else list(parameter.targets), rest, value, hops))
    if len(inner) > MOST_BRANCHES:
        raise Unsupported(
            f"'{head[:80]}.{rest[:80]}' may mean {len(inner)} types: say which, as {name}:Patient", path=path
        )
    return Term(name, only, (), parameter, inner)


def _branches(types: list[str], rest: str, value: str, hops: int) -> Iterator[tuple[str, Term]]:
    """The rest of a chain for each type that knows it. Raises for the rest as for a parameter where none does."""
    fault, found = None, 0
    for type in types:
        try:
            made = term(type, rest, value, hops + 1)
        except Unsupported as refused:
            fault = refused
        else:
            found += 1
            yield type, made
    if fault and not found:
        raise fault


def _has(type: str, key: str, value: str, hops: int) -> Term:
    """`_has:Observation:patient:code=x`: some resource that refers here by `patient` is such."""
    parts = key.split(":", 3)
    if len(parts) < 4 or not parts[3]:
        raise Malformed(f"'{key[:80]}' is half of a condition: write _has:Type:reference:parameter", path=key[:80])
    _, source, name, rest = parts
    if source not in fhir.RESOURCE_TYPES:
        raise Unsupported(f"'{source[:40]}' is not a resource type of FHIR R4", path=key[:80])
    parameter = known(source, name)
    if parameter.kind != "reference" or type not in parameter.targets:
        raise Unsupported(f"'{key[:80]}': {name[:40]} of {source} does not refer to {type}", path=key[:80])
    return Term(name, "", (), parameter, ((source, term(source, rest, value, hops + 1)),), reverse=True)


def values(text: str) -> tuple[str, ...]:
    r"""The values between the commas; `\,` `\|` `\$` are not separators (`\|` and `\$` stay for their kind).

    >>> values(r"a,b\,c")
    ('a', 'b,c')
    """
    if "\\" not in text:
        return tuple(text.split(","))
    return tuple(part.replace("\\,", ",") for part in re.split(r"(?<!\\),", text))


def divide(value: str) -> tuple[str, str, str]:
    r"""System, bar, code; a bar after a backslash is part of the text.

    >>> divide("s|c"), divide(r"a\|b")
    (('s', '|', 'c'), ('a|b', '', ''))
    """
    if "\\" not in value:
        return value.partition("|")
    parts = re.split(r"(?<!\\)\|", value, maxsplit=1)
    first, rest = parts[0].replace("\\|", "|"), parts[1:]
    return (first, "|", rest[0].replace("\\|", "|")) if rest else (first, "", "")
