"""Composite parameters: `code-value-quantity=8480-6$gt140`. The parts must match within one element.

https://hl7.org/fhir/R4/search.html#combining

The index finds resources that have all parts somewhere; where they might stand in different elements, the body is
opened and each element indexed alone.
"""

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import msgspec

from salus import fhir
from salus.base.errors import Invalid, Malformed
from salus.fhir.definitions import definitions
from salus.fhir.shapes import attribute
from salus.records.search.ranges import measures, spans
from salus.records.search.reaching import Test, coded, routes
from salus.records.search.setting import Setting
from salus.records.search.shelf import Arguments, Match
from salus.records.search.terms import Term

Part = tuple[Term, Match]
Row = tuple[Any, ...]
Judge = Callable[[Row], bool]
Route = tuple[str, ...]


def parts(type: str, term: Term, value: str) -> list[Term]:
    """One term a component. Raises Malformed when there are more or fewer values than components."""
    found = [part.replace("\\$", "$") for part in re.split(r"(?<!\\)\$", value)]
    components = term.parameter.components
    if len(found) != len(components) or not all(found):
        names = "$".join(component.name for component in components)
        raise Malformed(f"{term.name}={value[:80]}: give {names}", path=term.name)
    known = fhir.parameters(type)
    named = zip(components, found, strict=True)
    return [Term(component.name, "", (text,), known[component.name]) for component, text in named]


def joined(setting: Setting, type: str, term: Term, options: list[list[Part]]) -> Match:
    """Any of the options, of each all parts; rows by the rarest part of each."""
    rows, probes, arguments = [], [], Arguments()
    for option in options:
        first, *others = sorted((match for _, match in option), key=setting.rarity)
        asked = [other.probe or other.condition for other in others]
        rows.append(" AND ".join([f"SELECT r.row FROM resource r WHERE r.row IN ({first.rows})", *asked]))
        probes.append(" AND ".join([first.probe or first.condition, *asked]))
        arguments += [argument for match in (first, *others) for argument in match.arguments]
    sql = " UNION ".join(rows)
    probe = " OR ".join(f"({probe})" for probe in probes)
    found = Match(sql, f"{setting.dialect.unindexed.format('r.row')} IN ({sql})", arguments, probe=f"({probe})")
    if routes(type, term.parameter.expression) != ((),):  # else the element is the resource
        found.check = setting.check(together(type, term, [[judge(part) for part, _ in option] for option in options]))
    return found


def missing(setting: Setting, type: str, term: Term, wanted: bool) -> Match:
    """Whether no element has all parts."""
    test = together(type, term, [[lambda row: True for _ in term.parameter.components]])
    check = setting.check(lambda body: test(body) != wanted)
    kind = setting.kinds.numbers[type]
    return Match(f"SELECT row FROM resource WHERE type={kind}", "TRUE", [], negated=True, check=check)


def together(type: str, term: Term, options: list[list[Judge]]) -> Test:
    """The test of a body: some element has, for all parts of an option, a row that the part's judge accepts."""
    components = term.parameter.components
    ways = routes(type, term.parameter.expression)
    shelves = {way: [paths_below(type, term.parameter, way, n) for n in range(len(components))] for way in ways}

    def holds(body: bytes) -> bool:
        try:
            resource = fhir.decode(body, type).resource
        except Invalid:  # it was stored under laxer rules than today's
            return False
        for way in ways:
            for alone in elements_alone(resource, way):
                indexed = fhir.index(type, alone)
                found = [rows_of(indexed, part.kind, shelves[way][n]) for n, part in enumerate(components)]
                if any(all(any(map(*pair)) for pair in zip(option, found, strict=True)) for option in options):
                    return True
        return False

    return holds


def elements_alone(resource: Any, way: Route) -> Iterator[Any]:
    """The resource with only one of the elements at a time; as it is for the way to itself."""
    if not way:
        yield resource
        return
    name = attribute(way[0])
    found = getattr(resource, name)
    for one in found if isinstance(found, list) else [] if found is None else [found]:
        yield msgspec.structs.replace(resource, **{name: [one] if isinstance(found, list) else one})


@cache
def names() -> dict[int, str]:
    return {number: name for name, number in definitions()["paths"].items()}


@cache
def paths_below(type: str, parameter: fhir.Parameter, way: Route, component: int) -> frozenset[int]:
    """The paths of a component that stand in the element at the end of a way; all where none does (`%resource`)."""
    deeper = [f"{'.'.join([type, *other])}." for other in routes(type, parameter.expression) if len(other) > len(way)]
    here = f"{'.'.join([type, *way])}."
    paths = parameter.components[component].paths
    below = [path for path in paths if names()[path].startswith(here) and not names()[path].startswith(tuple(deeper))]
    return frozenset(below or paths)


ROWS = {
    "token": "tokens",
    "string": "strings",
    "date": "dates",
    "reference": "references",
    "quantity": "quantities",
    "number": "numbers",
    "uri": "uris",
}


def rows_of(indexed: fhir.Indexed, kind: str, paths: frozenset[int]) -> list[Row]:
    return [row[1:] for row in getattr(indexed, ROWS[kind]) if row[0] in paths]


def judge(term: Term) -> Judge:
    """Whether a row of the index, without its path, is what a part asks for."""
    return JUDGES[term.parameter.kind](term, term.values[0])


def _quantity(term: Term, value: str) -> Judge:
    amount, *unit = value.split("|")
    holds = measures(term, amount)
    if not unit:
        return lambda row: holds(row[0])
    system, code = unit[0], unit[1] if len(unit) > 1 else ""
    means = coded(f"{system}|{code}" if system else code)
    return lambda row: holds(row[0]) and row[2] is not None and means(row[1], row[2])


def _reference(term: Term, value: str) -> Judge:
    kind, slash, id = value.rpartition("/")
    if ":" in value:
        return lambda row: bool(row[1] == value)
    return lambda row: row[1] == id and (not slash or row[0] == kind)


def _string(term: Term, value: str) -> Judge:
    start = fhir.normalize(value)
    return lambda row: bool(row[0].startswith(start))


def _token(term: Term, value: str) -> Judge:
    means = coded(value)
    return lambda row: means(*row)


def _date(term: Term, value: str) -> Judge:
    holds = spans(term, value)
    return lambda row: holds(*row)


def _number(term: Term, value: str) -> Judge:
    holds = measures(term, value)
    return lambda row: holds(*row)


JUDGES: dict[str, Callable[[Term, str], Judge]] = {
    "token": _token,
    "string": _string,
    "date": _date,
    "reference": _reference,
    "quantity": _quantity,
    "number": _number,
    "uri": lambda term, value: lambda row: bool(row[0] == value),
}
