"""A tariff: prices by code and day, in whole minor units, and how a quantity becomes an amount."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from fractions import Fraction
from functools import reduce
from itertools import combinations
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from salus.base.errors import Invalid

Share = Annotated[int, Meta(ge=0, le=10_000)]
Amount = Annotated[int, Meta(ge=0)]


class Price(Struct, frozen=True, forbid_unknown_fields=True, rename={"since": "from", "until": "to"}):
    """What one `unit` of a thing costs from a day until before another. `cover`, `own` (hundredths of a percent) and
    `limit` (most that is counted of a unit) are the insurers'; `units`: how many units one of that unit is."""

    system: str
    code: str
    kind: str
    en: str
    zh: str
    price: Amount
    unit: str
    since: date
    until: date
    cover: Literal["full", "part", "none"] = "full"
    own: Share = 0
    limit: Amount | None = None
    units: dict[str, str] = {}
    also: tuple[str, ...] = ()
    also_system: str = ""

    @property
    def names(self) -> dict[str, str]:
        return {"en": self.en, "zh": self.zh}

    @property
    def codes(self) -> list[tuple[str, str]]:
        """(system, code) of the thing, and of the same thing in another system."""
        return [(self.system, self.code), *((self.also_system, code) for code in self.also)]

    def counted(self, quantity: Fraction, unit: str) -> Fraction:
        """A quantity in units of the price. Raises Invalid for a unit that the tariff does not know of it."""
        if unit == self.unit:
            return quantity
        if unit not in self.units:
            known = ", ".join([self.unit, *self.units])
            raise Invalid(f"{self.code} is not priced by '{unit}': the tariff knows {known}", path="unit")
        return quantity * Fraction(self.units[unit])

    def asks(self, units: Fraction) -> int:
        """The amount for so many units."""
        return whole(self.price * units)

    def counts(self, units: Fraction) -> int | None:
        """The most that insurers count of so many units."""
        return None if self.limit is None else whole(self.limit * units)


def whole(value: Fraction) -> int:
    """Half up.

    >>> whole(Fraction(5, 2)), whole(Fraction(7, 3))
    (3, 2)
    """
    return int((value * 2 + 1) // 2)


@dataclass(frozen=True)
class Tariff:
    """The prices of a place. `zone`: where its days begin; `beside`: the name under which they lie over others of the
    place; `version` changes with any figure."""

    place: str
    currency: str
    zone: str
    source: str
    prices: tuple[Price, ...]
    beside: str = ""
    by_code: Mapping[tuple[str, str], list[Price]] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        found: dict[tuple[str, str], list[Price]] = {}
        for one in self.prices:
            for name in one.codes:
                found.setdefault(name, []).append(one)
        object.__setattr__(self, "by_code", found)

    @property
    def version(self) -> str:
        rows = msgspec.msgpack.encode(self.prices)
        return f"{self.place}#{hashlib.sha256(rows).hexdigest()[:12]}"

    def find(self, system: str, code: str, day: date) -> Price | None:
        """The price on a day; None where there is none."""
        found = self.by_code.get((system, code), ())
        return next((one for one in found if one.since <= day < one.until), None)


def laid(base: Tariff, own: Sequence[Tariff]) -> Tariff:
    """A tariff with a site's own over it, in whatever order. Raises Invalid where two of those price the same."""
    for one, other in combinations(own, 2):
        for _, code in sorted(one.by_code.keys() & other.by_code.keys()):
            raise Invalid(f"{code} is priced by {one.beside} and by {other.beside}: leave it out of one", path=code)
    return reduce(over, own, base)


def over(base: Tariff, own: Tariff) -> Tariff:
    """A tariff with a site's own prices over it: of what has a price there, on whatever day, that is the price. By what
    other codes it is known is kept. Raises Invalid where they count in two currencies or by two clocks."""
    for name in ("place", "currency", "zone"):
        one, other = getattr(base, name), getattr(own, name)
        if one != other:
            raise Invalid(f"The {name} of '{own.beside}' is {other}, that of the tariff below it {one}", path=name)
    told = {name for one in own.prices for name in one.codes}
    kept = (one for one in base.prices if not told & set(one.codes))
    named = (known_as(one, base, told) for one in own.prices)
    return replace(base, source=f"{own.source}; {base.source}", prices=(*named, *kept))


def known_as(one: Price, base: Tariff, told: Collection[tuple[str, str]]) -> Price:
    """A price under the codes that the same thing has in the tariff below, where it says no others itself; but for
    those that are told a price of their own."""
    name = (one.system, one.code)
    below = base.by_code.get(name, [])
    if one.also or not below:
        return one
    thing = below[0]
    main, others = thing.codes[0], [each for each in thing.codes[1:] if each == name or each not in told]
    if main != name and main in told:
        return one
    return msgspec.structs.replace(
        one, system=main[0], code=main[1], also=tuple(code for _, code in others), also_system=thing.also_system
    )
