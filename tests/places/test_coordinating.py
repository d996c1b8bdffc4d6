"""What one insurance leaves to the insured is dealt out to the items, so that the next can settle it by its rules."""

from datetime import date
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salus.places.settlement import Claim, Item, Rule, Visit, Year, left, rules_of, settle, shipped
from salus.places.settlement.coordinating import portions

DAY = date(2026, 5, 4)
HEAD = """
[[rule]]
id = "r"
place = "cn"
group = "working"
visit = ["outpatient"]
from = 2025-01-01
to = 2028-01-01
currency = "CNY"
title = { en = "R", zh = "R" }
source = "made up"
"""
BANDS = "bands = [{ above = 0, share = 7000 }]\n"
EVERY = [rule for place in ("cn", "us") for rule in shipped(place)]


def rule(text: str) -> Rule:
    (found,) = rules_of(HEAD + text)
    return found


def claim(*items: Item, account: int = 0) -> Claim:
    return Claim(Visit("outpatient", DAY), items, Year(), account)


def dealt(by: Rule, asked: Claim) -> list[tuple[str, int]]:
    return [(one.code, one.amount) for one in left(asked, settle(by, asked))]


@pytest.mark.parametrize(
    ("text", "items", "expected"),
    [
        # 30 % of each is left where both are covered
        ('steps = ["bands"]\n' + BANDS, [Item("a", 1000), Item("b", 3000)], [("a", 300), ("b", 900)]),
        # what is not covered stays whole, and brings nothing into the sum
        ('steps = ["none", "bands"]\n' + BANDS, [Item("a", 1000, "none"), Item("b", 3000)], [("a", 1000), ("b", 900)]),
        # 10 % of 1000 first, then 30 % of 900 and of 3000
        (
            'steps = ["part", "bands"]\n' + BANDS,
            [Item("a", 1000, "part", 1000), Item("b", 3000)],
            [("a", 100 + 270), ("b", 900)],
        ),
        # above the limit 400, then 30 % of 600 and of 3000
        (
            'steps = ["limit", "bands"]\n' + BANDS,
            [Item("a", 1000, limit=600), Item("b", 3000)],
            [("a", 400 + 180), ("b", 900)],
        ),
        # what is written off is nobody's: 30 % of 600 and of 3000
        (
            'steps = ["allowed", "bands"]\n' + BANDS,
            [Item("a", 1000, limit=600), Item("b", 3000)],
            [("a", 180), ("b", 900)],
        ),
        # a threshold of 2000 is shared as 1000 to 3000; then 30 % of the other half
        (
            'steps = ["threshold", "bands"]\nthreshold = [{ first = 2000 }]\n' + BANDS,
            [Item("a", 1000), Item("b", 3000)],
            [("a", 500 + 150), ("b", 1500 + 450)],
        ),
    ],
)
def test_what_is_left_stays_with_what_it_was_left_of(text: str, items: list[Item], expected: list[tuple[str, int]]):
    assert expected == dealt(rule(text), claim(*items))


def test_what_a_personal_account_paid_is_left_to_nobody():
    by = rule('steps = ["none", "bands", "account"]\n' + BANDS)
    # 1000 not covered and 300 of the sum, of which the account pays 1200: 100 are left, of what is not covered
    asked = claim(Item("a", 1000, "none"), Item("b", 1000), account=1200)

    assert [("a", 100)] == dealt(by, asked)


def test_two_items_of_one_code_share_what_is_left_of_the_code_by_their_amounts():
    by = rule('steps = ["none"]\n')

    assert [("a", 100), ("a", 200)] == dealt(by, claim(Item("a", 100, "none"), Item("a", 200, "none"), Item("b", 0)))


@given(st.integers(0, 2**32), st.sampled_from(EVERY))
def test_what_is_left_of_the_items_is_what_the_insured_pay_whatever_the_rule(seed: int, by: Rule):
    draw = Random(seed)
    items = tuple(
        Item(
            f"i{draw.randrange(4)}",
            draw.randrange(10 ** draw.choice([1, 4, 7])),
            draw.choice(["full", "part", "none"]),
            draw.choice([0, 1000, 3333]),
            draw.choice([None, draw.randrange(10**4)]),
        )
        for _ in range(draw.randint(0, 8))
    )
    year = Year(*(draw.choice([0, draw.randrange(10**7)]) for _ in range(4)), draw.randint(0, 2))
    asked = Claim(Visit(by.visit[0], DAY, draw.randint(1, 3)), items, year, draw.choice([0, 5000, 10**7]))
    made = settle(by, asked)
    dealt_out = left(asked, made)

    assert made.pays("insured") == sum(one.amount for one in dealt_out)
    assert all(0 < one.amount <= asked.total for one in dealt_out)
    assert dealt_out == left(asked, made)


@given(st.lists(st.integers(0, 10**9), max_size=9), st.integers(0, 10**9))
def test_portions_are_the_whole_and_none_is_more_than_its_weight(weights: list[int], whole: int):
    whole = min(whole, sum(weights))
    parts = portions(whole, weights)

    assert whole == sum(parts) and all(0 <= part <= weight for part, weight in zip(parts, weights, strict=True))
