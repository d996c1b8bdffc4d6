"""`lowBoundary()` and `highBoundary()`: the least and the greatest that a value may have been before it was rounded.

https://hl7.org/fhirpath/#lowboundaryprecision-integer-decimal--date--datetime--time  The precision is decimal places
of a number, digits of a date (4, 6, 8), a dateTime (4 to 17) or a time (2, 4, 6, 9); without one, the finest.
"""

import calendar
from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from typing import Any

from salus.fhir.fhirpath.collections import Eager, whole
from salus.fhir.fhirpath.nodes import Node, Quantity, system
from salus.fhir.fhirpath.scope import Nodes, Scope, single
from salus.fhir.fhirpath.values import clock_range, decimal, moment_range, quantity

PLACES = 8  # decimal places of a boundary, unless asked otherwise
MOST_PLACES = 31
WIDE = Context(prec=100)
OF_MOMENT = {4: 1, 6: 2, 8: 3, 10: 4, 12: 5, 14: 6, 17: 7}  # digits -> how many parts, from the year
OF_TIME = {2: 1, 4: 2, 6: 3, 9: 4}
FIRST, LAST = ("01", "01", "00", "00", "00", "000"), ("12", "", "23", "59", "59", "999")  # month to millisecond
SEPARATORS = ("", "-", "-", "T", ":", ":", ".")
FINEST = {"Date": 8, "DateTime": 17}
ZONES = ("+14:00", "-12:00")  # the first and the last place on earth to have a moment of that name


def of_number(value: Decimal, places: int, is_high: bool) -> Decimal | None:
    """
    >>> of_number(Decimal("1.587"), 8, False), of_number(Decimal("1.587"), 2, True)
    (Decimal('1.58650000'), Decimal('1.59'))
    """
    if not 0 <= places <= MOST_PLACES:
        return None
    half = Decimal(5).scaleb(min(0, int(value.as_tuple().exponent)) - 1)
    bound = value + half if is_high else value - half
    rounding = ROUND_CEILING if is_high else ROUND_FLOOR
    return bound.quantize(Decimal(1).scaleb(-places), rounding, context=WIDE)


def of_moment(text: str, digits: int, is_high: bool) -> str | None:
    """
    >>> of_moment("2024-02", 8, True), of_moment("2010-10-10", 17, False)
    ('2024-02-29', '2010-10-10T00:00:00.000+14:00')
    """
    if digits not in OF_MOMENT:
        return None
    date, _, rest = text.partition("T")
    time, zone = split(rest)
    given = [*date.split("-"), *time]
    filler = LAST if is_high else FIRST
    while len(given) < len(SEPARATORS):
        given.append(filler[len(given) - 1] or f"{calendar.monthrange(int(given[0]), int(given[1]))[1]:02}")
    count = OF_MOMENT[digits]
    cut = "".join(mark + part for mark, part in zip(SEPARATORS[:count], given, strict=False))
    return cut if count <= 3 else cut + (zone or ZONES[is_high])


def of_time(text: str, digits: int, is_high: bool) -> str | None:
    """
    >>> of_time("12:34", 9, False), of_time("12:34", 9, True)
    ('12:34:00.000', '12:34:59.999')
    """
    if digits not in OF_TIME:
        return None
    given = split(text)[0]
    given += (LAST if is_high else FIRST)[len(given) + 2 :]
    return "".join(mark + part for mark, part in zip(("", ":", ":", "."), given[: OF_TIME[digits]], strict=False))


def split(time: str) -> tuple[list[str], str]:
    """Hour, minute, second and milliseconds, as far as given, and the zone.

    >>> split("19:07:13.5+09:00")
    (['19', '07', '13', '500'], '+09:00')
    """
    place = next((i for i, letter in enumerate(time) if letter in "Z+-"), len(time))
    clock, _, fraction = time[:place].partition(".")
    parts = clock.split(":") if clock else []
    return parts + ([fraction[:3].ljust(3, "0")] if fraction else []), time[place:]


def boundary(is_high: bool) -> Eager:
    def run(scope: Scope, items: Nodes, precision: Nodes | None = None) -> Nodes:
        node = single(items)
        if node is None or node.value is None:
            return []
        kind = system(node)
        if kind not in BOUNDED:
            raise TypeError(f"{kind or node.kind} has no boundary: numbers, quantities, dates and times have")
        found = BOUNDED[kind](node, whole(precision) if precision else None, is_high)
        return [] if found is None else [Node("System." + ("Decimal" if kind == "Integer" else kind), found)]

    return run


def bound_number(node: Node, places: int | None, is_high: bool) -> Any:
    return of_number(decimal(node.value), PLACES if places is None else places, is_high)


def bound_quantity(node: Node, places: int | None, is_high: bool) -> Any:
    amount = quantity(node)
    bound = of_number(amount.value, PLACES if places is None else places, is_high) if amount else None
    return None if bound is None or amount is None else Quantity((bound, amount.unit))


def bound_moment(node: Node, digits: int | None, is_high: bool) -> Any:
    moment_range(node.value)  # raises ValueError for what is no date
    return of_moment(node.value, digits or FINEST[system(node)], is_high)


def bound_time(node: Node, digits: int | None, is_high: bool) -> Any:
    clock_range(node.value)
    return of_time(node.value, digits or max(OF_TIME), is_high)


BOUNDED: dict[str, Callable[[Node, int | None, bool], Any]] = {
    "Integer": bound_number,
    "Decimal": bound_number,
    "Quantity": bound_quantity,
    "Date": bound_moment,
    "DateTime": bound_moment,
    "Time": bound_time,
}
EAGER: dict[str, tuple[Eager, int, int]] = {
    "lowBoundary": (boundary(False), 0, 1),
    "highBoundary": (boundary(True), 0, 1),
}
