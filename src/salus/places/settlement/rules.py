"""Rules of an insurer as rows with dates.

Amounts are minor units; shares are hundredths of a percent (8500 = 85 %), so that nothing is ever a float.
"""

import hashlib
from collections.abc import Sequence
from datetime import date
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from salus.base.errors import Missing

Share = Annotated[int, Meta(ge=0, le=10_000)]
Amount = Annotated[int, Meta(ge=0, le=10**15)]  # beyond what books add up, and no yuan of anybody
LEVELS = (1, 2, 3)  # of hospitals: https://www.nhc.gov.cn, 医院分级管理办法
VISITS = ("outpatient", "emergency", "inpatient")


class Text(Struct, frozen=True, forbid_unknown_fields=True):
    en: str
    zh: str


class Threshold(Struct, frozen=True, forbid_unknown_fields=True):
    """What the insured pay first, at hospitals of these levels: for the first stay of a year, and for later ones."""

    first: Amount
    later: Amount | None = None
    level: tuple[int, ...] = LEVELS


class Band(Struct, frozen=True, forbid_unknown_fields=True):
    """Of what lies above `above` and up to `upto` (None: without end) the insurer pays `share`."""

    above: Amount
    share: Share
    upto: Amount | None = None
    level: tuple[int, ...] = LEVELS


class Rule(Struct, frozen=True, forbid_unknown_fields=True, rename={"since": "from", "until": "to"}):
    """How one kind of visit of one group is settled, from a day until before another. `steps` in their order; `yearly`:
    thresholds and bands go by the year, else by the visit. Each step has its table and each table its step."""

    id: str
    place: str
    group: str
    visit: tuple[str, ...]
    since: date
    until: date
    currency: str
    title: Text
    source: str
    steps: tuple[str, ...]
    yearly: bool = True
    threshold: tuple[Threshold, ...] = ()
    bands: tuple[Band, ...] = ()
    cap: Amount | None = None
    serious: tuple[Band, ...] = ()
    copay: Amount = 0
    most: Amount | None = None

    @property
    def version(self) -> str:
        """Changes with any figure of the rule: a settlement names it, and can be done again by it."""
        return f"{self.id}@{self.since}#{hashlib.sha256(msgspec.msgpack.encode(self)).hexdigest()[:12]}"

    def bands_of(self, level: int) -> list[Band]:
        return [one for one in self.bands if level in one.level]


# step -> the table that it cannot do without
NEEDS = {
    "threshold": "threshold",
    "bands": "bands",
    "cap": "cap",
    "serious": "serious",
    "copay": "copay",
    "most": "most",
}
# step -> what it goes by: each item; the sum of what is left of them; all of that; what was paid; what is then left
STAGES = {
    **dict.fromkeys(("limit", "allowed", "none", "part"), 1),
    **dict.fromkeys(("copay", "threshold"), 2),
    "bands": 3,
    **dict.fromkeys(("cap", "serious", "most"), 4),
    "account": 5,
}


def the_rule(rules: Sequence[Rule], group: str, visit: str, day: date) -> Rule:
    """The rule for a group's visit on a day. Raises Missing, saying which days there are rules for."""
    own = [one for one in rules if one.group == group and visit in one.visit]
    found = next((one for one in own if one.since <= day < one.until), None)
    if found is None:
        days = ", ".join(f"{one.since} to {one.until}" for one in own) or "none at all"
        raise Missing(f"No rule settles the {visit} visit of {group} on {day}: there are rules for {days}", path="rule")
    return found
