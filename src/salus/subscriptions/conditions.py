"""A search condition asked of one version of a resource, in memory: what an index would say of it, without an index.

https://hl7.org/fhir/R4/search.html  The same words as a search, less what looks beyond the resource (chains, `_has`,
`:in`, composites): those are refused where the condition is read.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl

import orjson

from salus import fhir
from salus.base.errors import Malformed, Unsupported
from salus.records import Version
from salus.records.drafts import again
from salus.records.search.matching import wanted_missing
from salus.records.search.ranges import measures, spans
from salus.records.search.terms import Term, divide, term

MODIFIERS = {
    "token": frozenset({"not", "missing"}),
    "reference": frozenset({"missing"}),
    "date": frozenset({"missing"}),
    "string": frozenset({"exact", "contains", "missing"}),
    "quantity": frozenset({"missing"}),
    "number": frozenset({"missing"}),
    "uri": frozenset({"missing"}),
}


@dataclass
class Seen:
    """One version, opened as often as it is asked and read once."""

    version: Version

    @cached_property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = orjson.loads(self.version.body)
        return found

    @cached_property
    def indexed(self) -> fhir.Indexed:
        return again(self.version.type, self.version.body)


Test = Callable[[Seen], bool]


def conditions(type: str, query: str) -> list[Test]:
    """What `name=value&name=value` asks of a resource of this type; all of it must hold.

    Raises Unsupported, Malformed for what is not served here.
    """
    return [condition(type, key, value) for key, value in parse_qsl(query, keep_blank_values=True)]


def condition(type: str, key: str, value: str) -> Test:
    """One of them."""
    if not value:
        raise Malformed(f"'{key[:80]}' has no value: give one", path=key[:80])
    found = term(type, key, value)
    if key == "_id":
        return lambda seen: seen.version.id in found.values
    known = MODIFIERS.get(found.parameter.kind, frozenset())
    if found.inner or not found.parameter.paths or (found.modifier and found.modifier not in known):
        raise Unsupported(
            f"'{key[:80]}' cannot be asked of a change: use parameters of {type} itself, without chains"
            + (f", with {', '.join(':' + one for one in sorted(known))} or no modifier" if known else ""),
            path=key[:80],
        )
    if found.modifier == "missing":
        missing = wanted_missing(found)
        return lambda seen: any(True for _ in rows(found, seen)) != missing
    tests = [MAKERS[found.parameter.kind](found, one) for one in found.values]
    negated = found.modifier == "not"
    return lambda seen: any(test(row) for row in rows(found, seen) for test in tests) != negated


def rows(of: Term, seen: Seen) -> list[tuple[Any, ...]]:
    """What the index would have of it for this parameter, without the path."""
    paths = set(of.parameter.paths)
    return [row[1:] for row in getattr(seen.indexed, LISTS[of.parameter.kind]) if row[0] in paths]


LISTS = {
    "token": "tokens",
    "reference": "references",
    "date": "dates",
    "string": "strings",
    "quantity": "quantities",
    "number": "numbers",
    "uri": "uris",
}
Row = tuple[Any, ...]
OfRow = Callable[[Row], bool]


def of_token(of: Term, value: str) -> OfRow:
    """`code`, `system|code`, `|code`, `system|`."""
    system, bar, code = divide(value)
    if not bar:
        return lambda row: bool(row[1] == system)
    if not code:
        return lambda row: bool(row[0] == system)
    return lambda row: bool(row == ((system or None), code))


def of_reference(of: Term, value: str) -> OfRow:
    """`Type/id`, `id` or a URL."""
    kind, slash, id = value.rpartition("/")
    if ":" in value:
        return lambda row: row[0] is None and row[1] == value
    if slash and kind not in fhir.RESOURCE_TYPES:
        raise Malformed(f"{of.name}={value[:80]}: give Type/id, an id or a URL", path=of.name)
    types = (kind,) if slash else of.parameter.targets
    return lambda row: row[1] == id and row[0] in types


def of_date(of: Term, value: str) -> OfRow:
    test = spans(of, value)
    return lambda row: test(row[0], row[1])


def of_string(of: Term, value: str) -> OfRow:
    if of.modifier == "exact":
        return lambda row: bool(row[1] == value)
    text = fhir.normalize(value)
    if of.modifier == "contains":
        return lambda row: text in row[0]
    return lambda row: bool(row[0].startswith(text))


def of_quantity(of: Term, value: str) -> OfRow:
    """`number`, `number|system|code` or `number||code`."""
    amount, *unit = value.split("|")
    test, code = measures(of, amount), unit[1] if len(unit) > 1 else ""
    if not unit:
        return lambda row: test(row[0])
    return lambda row: test(row[0]) and (not code or row[2] == code) and (not unit[0] or row[1] == unit[0])


def of_number(of: Term, value: str) -> OfRow:
    test = measures(of, value)
    return lambda row: test(row[0])


def of_uri(of: Term, value: str) -> OfRow:
    return lambda row: bool(row[0] == value)


MAKERS: dict[str, Callable[[Term, str], OfRow]] = {
    "token": of_token,
    "reference": of_reference,
    "date": of_date,
    "string": of_string,
    "quantity": of_quantity,
    "number": of_number,
    "uri": of_uri,
}
