"""What no index knows is looked up in the body: identifiers of references, displays, types of identifiers.

https://hl7.org/fhir/R4/search.html#modifiers
"""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any

import orjson

from salus import fhir
from salus.base.errors import Malformed
from salus.fhir.definitions import elements
from salus.fhir.path import split_union, steps_of
from salus.records.search.terms import Term, divide

Test = Callable[[bytes], bool]
Place = tuple[str, Any]  # a type and JSON of it


@cache
def routes(type: str, expression: str) -> tuple[tuple[str, ...], ...]:
    """The ways from a resource of this type to what a parameter looks at."""
    found = [steps_of(part) for part in split_union(expression)]
    return tuple(tuple(steps[1:]) for steps in found if steps[0] in (type, "Resource", "DomainResource"))


def reach(type: str, value: Any, steps: tuple[str, ...]) -> Iterator[Place]:
    """The places that the steps (see `salus.fhir.path`) lead to, from a place."""
    if not steps:
        yield type, value
    elif steps[0][0] == "@":
        yield from reach(type, value, steps[1:])
    elif isinstance(value, dict):
        only = steps[1][1:] if steps[1:2] and steps[1][0] == ":" else None
        rest = steps[2 if only else 1 :]
        for name, below in fields(type, steps[0]):
            if only in (None, below) and name in value:
                yield from within(below, value[name], rest)


def within(type: str, value: Any, steps: tuple[str, ...]) -> Iterator[Place]:
    """As `reach`, from each item of what may be a list, where a first step may choose among them."""
    items = value if isinstance(value, list) else [value]
    if steps and steps[0][0] in "[?":
        items, steps = chosen(items, steps[0]), steps[1:]
    for item in items:
        yield from reach(type, item, steps)


def chosen(items: list[Any], step: str) -> list[Any]:
    """
    >>> chosen([{"system": "email"}, {"system": "fax"}], "?system=fax"), chosen(["a", "b"], "[0]")
    ([{'system': 'fax'}], ['a'])
    """
    if step[0] == "[":
        place = int(step[1:-1])
        return items[place : place + 1]
    name, _, wanted = step[1:].partition("=")
    return [item for item in items if item.get(name) == wanted]


@cache
def fields(type: str, step: str) -> tuple[tuple[str, str], ...]:
    """JSON name and type of each form that an element of a type may take."""
    try:
        known = elements(type)
    except KeyError:  # a primitive has nothing below
        return ()
    return tuple(field for element in known if element.name in (step, f"{step}[x]") for field in element.fields)


def of_body(type: str, term: Term) -> Test:
    """The test of a body that a term's modifier asks for. Raises Malformed for a value that cannot be read."""
    tests = [MODIFIERS[term.modifier](term, value) for value in term.values]
    ways = routes(type, term.parameter.expression)

    def holds(body: bytes) -> bool:
        resource = orjson.loads(body)
        places = (place for way in ways for place in reach(type, resource, way))
        return any(test(*place) for place in places for test in tests)

    return holds


# --- a test of one place, by modifier ---

Here = Callable[[str, Any], bool]


def identifier(term: Term, value: str) -> Here:
    """`subject:identifier=system|value`: the reference says whom it means, not where."""
    means = coded(value)

    def holds(type: str, found: Any) -> bool:
        named = found.get("identifier", {}) if type == "Reference" else {}
        return "value" in named and means(named.get("system"), named["value"])

    return holds


def of_type(term: Term, value: str) -> Here:
    """`identifier:of-type=system|code|value`: the type of the identifier is coded so."""
    parts = [part.replace("\\|", "|") for part in re.split(r"(?<!\\)\|", value)]
    if len(parts) != 3 or not all(parts):
        raise Malformed(f"{term.name}:of-type={value[:80]}: give system|code|value", path=f"{term.name}:of-type")
    system, code, wanted = parts

    def holds(type: str, found: Any) -> bool:
        if type != "Identifier" or found.get("value") != wanted:
            return False
        codings = found.get("type", {}).get("coding", [])
        return any((coding.get("system"), coding.get("code")) == (system, code) for coding in codings)

    return holds


def text(term: Term, value: str) -> Here:
    """`code:text=head pain`: each word begins a word of one display or text."""
    wanted = words(value)
    if not wanted:
        raise Malformed(f"{term.name}:text={value[:80]}: give words to look for", path=f"{term.name}:text")

    def holds(type: str, found: Any) -> bool:
        return any(all(any(word.startswith(part) for word in words(said)) for part in wanted) for said in told(found))

    return holds


def told(found: Any) -> Iterable[str]:
    """The words beside a code, a coding or an identifier."""
    if not isinstance(found, dict):
        return []
    concept = found.get("type", {}) if isinstance(found.get("type"), dict) else {}
    said = [found.get("text"), found.get("display"), concept.get("text")]
    said += [coding.get("display") for coding in [*found.get("coding", []), *concept.get("coding", [])]]
    return [one for one in said if one]


def words(said: str) -> list[str]:
    """
    >>> words("Schädel-Hirn, Trauma")
    ['schadel', 'hirn', 'trauma']
    """
    return re.findall(r"\w+", fhir.normalize(said))


def coded(value: str) -> Callable[[str | None, str], bool]:
    """Whether a system and a code are those of a token value.

    >>> coded("s|")("s", "c"), coded("|c")("s", "c"), coded("c")("s", "c")
    (True, False, True)
    """
    system, bar, code = divide(value)
    if not bar:
        return lambda _, found: found == system
    if not code:
        return lambda found, _: found == system
    return lambda found, named: (found or "", named) == (system, code)


MODIFIERS: dict[str, Callable[[Term, str], Here]] = {"identifier": identifier, "of-type": of_type, "text": text}
