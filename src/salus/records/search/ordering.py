"""`_sort`: the SQL of each sort key, and the condition that goes on where a page ended.

https://hl7.org/fhir/R4/search.html#_sort
"""

from dataclasses import dataclass

from salus import fhir
from salus.records import compartments
from salus.records.search.query import Query
from salus.records.search.setting import numbers
from salus.records.search.shelf import Arguments, Piece

# table, column when ascending, column when descending, whether texts
KEYS = {
    "date": ("dates", "min(low)", "max(high)", False),
    "quantity": ("quantity", "min(value)", "max(value)", False),
    "number": ("number", "min(value)", "max(value)", False),
    "string": ("string", "min(text)", "max(text)", True),
    "token": ("token JOIN code USING(code)", "min(code.text)", "max(code.text)", True),
    "uri": ("token JOIN code USING(code)", "min(code.text)", "max(code.text)", True),
    "reference": ("ref", "min(target)", "max(target)", False),
}
LAST = {(False, False): "9e18", (False, True): "-9e18", (True, False): "char(1114111)", (True, True): "''"}


@dataclass(frozen=True, slots=True)
class Key:
    """An expression over `r` (and its join) that is never NULL: what has no value comes last, either way."""

    expression: str
    descending: bool
    join: str = ""


def keys(query: Query) -> list[Key]:
    """The sort keys, ending in the row number, so that the order is total."""
    made = [_key(query.type, name, descending, n) for n, (name, descending) in enumerate(query.sort)]
    return [*made, Key("r.row", False)]


def _key(type: str, name: str, descending: bool, n: int) -> Key:
    if name == "_id":
        return Key("hex(r.id)", descending)
    if name == "_lastUpdated":
        return Key("r.t", descending)
    if name == compartments.when(type) and not descending:
        return Key(f"CASE r.date WHEN 0 THEN {LAST[False, False]} ELSE r.date END", False)
    table, up, down, text = KEYS[fhir.parameters(type)[name].kind]
    paths = numbers(fhir.parameters(type)[name].paths)
    value = down if descending else up
    last = LAST[text, descending]
    if table in ("dates", "quantity"):  # indexed by row
        sql = f"(SELECT {value} FROM {table} WHERE row=r.row AND path IN ({paths}))"
        return Key(f"coalesce({sql}, {last})", descending)
    join = (
        f" LEFT JOIN (SELECT row, {value} v FROM {table} WHERE path IN ({paths}) GROUP BY row) s{n} ON s{n}.row=r.row"
    )
    return Key(f"coalesce(s{n}.v, {last})", descending, join)


def order(made: list[Key]) -> str:
    return ", ".join(f"{key.expression}{' DESC' if key.descending else ''}" for key in made)


def beyond(made: list[Key], anchor: list[object]) -> Piece:
    """The rows that come after the anchor in this order: (k1 > a1) OR (k1 = a1 AND k2 > a2) ..."""
    options, arguments = [], Arguments()
    for n, key in enumerate(made):
        same = [f"{before.expression}=?" for before in made[:n]]
        options.append(" AND ".join([*same, f"{key.expression}{'<' if key.descending else '>'}?"]))
        arguments += anchor[: n + 1]
    return f"({' OR '.join(f'({option})' for option in options)})", arguments
