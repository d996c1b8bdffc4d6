"""A search within one patient walks the patient's timeline: it stands in the order of time, and each of its lines has
the codes of the resource as one number. What no line says is asked of the index, line by line, until the page is full.

The lines are called `r`, as resources are elsewhere, so that a condition on `r.row` holds of both.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

from salus.records.search.lines import asked, elsewhere
from salus.records.search.ordering import BY_ROW, Key, beyond, order
from salus.records.search.setting import Line, Setting, open_to, shown_to, within
from salus.records.search.shelf import Arguments, Check, Match

LONG = 5000  # lines: whoever has more of a type is searched by the rarest condition, unless none is rarer
DATED = {descending: [Key("r.date", descending), BY_ROW] for descending in (False, True)}
UNDATED = {False: 9_000_000_000_000_000_000, True: -9_000_000_000_000_000_000}  # by whether it descends: the last


@dataclass(slots=True)
class Walk:
    """The WHERE over `line r`, how many lines it begins with, and what must be asked of each resource besides."""

    where: str
    arguments: Arguments
    fewest: int
    checks: list[Check]


def walk(setting: Setting, type: str, matches: list[Match], owner: int | None) -> Walk | None:
    """How to walk, where all that is asked can be asked of lines. `owner`: in whose compartment it must stand."""
    pin = next((match for match in matches if match.subject is not None), None)
    subject = pin.subject if pin else owner if setting.patient is None else setting.patient
    if subject is None:
        return None
    parts, arguments = ["r.subject=?", f"r.type={setting.kinds.numbers[type]}"], Arguments([subject])
    for match in sorted(matches, key=lambda match: (match is pin, match.line is None)):  # cheap ones first
        sql, given = asked(match, match is pin)
        parts, arguments = [*parts, sql], [*arguments, *given]
    asker = setting.patient
    parts.append(shown_to(asker, "r") if asker is not None and subject == asker else open_to(asker))
    parts.append("TRUE" if owner is None or owner == subject else within(owner))
    where = " AND ".join(part for part in parts if part != "TRUE")
    if elsewhere(where):
        return None
    lines = f"SELECT count(*) FROM (SELECT 1 FROM line r WHERE {parts[0]} AND {parts[1]} LIMIT {LONG}) found"
    fewest = setting.rows(lines, [subject])[0]
    if fewest >= LONG and any(setting.rarity(match, LONG) < LONG for match in matches if not match.negated):
        return None
    return Walk(where, arguments, fewest, [match.check for match in matches if match.check])


def in_time(setting: Setting, where: str, arguments: Arguments, descending: bool, after: list[Any]) -> Iterator[Line]:
    """(date, row) of the lines in the order of time, equals by row, those without a date at the end. `after`: a date
    and a row to go on behind; none to begin with."""
    dated, last = DATED[descending], UNDATED[descending]
    phases = []
    if not after or after[0] != last:
        sql, given = beyond(dated, after) if after else ("TRUE", [])
        bound = f" AND r.date{'<' if descending else '>'}=?" if after else ""
        words = f"SELECT r.date, r.row FROM line r WHERE {where}{bound} AND r.date<>0 AND {sql} ORDER BY {order(dated)}"
        phases.append((words, [*arguments, *after[:1], *given]))
    passed = after[1] if after and after[0] == last else -1
    words = f"SELECT {last}, r.row FROM line r WHERE {where} AND r.date=0 AND r.row>? ORDER BY r.row"
    phases.append((words, [*arguments, passed]))
    return chain.from_iterable(setting.stream(sql, given) for sql, given in phases)
