"""How values are compared, added and turned into one another. https://hl7.org/fhirpath/N1/#equality

A question whose answer cannot be known (`@2012 < @2012-05`) has the answer None: FHIRPath's empty collection.
"""

import calendar
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal
from functools import lru_cache
from typing import Any

from salus.base.errors import Invalid
from salus.codes import units
from salus.fhir.dates import span
from salus.fhir.fhirpath.nodes import Node, Quantity, system

WORDS = {  # calendar words and the UCUM units that they are equivalent to
    "year": "a", "month": "mo", "week": "wk", "day": "d", "hour": "h", "minute": "min", "second": "s",
    "millisecond": "ms",
}  # fmt: skip
SURE = ("week", "day", "hour", "minute", "second", "millisecond")  # words that are as long as their unit, always
REMEMBERED = 20_000  # dates and units read once
WIDE = Context(prec=700)  # digits: as many as the largest JSON number has
_TIME = re.compile(r"([01][0-9]|2[0-3])(?::([0-5][0-9])(?::([0-5][0-9](?:\.[0-9]+)?))?)?")
_PARTS = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?(?:T(?:(\d\d)(?::(\d\d)(?::(\d\d(?:\.\d+)?))?)?)?)?(Z|[+-]\d\d:\d\d)?"
)


def decimal(value: Any) -> Decimal:
    """A JSON number exactly as it was written."""
    return value if isinstance(value, Decimal) else Decimal(str(value))


def quantity(node: Node) -> Quantity | None:
    """The quantity of a node: a number is one without a unit; None where it has no value or is no quantity."""
    if isinstance(node.value, Quantity):
        return node.value
    if system(node) in ("Integer", "Decimal") and node.value is not None:
        return Quantity((decimal(node.value), "1"))
    if type(node.value) is not dict or node.value.get("value") is None:
        return None
    return Quantity((decimal(node.value["value"]), node.value.get("code") or node.value.get("unit") or "1"))


def word(unit: str) -> str:
    """The calendar word in the singular, or the unit as it is."""
    return unit[:-1] if unit.endswith("s") and unit[:-1] in WORDS else unit


@lru_cache(REMEMBERED)
def factor(source: str, target: str) -> Decimal | None:
    """What one of a unit is in another; None where they cannot be compared."""
    source, target = word(source), word(target)
    if source == target:
        return Decimal(1)
    named = [unit for unit in (source, target) if unit in WORDS]
    if named and any(unit not in SURE for unit in named) and len(named) < 2:
        return None
    try:
        return decimal(units.convert(1.0, WORDS.get(source, source), WORDS.get(target, target)))
    except Invalid:
        return None


def ranges(node: Node) -> tuple[int | Decimal, int | Decimal, bool]:
    """(low, high, is it precise to the second) of a date, dateTime or time. Raises ValueError."""
    return clock_range(node.value) if system(node) == "Time" else moment_range(node.value)


@lru_cache(REMEMBERED)
def clock_range(text: str) -> tuple[Decimal, Decimal, bool]:
    found = _TIME.fullmatch(text)
    if not found:
        raise ValueError(text)
    low = Decimal(int(found[1]) * 3600 + int(found[2] or 0) * 60) + Decimal(found[3] or 0)
    return low, low + (0 if found[3] else 60 if found[2] else 3600), bool(found[3])


@lru_cache(REMEMBERED)
def moment_range(text: str) -> tuple[int, int, bool]:
    date, _, time = text.partition("T")
    if not time:
        low, high = span(date)
    elif re.fullmatch(r"\d\d(?:Z|[+-]\d\d:\d\d)?", time):
        low, _ = span(f"{date}T{time[:2]}:00{time[2:]}")
        high = low + 3_600_000_000
    else:
        low, high = span(text)
    return low, high, time.count(":") - (1 if time[-6:-5] in ("+", "-") else 0) == 2


def compared(left: Node, right: Node) -> int | None:
    """-1, 0 or 1; None where it cannot be known. Raises TypeError for values of different kinds."""
    one, other = system(left), system(right)
    if left.value is None or right.value is None:
        return None
    if {one, other} <= {"Integer", "Decimal"}:
        return sign(decimal(left.value) - decimal(right.value))
    if "Quantity" in (one, other) and {one, other} <= {"Quantity", "Integer", "Decimal"}:
        return quantities(quantity(left), quantity(right))
    if {one, other} <= {"Date", "DateTime"} or (one == other == "Time"):
        return moments(left, right)
    if one == other == "String":
        return int(left.value > right.value) - int(left.value < right.value)
    raise TypeError(f"{one or left.kind} and {other or right.kind} cannot be compared")


def sign(difference: Decimal) -> int:
    return (difference > 0) - (difference < 0)


def quantities(left: Quantity | None, right: Quantity | None) -> int | None:
    if left is None or right is None or (rate := factor(left.unit, right.unit)) is None:
        return None
    return sign(left.value * rate - right.value)


def moments(left: Node, right: Node) -> int | None:
    try:
        (low, high, is_precise), (other_low, other_high, is_other_precise) = ranges(left), ranges(right)
    except (ValueError, OverflowError):
        return None
    if is_precise and is_other_precise:
        return (low > other_low) - (low < other_low)
    if (low, high) == (other_low, other_high):
        return 0
    return -1 if high <= other_low else 1 if low >= other_high else None


def are_equal(left: Node, right: Node) -> bool | None:
    """`=` for two items; None where it cannot be known."""
    one, other = system(left), system(right)
    if one == other == "Boolean":
        return bool(left.value == right.value)
    if one and other and left.value is not None and right.value is not None:
        try:
            order = compared(left, right)
        except TypeError:
            return False
        return None if order is None else order == 0
    return bool(left.value == right.value and (type(left.value) is type(right.value)))


def are_alike(left: Node, right: Node) -> bool:
    """`~` for two items: texts without regard to case and spaces, decimals to the lesser precision."""
    if system(left) == system(right) == "String" and left.value is not None and right.value is not None:
        return " ".join(left.value.casefold().split()) == " ".join(right.value.casefold().split())
    if system(left) == "Decimal" or system(right) == "Decimal":
        return alike_numbers(left, right)
    if isinstance(left.value, Quantity) and isinstance(right.value, Quantity):
        one, other = (Quantity((q.value, WORDS.get(word(q.unit), q.unit))) for q in (left.value, right.value))
        return quantities(one, other) == 0
    return bool(are_equal(left, right))


def alike_numbers(left: Node, right: Node) -> bool:
    if not {system(left), system(right)} <= {"Integer", "Decimal"} or left.value is None or right.value is None:
        return False
    one, other = decimal(left.value), decimal(right.value)
    places = max(int(one.as_tuple().exponent), int(other.as_tuple().exponent))
    unit = Decimal(1).scaleb(min(0, places))
    return one.quantize(unit, context=WIDE) == other.quantize(unit, context=WIDE)


def is_whole(value: Decimal | int) -> bool:
    """Whether an Integer may be so large: 64 bits, as what is written of it can hold.

    >>> is_whole(2**63 - 1), is_whole(2**63)
    (True, False)
    """
    return -(2**63) <= value < 2**63


def key(node: Node) -> Any:
    """Something to find equal items by: equal items have equal keys."""
    kind, value = system(node), node.value
    if kind in ("Integer", "Decimal") and value is not None:
        return ("number", decimal(value).normalize())
    if kind in ("Date", "DateTime", "Time") and value is not None:
        try:
            return ("Time" if kind == "Time" else "moment", *ranges(node))
        except (ValueError, OverflowError):
            return (kind, value)
    return frozen(value) if isinstance(value, dict) else (kind, value)


def frozen(value: Any) -> Any:
    if isinstance(value, dict):
        return frozenset((name, frozen(item)) for name, item in value.items())
    return tuple(frozen(item) for item in value) if isinstance(value, list) else value


def calculated(operator: str, left: Decimal, right: Decimal) -> Decimal | None:
    """`/`, `div` and `mod`, and the others; None where one divides by zero or the number gets too large."""
    try:
        return CALCULATIONS[operator](left, right)
    except ArithmeticError:
        return None


CALCULATIONS: dict[str, Callable[[Decimal, Decimal], Decimal]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "div": lambda a, b: Decimal(int(a / b)),
    "mod": lambda a, b: a % b,
}


def later(text: str, amount: Quantity) -> str | None:
    """A date or dateTime moved by a duration, as precise as before; None outside the calendar.

    >>> later("2024-01-31", Quantity((Decimal(1), "month")))
    '2024-02-29'
    """
    unit = word(amount.unit)
    unit = next((name for name, ucum in WORDS.items() if unit == ucum and name in SURE[2:]), unit)
    found = _PARTS.fullmatch(text)
    if not found or unit not in WORDS:
        raise TypeError(f"{amount.unit!r} cannot be added to a date: write years, months, days, hours ...")
    given = [int(Decimal(part)) for part in found.groups()[:6] if part is not None]
    moment = datetime(*(given + [1, 1, 0, 0, 0][len(given) - 1 :]), tzinfo=UTC)  # type: ignore[misc,arg-type]
    moment += timedelta(milliseconds=int(Decimal((found[6] or "0").partition(".")[2].ljust(3, "0")[:3])))
    try:
        moved = moved_by(moment, unit, len(given), amount.value)
    except (OverflowError, ValueError):
        return None
    return written(moved, len(given), "." in (found[6] or ""), found[7] or "")


def moved_by(moment: datetime, unit: str, precision: int, amount: Decimal) -> datetime:
    if unit in ("year", "month"):
        return months_later(moment, int(amount) * (12 if unit == "year" else 1))
    milliseconds = amount * {"week": 604_800_000, "day": 86_400_000, "hour": 3_600_000, "minute": 60_000,
                             "second": 1000, "millisecond": 1}[unit]  # fmt: skip
    if precision < 3:  # a year or a month moves by whole years or months
        days = int(milliseconds / 86_400_000)
        return months_later(moment, int(days / 30) if precision == 2 else 12 * int(days / 365))
    if precision == 3:
        milliseconds = Decimal(int(milliseconds / 86_400_000) * 86_400_000)
    return moment + timedelta(milliseconds=float(milliseconds))


def months_later(moment: datetime, months: int) -> datetime:
    year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    if not 1 <= year <= 9999:
        raise OverflowError(year)
    day = min(moment.day, calendar.monthrange(year, month + 1)[1])
    return moment.replace(year=year, month=month + 1, day=day)


def written(moment: datetime, precision: int, has_fraction: bool, zone: str) -> str:
    form = ("%Y", "%Y-%m", "%Y-%m-%d", "%Y-%m-%dT%H", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S")[precision - 1]
    text = moment.strftime(form).zfill(4)
    return text + (f".{moment.microsecond // 1000:03}" if has_fraction else "") + zone
