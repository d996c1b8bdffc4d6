"""Rules of an insurer as rows with dates: read, and looked through for holes before anything is settled by them.

Amounts are minor units; shares are hundredths of a percent (8500 = 85 %), so that nothing is ever a float.
"""

import hashlib
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from salus.base.errors import Invalid, Issue, Missing
from salus.places.settlement.groups import groups

Share = Annotated[int, Meta(ge=0, le=10_000)]
Amount = Annotated[int, Meta(ge=0)]
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


def rules_of(text: str) -> tuple[Rule, ...]:
    """The rules of a TOML text. Raises Invalid with every fault found: unknown fields, holes, overlaps."""
    try:
        told: dict[str, Any] = tomllib.loads(text)
        found = tuple(msgspec.convert(row, Rule) for row in told.get("rule", []))
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as fault:
        raise Invalid(f"These are no rules of settlement: {fault}", path="rule") from fault
    if faults := [*(one for rule in found for one in holes(rule)), *clashes(found)]:
        raise Invalid("The rules of settlement have holes", issues=faults)
    return found


@cache
def shipped(place: str) -> tuple[Rule, ...]:
    """The example rules of a place (`cn`, `us`). Raises Missing."""
    file = files("salus.places.settlement") / f"{place}.toml"
    if not file.is_file():
        raise Missing(f"There are no rules for '{place}': there are cn and us", path="place")
    return rules_of(file.read_text("utf-8"))


def the_rule(rules: Sequence[Rule], group: str, visit: str, day: date) -> Rule:
    """The rule for a group's visit on a day. Raises Missing, saying which days there are rules for."""
    own = [one for one in rules if one.group == group and visit in one.visit]
    found = next((one for one in own if one.since <= day < one.until), None)
    if found is None:
        days = ", ".join(f"{one.since} to {one.until}" for one in own) or "none at all"
        raise Missing(f"No rule settles the {visit} visit of {group} on {day}: there are rules for {days}", path="rule")
    return found


def fault(rule: Rule, table: str, text: str) -> Issue:
    return Issue("invalid", f"{rule.id}.{table}", text)


def holes(rule: Rule) -> Iterator[Issue]:
    """What a rule lacks, or says twice."""
    if rule.since >= rule.until:
        yield fault(rule, "to", f"The rule ends on {rule.until}, before it begins on {rule.since}")
    yield from strangers(rule)
    yield from missteps(rule)
    for level in LEVELS:
        if rule.threshold and sum(level in one.level for one in rule.threshold) != 1:
            yield fault(rule, "threshold", f"Hospitals of level {level} need one threshold")
        for table in ("bands", "serious"):
            yield from gaps(rule, table, level)


def strangers(rule: Rule) -> Iterator[Issue]:
    """A visit or a group that there is not: nobody would ever be settled by the rule."""
    for one in rule.visit or ("",):
        if one not in VISITS:
            yield fault(rule, "visit", f"'{one}' is no kind of visit: there are {', '.join(VISITS)}")
    known = list(dict.fromkeys(one.group for one in groups() if one.place == rule.place))
    if known and rule.group not in known:
        yield fault(rule, "group", f"'{rule.group}' is no group of {rule.place}: there are {', '.join(known)}")


def missteps(rule: Rule) -> Iterator[Issue]:
    """A step that is none, stands twice or too early, or lacks its table; and a table that no step uses."""
    for step, times in Counter(rule.steps).items():
        if step not in STAGES:
            yield fault(rule, "steps", f"'{step}' is no step: there are {', '.join(STAGES)}")
        elif not getattr(rule, NEEDS.get(step, "id")):
            yield fault(rule, step, f"The step '{step}' has no table: add it, or leave the step out")
        if times > 1:
            yield fault(rule, "steps", f"The step '{step}' stands there {times} times")
    for step, table in NEEDS.items():
        if getattr(rule, table) and step not in rule.steps:
            yield fault(rule, table, f"No step uses the table '{table}': add the step '{step}', or leave the table out")
    for one, following in pairwise(step for step in rule.steps if step in STAGES):
        if STAGES[one] > STAGES[following]:
            yield fault(rule, "steps", f"The step '{following}' must stand before '{one}'")


def gaps(rule: Rule, table: str, level: int) -> Iterator[Issue]:
    """Bands of a level must begin at 0 (of serious illness: wherever it begins), follow each other and not end."""
    bands: list[Band] = sorted((one for one in getattr(rule, table) if level in one.level), key=lambda one: one.above)
    if not bands:
        if getattr(rule, table):
            yield fault(rule, table, f"Hospitals of level {level} have no bands")
        return
    if table == "bands" and bands[0].above:
        yield fault(rule, table, f"At level {level} nothing is said up to {bands[0].above}")
    for one, following in pairwise(bands):
        if one.upto != following.above:
            yield fault(
                rule, table, f"At level {level} a band ends at {one.upto}, the next begins at {following.above}"
            )
    if bands[-1].upto is not None:
        yield fault(rule, table, f"At level {level} nothing is said above {bands[-1].upto}: leave `upto` out")


def clashes(rules: Sequence[Rule]) -> Iterator[Issue]:
    """Two rules for the same visit of the same group on the same day; and days between two rules with none."""
    by_visit: dict[tuple[str, str, str], list[Rule]] = {}
    for rule in rules:
        for visit in rule.visit:
            by_visit.setdefault((rule.place, rule.group, visit), []).append(rule)
    for (_, group, visit), own in by_visit.items():
        for one, following in pairwise(sorted(own, key=lambda rule: rule.since)):
            if following.since != one.until:
                how = "overlaps" if following.since < one.until else "leaves days without a rule after"
                yield fault(following, "from", f"{following.id} of {group}, {visit}, {how} {one.id} (to {one.until})")
