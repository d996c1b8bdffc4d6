"""Who pays what: cases by hand with their arithmetic, 1,000 random ones a rule against a count made another way, and
tables with holes."""

from dataclasses import replace
from datetime import date
from fractions import Fraction
from importlib.resources import files
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salus.base.errors import Invalid, Missing
from salus.places.settlement import Claim, Item, Rule, Visit, Year, rules_of, settle, shipped, the_rule, told
from salus.places.settlement.telling import payer

DAY = date(2026, 5, 4)
RULES = {rule.id: rule for place in ("cn", "us") for rule in shipped(place)}
OUT, IN = "cn-example-working-outpatient", "cn-example-working-inpatient"
RETIRED, RESIDENT, SILVER = "cn-example-retired-outpatient", "cn-example-residents", "us-example-silver"


def claim(rule: str, *items: Item | int, level: int = 3, account: int = 0, **year: int) -> Claim:
    listed = tuple(one if isinstance(one, Item) else Item(f"item-{at}", one) for at, one in enumerate(items))
    return Claim(Visit(RULES[rule].visit[0], DAY, level), listed, Year(**year), account)


# rule, claim, what the insured pay, what the insurer pays: each as the arithmetic that a clerk would write down, in fen
BY_HAND = [
    (OUT, claim(OUT, 50_000), "50000", "0"),  # below 起付线 1,800.00
    (OUT, claim(OUT, 180_000), "180000", "0"),
    (OUT, claim(OUT, 180_001), "180000 + 0", "1"),  # 0.7 fen of the one above, half up
    (OUT, claim(OUT, 300_000), "180000 + 120000*0.3", "120000*0.7"),
    (OUT, claim(OUT, 300_000, level=1), "180000 + 120000*0.1", "120000*0.9"),
    (OUT, claim(OUT, 100_000, threshold=180_000), "100000*0.3", "100000*0.7"),
    (OUT, claim(OUT, 100_000, threshold=150_000), "30000 + 70000*0.3", "70000*0.7"),
    (OUT, claim(OUT, 100_000, threshold=180_000, counted=1_950_000), "50000*0.3 + 50000*0.4", "50000*0.7 + 50000*0.6"),
    (OUT, claim(OUT, Item("B", 100_000, "part", 1000), threshold=180_000), "10000 + 90000*0.3", "90000*0.7"),
    (OUT, claim(OUT, Item("C", 5_000, "none"), 100_000, threshold=180_000), "5000 + 100000*0.3", "100000*0.7"),
    (OUT, claim(OUT, Item("L", 120_000, limit=100_000), threshold=180_000), "20000 + 100000*0.3", "100000*0.7"),
    (OUT, claim(OUT, Item("BL", 120_000, "part", 2000, 100_000), threshold=180_000),
     "20000 + 20000 + 80000*0.3", "80000*0.7"),
    (OUT, claim(OUT, 100_000, threshold=180_000, account=20_000), "100000*0.3 - 20000", "100000*0.7"),
    (OUT, claim(OUT, 100_000, threshold=180_000, account=99_000), "0", "100000*0.7"),
    (OUT, claim(OUT, 100_000, threshold=180_000, own=3_040_400), "30000*0.4", "70000"),  # 大病 60 % of 300.00
    (OUT, claim(OUT, 100_000, threshold=180_000, own=3_020_400), "30000 - 10000*0.6", "70000"),
    (OUT, claim(OUT, 0), "0", "0"),
    (RETIRED, claim(RETIRED, 200_000), "130000 + 70000*0.15", "70000*0.85"),
    (IN, claim(IN, 1_000_000), "130000 + 870000*0.15", "870000*0.85"),
    (IN, claim(IN, 1_000_000, stays=1), "65000 + 935000*0.15", "935000*0.85"),
    (IN, claim(IN, 1_000_000, level=2), "130000 + 870000*0.13", "870000*0.87"),
    (IN, claim(IN, 5_130_000), "130000 + 3000000*0.15 + 1000000*0.10 + 1000000*0.05",
     "3000000*0.85 + 1000000*0.90 + 1000000*0.95"),
    (IN, claim(IN, 1_000_000, insurer=49_500_000), "130000 + 870000 - 500000", "500000"),  # 封顶线 500,000.00
    (IN, claim(IN, 1_000_000, insurer=50_000_000), "1000000", "0"),
    (RESIDENT, claim(RESIDENT, 100_000), "55000 + 45000*0.5", "45000*0.5"),
    (RESIDENT, claim(RESIDENT, 100_000, level=1), "10000 + 90000*0.45", "90000*0.55"),
    (RESIDENT, claim(RESIDENT, 100_000, threshold=55_000, insurer=440_000), "100000 - 10000", "10000"),
    (SILVER, claim(SILVER, 30_000), "30000", "0"),
    (SILVER, claim(SILVER, 3_000), "3000", "0"),  # less than the copay
    (SILVER, claim(SILVER, 104_000, threshold=500_000, own=500_000), "4000 + 100000*0.2", "100000*0.8"),
    (SILVER, claim(SILVER, 5_000_000), "1060000", "5000000 - 1060000"),  # out-of-pocket maximum
    (SILVER, claim(SILVER, 100_000, own=1_060_000), "0", "100000"),
    (SILVER, claim(SILVER, Item("CT", 200_000, limit=80_000), own=1_050_000), "10000", "80000 - 10000"),
]  # fmt: skip


def worth(arithmetic: str) -> int:
    """Whole fen of what is written with +, -, * and decimals."""
    total = Fraction(0)
    for part in arithmetic.replace("- ", "+ -").split("+"):
        product = Fraction(1)
        for factor in part.split("*"):
            product *= Fraction(factor.strip().replace(" ", ""))
        total += product
    assert total.denominator == 1, arithmetic
    return int(total)


@pytest.mark.parametrize(("rule", "told_claim", "insured", "insurer"), BY_HAND)
def test_a_bill_is_shared_as_the_clerk_would(rule: str, told_claim: Claim, insured: str, insurer: str):
    made = settle(RULES[rule], told_claim)
    assert (made.pays("insured"), made.pays("insurer")) == (worth(insured), worth(insurer))
    assert made.total == told_claim.total and made == settle(RULES[rule], told_claim)


def rounded(exact: Fraction) -> int:
    """Half up."""
    return int(exact + Fraction(1, 2))


def marginal(bands: list, begin: int, end: int) -> int:
    """What a table of bands pays of `begin` to `end`: the exact share of each band, cut at every edge."""
    edges = sorted({begin, end, *(one.above for one in bands), *(one.upto for one in bands if one.upto is not None)})
    paid: dict[int, Fraction] = {}
    for low, high in pairwise(edges):
        if begin <= low and high <= end:
            at = max((one for one in bands if one.above <= low), key=lambda one: one.above, default=None)
            if at is not None:
                paid[at.above] = paid.get(at.above, Fraction(0)) + Fraction((high - low) * at.share, 10_000)
    return sum(map(rounded, paid.values()))


def counted_anew(rule: Rule, told_claim: Claim) -> tuple[int, int]:
    """Insured and insurer by balances instead of lines, for the Chinese rules and the American one."""
    year, level, covered, own_parts = told_claim.year, told_claim.visit.level, 0, 0
    for item in told_claim.items:
        amount = item.amount if item.limit is None else min(item.amount, item.limit)
        if item.cover == "none":
            continue
        first = rounded(Fraction(amount * item.own, 10_000)) if item.cover == "part" and "part" in rule.steps else 0
        covered, own_parts = covered + amount - first, own_parts + first
    fee = min(rule.copay, covered)
    covered -= fee
    row = next(one for one in rule.threshold if level in one.level)
    whole = row.later if year.stays and row.later is not None else row.first
    first = min(covered, max(0, whole - year.threshold) if rule.yearly else whole)
    begin = year.counted if rule.yearly else 0
    insurer = marginal(rule.bands_of(level), begin, begin + covered - first)
    if rule.cap is not None:
        insurer = min(insurer, max(0, rule.cap - year.insurer))
    own = own_parts + fee + covered - insurer
    if rule.most is not None:
        over = max(0, own - max(0, rule.most - year.own))
        own, insurer = own - over, insurer + over
    serious = marginal([one for one in rule.serious if level in one.level], year.own, year.own + own)
    written_off = sum(
        max(0, one.amount - one.limit) for one in told_claim.items if one.limit is not None and "allowed" in rule.steps
    )
    insured = told_claim.total - insurer - serious - written_off
    return (insured - min(told_claim.account, insured) if "account" in rule.steps else insured), insurer


def drawn(draw: Random, rule: Rule) -> Claim:
    scale = draw.choice([10**3, 10**5, 10**7])
    items = tuple(
        Item(
            f"i{n}",
            draw.randrange(scale),
            draw.choice(["full", "full", "part", "none"]),
            draw.choice([0, 500, 1000, 3333]),
            draw.choice([None, None, draw.randrange(scale)]),
        )
        for n in range(draw.randint(0, 12))
    )
    year = Year(*(draw.choice([0, draw.randrange(10**5), draw.randrange(10**7)]) for _ in range(4)), draw.randint(0, 2))
    return Claim(Visit(draw.choice(rule.visit), DAY, draw.randint(1, 3)), items, year, draw.choice([0, 5_000, 10**6]))


@pytest.mark.parametrize("name", RULES)
def test_a_thousand_bills_a_rule_are_shared_as_a_count_made_another_way(name: str):
    draw, rule = Random(name), RULES[name]
    for _ in range(1000):
        told_claim = drawn(draw, rule)
        made = settle(rule, told_claim)
        assert (made.pays("insured"), made.pays("insurer")) == counted_anew(rule, told_claim), told_claim
        assert made.total == told_claim.total and made.pays("insured") >= 0 and made.pays("insurer") >= 0


@given(st.integers(0, 10**7), st.integers(0, 10**7), st.sampled_from(sorted(RULES)))
def test_two_visits_of_a_year_add_up_to_what_one_of_both_would_but_for_rounding(one: int, other: int, name: str):
    rule = RULES[name]
    if not rule.yearly or "copay" in rule.steps:
        return
    first = settle(rule, claim(name, one))
    then = settle(rule, Claim(Visit(rule.visit[0], DAY, 3), (Item("b", other),), first.year))
    both = settle(rule, claim(name, one, other))
    assert abs(first.pays("insurer") + then.pays("insurer") - both.pays("insurer")) <= 2
    assert then.year.threshold == both.year.threshold and then.year.counted == both.year.counted


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("name", RULES)
def test_every_line_is_explained_in_both_languages(name: str, language: str):
    draw = Random(3)
    for _ in range(200):
        for line in settle(RULES[name], drawn(draw, RULES[name])).lines:
            said = told(line, language, lambda minor: f"{minor / 100:.2f}", lambda code: code)
            assert said and "None" not in said and "{" not in said and payer(line, language)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("upto = 2000000, share = 7000", "upto = 1900000, share = 7000", "ends at 1900000, the next begins at 2000000"),
        ("{ level = [2, 3], above = 2000000, share = 6000 },", "", "nothing is said above 2000000"),
        ("above = 0, upto = 2000000, share = 9000", "above = 5, upto = 2000000, share = 9000", "said up to 5"),
        ("threshold = [{ first = 180000 }]", "threshold = [{ first = 1, level = [1] }]", "level 2 need one threshold"),
        ('"bands", "serious"', '"bands", "magic"', "'magic' is no step"),
        ("to = 2028-01-01", "to = 2024-01-01", "before it begins"),
        ("share = 9000", "share = 90000", "share"),
        ("first = 180000", "first = -1", "first"),
        ('group = "working"\nvisit = ["inpatient"]', 'group = "working"\nvisit = ["outpatient"]', "overlaps"),
        ("cap = 50000000", "", "'cap' has no table"),
        ('"bands", "cap", "serious"', '"bands", "serious"', "No step uses the table 'cap'"),
        ('"threshold", "bands", "serious"', '"threshold", "bands", "bands", "serious"', "'bands' stands there 2 times"),
        ('"bands", "cap", "serious"', '"cap", "bands", "serious"', "'bands' must stand before 'cap'"),
        ('"bands", "serious", "account"', '"bands", "account", "serious"', "'serious' must stand before 'account'"),
        ('"threshold", "bands", "serious"', '"bands", "threshold", "serious"', "'threshold' must stand before 'bands'"),
        ('"none", "part", "threshold"', '"none", "threshold", "part"', "'part' must stand before 'threshold'"),
        ('["outpatient", "emergency"]', '["outpatent", "emergency"]', "'outpatent' is no kind of visit"),
        ('visit = ["inpatient"]', "visit = []", "is no kind of visit: there are outpatient"),
        ("level = [2, 3]", "level = [2, 3, 4]", "4 is no level of hospitals"),
        ("level = [2, 3]", "level = [2, 3, 3]", "3 is no level of hospitals, or stands there twice"),
        ('currency = "CNY"', 'currency = "cny"', "'cny' is no currency"),
        ('currency = "CNY"', 'currency = ""', "'' is no currency"),
        ('currency = "CNY"', 'currency = "USD"', "cn is settled in USD, this rule in CNY"),
        ("cap = 50000000", "cap = 50000000000000000", "says 50000000000000000 at cap"),
        ("cap = 50000000", "cap = 500.5", "says 500.5 at cap"),
        ('group = "retired"', 'group = "retird"', "'retird' is no group of cn: there are retired, working, resident"),
    ],
)
def test_a_table_with_a_hole_is_refused_and_the_hole_named(old: str, new: str, words: str):
    text = (files("salus.places.settlement") / "cn.toml").read_text("utf-8")
    assert old in text
    with pytest.raises(Invalid) as caught:
        rules_of(text.replace(old, new, 1))
    assert any(words in one.text for one in caught.value.issues), caught.value.issues


def test_days_without_a_rule_between_two_are_named():
    text = (files("salus.places.settlement") / "us.toml").read_text("utf-8")
    later = text.replace("from = 2026-01-01\nto = 2027-01-01", "from = 2027-02-01\nto = 2028-01-01")
    with pytest.raises(Invalid) as caught:
        rules_of(text + later)
    assert "leaves days without a rule" in caught.value.issues[0].text


def test_a_visit_that_no_rule_settles_says_for_which_days_there_are_rules():
    with pytest.raises(Missing, match="2025-01-01 to 2028-01-01"):
        the_rule(shipped("cn"), "working", "inpatient", date(2030, 1, 1))
    with pytest.raises(Missing):
        shipped("atlantis")
    with pytest.raises(Invalid):
        settle(RULES[OUT], replace(claim(OUT, 1), visit=Visit("inpatient", DAY)))


@pytest.mark.parametrize(
    "wrong", [{"amount": -1}, {"amount": 1.5}, {"amount": 1, "own": 10_001}, {"amount": 1, "limit": -1}]
)
def test_a_charge_that_cannot_be_is_refused(wrong: dict):
    with pytest.raises(Invalid):
        Item("x", **wrong)


def test_the_version_of_a_rule_changes_with_any_figure():
    rule = RULES[OUT]
    text = (files("salus.places.settlement") / "cn.toml").read_text("utf-8")
    other = rules_of(text.replace("share = 9000", "share = 9001", 1))[0]
    assert rule.version == shipped("cn")[0].version != other.version
