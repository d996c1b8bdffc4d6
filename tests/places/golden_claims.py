"""What the engine makes of the bills in `golden/`: each as a claim, and settled as billing would."""

from datetime import date

from golden_cases import Case

from salus.base.errors import Missing
from salus.places.settlement import Claim, Item, Settlement, Visit, Year, all_own, group_of, settle, shipped, the_rule

RULES = {rule.id: rule for place in ("cn", "us") for rule in shipped(place)}


def claim_of(case: Case) -> Claim:
    """Its lines are named by their place on the bill, from 1."""
    items = [Item(str(n), one.amount, one.cover, one.own, one.limit) for n, one in enumerate(case.bill, 1)]
    visit = Visit(case.kind, date.fromisoformat(case.day), case.level)
    return Claim(visit, tuple(items), Year(**dict(case.year)), case.account)


def settled(case: Case, table: str) -> Settlement:
    """By the rule that is found for who is insured, as billing finds it."""
    insurance, sex, age = case.who
    place, claim = RULES[table].place, claim_of(case)
    group = group_of(place, insurance, sex, age, age)
    try:
        rule = the_rule(shipped(place), group or "", case.kind, claim.visit.day)
    except Missing:
        assert case.no_rule, case
        return all_own(claim, RULES[table].currency, "ruleless")
    assert not case.no_rule and rule.id == table, case
    return settle(rule, claim)
