"""Which insurances settle a visit. https://hl7.org/fhir/R4/coverage.html

Those in force on the day, one after the other by their `order`. Nothing is guessed: where two could be meant, or a rule
counts in another currency than the tariff, it is refused, and a clerk says which.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from salus.assistants.answers import every
from salus.base.errors import Conflict, Missing
from salus.base.money import minor
from salus.places.settlement import Rule, Rulebook
from salus.records import Records, books
from salus.records.desk import Desk
from salus.services.acting import standing
from salus.services.billing.desks import Visited
from salus.services.billing.local import Local
from salus.services.billing.names import INSURANCE, PERSONAL, Resource, bare, extension

LAST = 1 << 30  # where a Coverage without an order stands


@dataclass(frozen=True, slots=True)
class Insured:
    """By what a visit is settled: without a rule, `why` is a step of `settling.UNSETTLED`."""

    rule: Rule | None = None
    why: str = "uncovered"
    coverage: str = ""
    insurer: str = ""
    account: int = 0


def known(records: Records, patient: str) -> tuple[str, ...]:
    """Ids of a patient's coverages; they are read again at the desk."""
    found = every(records, "Coverage", [("beneficiary", patient), ("_count", "100")])
    return tuple(sorted(str(one["id"]) for one in found))


def insurances(desk: Desk, local: Local, visit: Visited, ids: Sequence[str]) -> tuple[Insured, ...]:
    """In the order in which they pay, at least one. Raises Conflict (path `coverage`: two could be meant; path
    `currency`: rule and tariff differ)."""
    cards = [one for id in ids if (one := standing(desk, f"Coverage/{id}")) and insurer_of(one)]
    usable = [one for one in cards if one["status"] == "active" and in_force(one, visit.day)]
    if not usable:
        return (Insured(why="expired" if cards else "uncovered"),)
    return tuple(by_card(desk, local, visit, card) for card in in_order(usable))


def by_card(desk: Desk, local: Local, visit: Visited, card: Resource) -> Insured:
    """By what a card settles a visit."""
    name, insurer = f"Coverage/{card['id']}", insurer_of(card)
    person = standing(desk, f"Patient/{bare(visit.patient)}") or {}
    rule = rule_for(local.rules(visit.place), card, person, visit.kind, visit.day)
    if rule is None:
        return Insured(None, "ruleless", name, insurer)
    if rule.currency != visit.currency:
        raise Conflict(
            f"{rule.id} settles in {rule.currency}, the tariff of {visit.place} in {visit.currency}: mend one",
            path="currency",
        )
    return Insured(rule, "", name, insurer, personal(desk, card, rule))


def insurer_of(card: Resource) -> str:
    """The organization that pays; empty where somebody pays for themselves."""
    payors = [str(one.get("reference", "")) for one in card.get("payor", [])]
    return next((one for one in payors if one.startswith("Organization/")), "")


def in_force(card: Resource, day: date) -> bool:
    """
    >>> in_force({"period": {"start": "2026-01-01", "end": "2026-05-31"}}, date(2026, 5, 31)), in_force({}, date.max)
    (True, True)
    >>> in_force({"period": {"end": "2026-05"}}, date(2026, 6, 1)), in_force({"period": {"start": "2027"}}, date.min)
    (False, False)
    """
    period, told = card.get("period", {}), day.isoformat()
    start, end = str(period.get("start", ""))[:10], str(period.get("end", ""))[:10]
    return start <= told and (not end or told[: len(end)] <= end)


def in_order(cards: Sequence[Resource]) -> list[Resource]:
    """The lowest `Coverage.order` first. Raises Conflict where two have the same."""
    ordered = sorted(cards, key=rank)
    for one, following in pairwise(ordered):
        if rank(one) == rank(following):
            names = " and ".join(f"Coverage/{card['id']}" for card in (one, following))
            raise Conflict(f"{names} are both in force: say in Coverage.order which pays first", path="coverage")
    return ordered


def rank(card: Resource) -> int:
    return int(card.get("order", LAST))


def rule_for(rules: Rulebook, card: Resource, person: Resource, kind: str, day: date) -> Rule | None:
    """The rule of a person's group for such a visit on a day; None where there is none."""
    codes = [one["code"] for one in card.get("type", {}).get("coding", []) if one.get("system") == INSURANCE]
    youngest, oldest = ages(str(person.get("birthDate", "")), day)
    groups = (rules.group_of(code, person.get("gender", ""), youngest, oldest) for code in codes)
    group = next((one for one in groups if one), None)
    try:
        return rules.rule(group, kind, day) if group else None
    except Missing:
        return None


def ages(birth: str, day: date) -> tuple[int, int]:
    """Completed years on a day, at least and at most, for a birth date that may be only a year or a month.

    >>> ages("1966-05-04", date(2026, 5, 4)), ages("1966", date(2026, 5, 4)), ages("", date(2026, 5, 4))
    ((60, 60), (59, 60), (0, 150))
    """
    if not birth:
        return 0, 150
    late, early = (birth + "-12-31"[len(birth) - 4 :])[:10], (birth + "-01-01"[len(birth) - 4 :])[:10]
    return years(late, day), years(early, day)


def years(birth: str, day: date) -> int:
    return day.year - int(birth[:4]) - (day.isoformat()[5:] < birth[5:])


def personal_left(desk: Desk, coverage: str, rule: Rule) -> int:
    card = standing(desk, f"Coverage/{bare(coverage)}")
    return personal(desk, card, rule) if card else 0


def personal(desk: Desk, card: Resource, rule: Rule) -> int:
    """What the personal account has left for use here: what it gives, less what it has paid by the books."""
    given = extension(card, PERSONAL).get("valueMoney")
    if given is None or given.get("currency") != rule.currency:
        return 0
    return max(0, minor(given) - books.balance(desk, f"Coverage/{card['id']}/account", rule.currency).net)
