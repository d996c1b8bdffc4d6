"""`_sort`: the SQL of each sort key, and the condition that goes on where a page ended.

https://hl7.org/fhir/R4/search.html#_sort
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import Any

from salus import fhir
from salus.base.errors import Malformed
from salus.records import compartments, drafts
from salus.records.search.bunches import texts as bunches_told
from salus.records.search.query import Query
from salus.records.search.setting import Line, Setting, numbers
from salus.records.search.shelf import Arguments, Piece
from salus.records.shelves import LONGEST

FIRST, LAST = "-9000000000000000000", "9000000000000000000"  # before and after every whole number that is stored
TOP = "\U0010ffff"
# References by what they name, not by its row: that would tell who was heard of first.
NAMED = "(SELECT f.row, f.path, a.type || '/' || {id} AS name FROM ref f JOIN resource a ON a.row=f.target) n"
# table, column when ascending, column when descending, what comes after all when ascending, and when descending
KEYS = {
    "date": ("dates", "min(low)", "max(high)", LAST, FIRST),
    "quantity": ("quantity", "min(value)", "max(value)", "9e18", "-9e18"),
    "number": ("number", "min(value)", "max(value)", "9e18", "-9e18"),
    "string": ("string", "min(text)", "max(text)", f"'{TOP}'", "''"),
    "token": ("token JOIN code USING(code)", "min(code.text)", "max(code.text)", f"'{TOP}'", "''"),
    "uri": ("token JOIN code USING(code)", "min(code.text)", "max(code.text)", f"'{TOP}'", "''"),
    "reference": (NAMED, "min(name)", "max(name)", f"'{TOP}'", "''"),
}
FEW = 2000  # rows whose bodies are rather opened than every value of an index read
ROWS: dict[str, Callable[[tuple[Any, ...]], Any]] = {  # no index leads from a row to these: the value of an index row
    "token": lambda row: row[2],
    "uri": lambda row: row[1],
    "string": lambda row: row[1][:LONGEST],
    "number": lambda row: float(row[1]),
}
Value = str | float
Sight = Callable[[bytes], Value]
ENDS: dict[tuple[bool, bool], Value] = {
    (False, False): 9e18,
    (False, True): -9e18,
    (True, False): TOP,
    (True, True): "",
}


@dataclass(frozen=True, slots=True)
class Key:
    """An expression over `r` (and its join) that is never NULL: what has no value comes last, either way.

    With `see`, the value is seen in the body instead, and the expression is only its place; or the bunch of a line,
    where the codes at `paths` are sorted by.
    """

    expression: str
    descending: bool
    join: str = ""
    see: Sight | None = None
    paths: frozenset[int] = frozenset()


def keys(setting: Setting, query: Query, fewest: int, of_lines: bool = False) -> list[Key]:
    """The sort keys, ending in the row number, so that the order is total. `fewest`: how many rows are sorted, which
    are lines of a timeline or resources."""
    few = fewest <= FEW
    made = [_key(setting, query, name, descending, n, few) for n, (name, descending) in enumerate(query.sort)]
    return [*(by_bunch(key) if of_lines else key for key in made), BY_ROW]


BY_ROW = Key("r.row", False)
BY_DATE = {
    down: Key(f"CASE r.date WHEN 0 THEN {FIRST if down else LAST} ELSE r.date END", down) for down in (False, True)
}


def by_bunch(key: Key) -> Key:
    return replace(key, expression="r.bunch") if key.paths else key


def _key(setting: Setting, query: Query, name: str, descending: bool, n: int, few: bool) -> Key:
    type = query.type
    if name == "_id":
        return Key(setting.dialect.hexed.format("r.id"), descending)
    if name == "_lastUpdated":
        return Key("r.t", descending)
    if name == compartments.when(type) and not query.merged:  # when it began, either way
        return BY_DATE[descending]
    parameter = fhir.parameters(type)[name]
    shelf, up, down, top, bottom = KEYS[parameter.kind]
    table = shelf.format(id=setting.dialect.hexed.format("a.id"))
    paths = numbers(parameter.paths)
    value, end = (down, bottom) if descending else (up, top)
    if by_row := setting.dialect.by_row.get(table, ""):
        sql = f"(SELECT {value} FROM {table}{by_row} WHERE row=r.row AND path IN ({paths}))"
        return Key(f"coalesce({sql}, {end})", descending)
    if few and parameter.kind in ROWS:
        coded = frozenset(parameter.paths) if fhir.coded(type).issuperset(parameter.paths) else frozenset[int]()
        return Key("0", descending, see=_value(type, parameter, descending), paths=coded)
    join = (
        f" LEFT JOIN (SELECT row, {value} v FROM {table} WHERE path IN ({paths}) GROUP BY row) s{n} ON s{n}.row=r.row"
    )
    return Key(f"coalesce(s{n}.v, {end})", descending, join)


def _value(type: str, parameter: fhir.Parameter, descending: bool) -> Sight:
    """The sort value of a body, as the index would give it."""
    of_row = ROWS[parameter.kind]
    last = ENDS[parameter.kind != "number", descending]

    def value(body: bytes) -> Value:
        found: list[Value] = [of_row(row) for row in _rows(drafts.again(type, body), parameter)]
        return max(found, default=last) if descending else min(found, default=last)

    return value


def _rows(indexed: fhir.Indexed, parameter: fhir.Parameter) -> list[tuple[Any, ...]]:
    shelves: dict[str, list[Any]] = {
        "token": indexed.tokens,
        "uri": indexed.uris,
        "string": indexed.strings,
        "number": indexed.numbers,
    }
    return [row for row in shelves[parameter.kind] if row[0] in parameter.paths]


def order(made: list[Key]) -> str:
    return ", ".join(f"{key.expression}{' DESC' if key.descending else ''}" for key in made)


def beyond(made: list[Key], anchor: list[Any]) -> Piece:
    """The rows that come after the anchor in this order: (k1 > a1) OR (k1 = a1 AND k2 > a2) ..."""
    options, arguments = [], Arguments()
    for n, key in enumerate(made):
        same = [f"{before.expression}=?" for before in made[:n]]
        options.append(" AND ".join([*same, f"{key.expression}{'<' if key.descending else '>'}?"]))
        arguments += anchor[: n + 1]
    return f"({' OR '.join(f'({option})' for option in options)})", arguments


# --- of values that are seen in bodies ---


def seen(setting: Setting, made: list[Key], lines: Iterable[Line]) -> list[Line]:
    """The lines with all their values, in order."""
    told = list(lines)
    tables = [_of_bunches(setting, key, {line[place] for line in told}) for place, key in enumerate(made)]
    places = [place for place, key in enumerate(made) if key.see]
    opened = [line for line in told if any(line[place] not in tables[place] for place in places)]
    missing = {line[-1] for line in opened}
    found = [
        tuple(table[value] if key.see else value for key, table, value in zip(made, tables, line, strict=True))
        for line in told
        if line[-1] not in missing
    ]
    found += [
        tuple(key.see(one.body) if key.see else value for key, value in zip(made, line, strict=True))
        for line, one in setting.candidates(opened)
    ]
    for place, key in reversed(list(enumerate(made))):  # sorting keeps the order of equals, so the last goes first
        found.sort(key=itemgetter(place), reverse=key.descending)
    return found


def _of_bunches(setting: Setting, key: Key, bunches: set[int]) -> dict[int, Value]:
    """The sort value of each bunch that is known; none for another key."""
    if key.expression != "r.bunch":
        return {}
    first, last = (max, "") if key.descending else (min, TOP)
    known = bunches_told(setting, bunches - {0}, key.paths)
    return {bunch: first(texts, default=last) for bunch, texts in known.items()}


def comes_after(made: list[Key], line: Line, anchor: list[Any]) -> bool:
    """As `beyond`, of one line. Raises Malformed for an anchor of another kind."""
    for key, value, at in zip(made, line, anchor, strict=True):
        if isinstance(value, str) != isinstance(at, str):
            raise Malformed("_cursor belongs to another search: begin again", path="_cursor")
        if value != at:
            return bool((value < at) == key.descending)
    return False
