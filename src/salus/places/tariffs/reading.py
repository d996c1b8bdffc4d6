"""Tariffs from TOML: lists of prices with what they have in common. A file with a fault is refused whole, with every
fault named: nothing is charged by half a tariff."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from salus.base.errors import Invalid, Issue, Missing
from salus.base.money import is_known
from salus.places.rows import beside_faults, row_fault
from salus.places.tariffs.prices import Price, Tariff

HEAD = ("place", "currency", "zone", "source")


def tariff_of(text: str) -> Tariff:
    """The tariff of a TOML text. Raises Invalid with every fault found."""
    try:
        told = tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        raise Invalid(f"This is no tariff: {fault}", path="tariff") from fault
    prices: list[Price] = []
    faults = [*head_faults(told), *shape_faults(told)]
    for place, row in rows(told):
        faults += read(place, row, told.get("systems", {}), prices)
    faults += clashes(prices)
    if faults:
        raise Invalid(f"The tariff has {len(faults)} faults", issues=faults)
    return Tariff(told["place"], told["currency"], told["zone"], told["source"], tuple(prices), told.get("beside", ""))


@cache
def shipped(place: str) -> Tariff:
    """The example tariff of a place (`cn`, `us`). Raises Missing."""
    file = files("salus.places.tariffs") / f"{place}.toml"
    if not place.isalpha() or not file.is_file():
        raise Missing(f"There is no tariff for '{place[:20]}': there are cn and us", path="place")
    return tariff_of(file.read_text("utf-8"))


def fault(path: str, text: str) -> Issue:
    return Issue("invalid", path, text)


def head_faults(told: Mapping[str, Any]) -> Iterator[Issue]:
    """What a file lacks before its lists."""
    for name in HEAD:
        if not isinstance(told.get(name), str):
            yield fault(name, f"The tariff does not say its {name}")
    if unknown := [name for name in told if name not in (*HEAD, "beside", "systems", "list")]:
        yield fault(unknown[0], f"A tariff has no '{unknown[0]}'")
    yield from beside_faults(told)
    if isinstance(told.get("currency"), str) and not is_known(told["currency"]):
        yield fault("currency", f"'{told['currency'][:20]}' is no currency: name one of ISO 4217, such as CNY")
    try:
        ZoneInfo(str(told.get("zone")))
    except (ZoneInfoNotFoundError, ValueError):
        yield fault("zone", f"'{told.get('zone')}' is no time zone: name one of the IANA database")


def shape_faults(told: Mapping[str, Any]) -> Iterator[Issue]:
    """Lists that are none."""
    if not isinstance(told.get("systems", {}), dict):
        yield fault("systems", "Write [systems], and below it a name for each code system")
    if not is_rows(told.get("list", [])):
        yield fault("list", "Write [[list]] before each list, with two brackets")
        return
    for at, one in enumerate(told.get("list", [])):
        if not is_rows(one.get("price", [])):
            yield fault(f"list[{at}].price", f"list[{at}].price is no list of prices: write [[list.price]] before each")


def is_rows(told: Any) -> bool:
    return isinstance(told, list) and all(isinstance(row, dict) for row in told)


def rows(told: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each price with what its list says for all of it, and where it stands; none where the lists are none."""
    if [*shape_faults(told)]:
        return
    for at, one in enumerate(told.get("list", [])):
        shared = {key: value for key, value in one.items() if key != "price"}
        for number, row in enumerate(one.get("price", [])):
            yield f"list[{at}].price[{number}]", shared | row


def read(place: str, row: dict[str, Any], systems: Mapping[str, str], prices: list[Price]) -> Iterator[Issue]:
    """Add one price; or say what is wrong with it."""
    short = (key for key in ("system", "also_system") if isinstance(row.get(key), str))
    named = row | {key: systems.get(row[key], row[key]) for key in short}
    try:
        made = msgspec.convert(named, Price)
    except msgspec.ValidationError as wrong:
        yield row_fault(place, row, str(wrong))
        return
    found = list(holes(place, made))
    yield from found
    if not found:
        prices.append(made)


def holes(place: str, one: Price) -> Iterator[Issue]:
    """What a price lacks, or says that cannot be."""
    if one.since >= one.until:
        yield fault(place, f"{one.code} ends on {one.until}, before it begins on {one.since}")
    if (one.cover == "part") != bool(one.own):
        yield fault(place, f"{one.code} is covered in {one.cover} and its own share is {one.own}: only part has one")
    for unit, text in one.units.items():
        if not positive(text):
            yield fault(place, f"{one.code}: '{text}' of {unit} is no fraction above 0, such as 1/500")
    if one.unit in one.units:
        yield fault(place, f"{one.code} is priced by {one.unit}: leave it out of its units")


def positive(text: str) -> bool:
    """
    >>> positive("1/500"), positive("0"), positive("a few"), positive("1/0")
    (True, False, False, False)
    """
    try:
        return Fraction(text) > 0
    except (ValueError, ZeroDivisionError):
        return False


def clashes(prices: Sequence[Price]) -> Iterator[Issue]:
    """A code twice on one day; and days between two prices of a code with none."""
    by_code: dict[tuple[str, str], list[Price]] = {}
    for one in prices:
        for name in one.codes:
            by_code.setdefault(name, []).append(one)
    for (_, code), own in by_code.items():
        for one, following in pairwise(sorted(own, key=lambda price: price.since)):
            if following.since != one.until:
                how = "has two prices from" if following.since < one.until else "has no price until"
                yield fault(code, f"{code} {how} {following.since}: the one before ends on {one.until}")
