"""What rules of settlement lack, or say twice: found before anything is settled by them."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise

from salus.base.errors import Issue
from salus.base.money import is_known
from salus.places.settlement.groups import SEXES, Group, first
from salus.places.settlement.rules import LEVELS, NEEDS, STAGES, VISITS, Band, Rule, Threshold


def fault(rule: Rule, table: str, text: str) -> Issue:
    return Issue("invalid", f"{rule.id}.{table}", text)


def holes(rule: Rule, groups: Sequence[Group]) -> Iterator[Issue]:
    """What a rule lacks, or says twice. `groups`: those that there are."""
    if rule.since >= rule.until:
        yield fault(rule, "to", f"The rule ends on {rule.until}, before it begins on {rule.since}")
    yield from strangers(rule, groups)
    yield from missteps(rule)
    rows: tuple[Threshold | Band, ...] = (*rule.threshold, *rule.bands, *rule.serious)
    for odd in {one for row in rows for one in row.level if one not in LEVELS or row.level.count(one) > 1}:
        yield fault(rule, "level", f"{odd} is no level of hospitals, or stands there twice: there are 1, 2 and 3")
    for level in LEVELS:
        if rule.threshold and sum(level in one.level for one in rule.threshold) != 1:
            yield fault(rule, "threshold", f"Hospitals of level {level} need one threshold")
        for table in ("bands", "serious"):
            yield from gaps(rule, table, level)


def strangers(rule: Rule, groups: Sequence[Group]) -> Iterator[Issue]:
    """A visit, a group or a currency that there is not: nobody would ever be settled by the rule."""
    if not is_known(rule.currency):
        yield fault(rule, "currency", f"'{rule.currency[:20]}' is no currency: name one of ISO 4217, such as CNY")
    for one in rule.visit or ("",):
        if one not in VISITS:
            yield fault(rule, "visit", f"'{one}' is no kind of visit: there are {', '.join(VISITS)}")
    known = list(dict.fromkeys(one.group for one in groups if one.place == rule.place))
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
    """Two rules for the same visit of the same group on the same day, days between two rules with none; and two
    currencies for one place."""
    by_visit: dict[tuple[str, str, str], list[Rule]] = {}
    currencies = {one.place: one.currency for one in reversed(rules)}
    for rule in rules:
        if rule.currency != currencies[rule.place]:
            text = f"{rule.place} is settled in {currencies[rule.place]}, this rule in {rule.currency[:20]}: name one"
            yield fault(rule, "currency", text)
        for visit in rule.visit:
            by_visit.setdefault((rule.place, rule.group, visit), []).append(rule)
    for (_, group, visit), own in by_visit.items():
        for one, following in pairwise(sorted(own, key=lambda rule: rule.since)):
            if following.since != one.until:
                how = "overlaps" if following.since < one.until else "leaves days without a rule after"
                yield fault(following, "from", f"{following.id} of {group}, {visit}, {how} {one.id} (to {one.until})")


def nobodys(groups: Sequence[Group]) -> Iterator[Issue]:
    """An insurance that leaves somebody without a group."""
    for place, insurance in dict.fromkeys((one.place, one.insurance) for one in groups):
        for sex in SEXES:
            if first(groups, place, insurance, sex, 0) is None:
                yield Issue(
                    "invalid",
                    f"group.{insurance}",
                    f"A {sex} child insured by '{insurance}' belongs to no group: end "
                    "with a row for everybody, without sex and age",
                )


def unsettled(groups: Sequence[Group], rules: Sequence[Rule], known: Sequence[Group]) -> Iterator[Issue]:
    """A group that no rule settles, neither here nor among those `known` elsewhere."""
    settled = {*(one.group for one in rules), *(one.group for one in known)}
    for group in dict.fromkeys(one.group for one in groups):
        if group not in settled:
            yield Issue("invalid", f"group.{group}", f"No rule settles the group '{group}': add one, or leave it out")
