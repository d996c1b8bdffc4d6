"""A thousand bills a table of rules, with their arithmetic in `golden/`: it is true, and the engine comes to every
figure of it, to the fen, however often and in whatever order it is asked."""

import re
from collections.abc import Iterator
from datetime import date
from functools import cache
from importlib.resources import files
from random import Random

import pytest
from golden_cases import PAYERS, TABLES, Book, Case, Number, Said, literals, read
from golden_claims import RULES, claim_of, settled

from salus.places.settlement import (
    Claim,
    Item,
    Line,
    Rule,
    Settlement,
    Visit,
    Year,
    rules_of,
    settle,
    the_rule,
    told,
)
from salus.places.settlement.telling import payer, percent

STEP = re.compile(r"(limit|allowed|none|part|band|own|serious) \d+|threshold|copay|cap|most|account")
BANDED = {("bands", "insurer"): "band", ("bands", "insured"): "own", ("serious", "serious"): "serious"}
LANGUAGES = ("en", "zh")


@cache
def book(table: str) -> Book:
    return read(table)


def name_of(line: Line, rule: Rule, level: int) -> str:
    """What the file calls it; empty for what another line says already, with the other sign."""
    if line.step in ("bands", "serious"):
        rows = rule.bands_of(level) if line.step == "bands" else rule.serious
        row = next(n for n, one in enumerate(rows, 1) if one.above == line.above)
        word = BANDED.get((line.step, line.payer))
        return f"{word} {row}" if word else ""
    if line.step in ("cap", "most", "account"):
        return line.step if line.amount > 0 else ""
    return f"{line.step} {line.item}".strip()


def steps_of(made: Settlement, rule: Rule, level: int) -> dict[str, int]:
    named = [(name_of(line, rule, level), line.amount) for line in made.lines if line.step != "ruleless"]
    assert len({name for name, _ in named if name}) == sum(bool(name) for name, _ in named)
    return {name: amount for name, amount in named if name}


def year_of(made: Settlement) -> dict[str, int]:
    return {name: getattr(made.year, name) for name in Year.__slots__}


def pays(made: Settlement) -> dict[str, int]:
    return {one: made.pays(one) for one in PAYERS}


def test_each_table_of_rules_has_a_thousand_cases():
    assert sorted(RULES) == TABLES
    for table in TABLES:
        assert table == book(table).table
        assert 1000 == len(book(table).cases) == len({one.inputs for one in book(table).cases})
        assert 20 <= len(book(table).groups) and all(book(table).groups.values())


@pytest.mark.parametrize("table", TABLES)
def test_the_arithmetic_is_true_and_made_of_numbers_that_stand_there(table: str):
    for case in book(table).cases:
        known = case.given | book(table).numbers
        for said in case.said:
            assert said.is_true, (case.number, said)
            assert known.issuperset(literals(said)), (case.number, said)
            known |= {said.value, *said.steps}
        assert sum(one.amount for one in case.bill) == sum(case.pays.values()), case.number
        assert len(case.figures) == sum(len(said.names) for said in case.said), case.number


@pytest.mark.parametrize("table", TABLES)
def test_the_words_before_the_cases_are_those_of_the_table(table: str):
    rule, words = RULES[table], book(table).rule
    bands = [*rule.bands, *rule.serious]
    wanted = {
        rule.copay,
        rule.cap or 0,
        rule.most or 0,
        *(one.above for one in bands),
        *(one.upto or 0 for one in bands),
    }
    wanted |= {one.first for one in rule.threshold} | {one.later or 0 for one in rule.threshold}

    assert wanted - {0} <= book(table).numbers
    assert f"{rule.since} until before {rule.until}; " in words
    assert f"steps: {', '.join(rule.steps)}\n" in words
    for level in (1, 2, 3):
        assert all(percent(one.share) in words for one in rule.bands_of(level))


@pytest.mark.parametrize("table", TABLES)
def test_the_engine_comes_to_every_figure_of_it(table: str):
    for case in book(table).cases:
        made = settled(case, table)
        figures = {name: value for name, value in case.figures.items() if STEP.fullmatch(name) and value}

        assert case.pays == pays(made), (case.number, case.group)
        assert case.year_after == year_of(made), (case.number, case.group)
        assert figures == steps_of(made, RULES[table], case.level), (case.number, case.group)


@pytest.mark.parametrize("table", TABLES)
def test_bills_sent_again_in_any_order_come_to_the_same_fen(table: str):
    draw, cases = Random(table), book(table).cases
    sent = [*cases, *cases, *draw.choices(cases, k=500)]
    draw.shuffle(sent)
    for case in sent:
        assert (case.pays, case.year_after) == (pays(made := settled(case, table)), year_of(made)), case.number


@pytest.mark.parametrize("table", TABLES)
def test_the_visits_of_a_year_follow_from_what_the_engine_itself_says_of_the_ones_before(table: str):
    """Visits that come after others, each with the year that the engine made, all of it done twice."""
    stands: dict[str, Year] = {}
    for case in [*book(table).cases, *book(table).cases]:
        if case.after:
            assert dict(case.year) == {name: getattr(stands[case.after], name) for name in Year.__slots__}, case.number
        stands[case.number] = settled(case, table).year


@pytest.mark.parametrize("table", TABLES)
def test_the_order_of_the_lines_of_a_bill_does_not_matter(table: str):
    draw = Random(table)
    for case in book(table).cases:
        if len(case.bill) > 1 and not case.no_rule:
            claim = claim_of(case)
            items = draw.sample(claim.items, len(claim.items))
            made = settle(RULES[table], Claim(claim.visit, tuple(items), claim.year, claim.account))
            assert (case.pays, case.year_after) == (pays(made), year_of(made)), case.number


def sample(table: str) -> Iterator[Case]:
    """Of each group the first, the last, and some between."""
    for cases in book(table).groups.values():
        yield from {one.number: one for one in [*cases[::7], cases[-1]]}.values()


def explained(line: Line, language: str) -> str:
    """Amounts in angle brackets, so that they can be told from shares."""
    return told(line, language, lambda minor: f"<{minor}>", lambda code: f"line {code}")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("table", TABLES)
def test_what_is_told_of_each_line_has_the_figures_of_the_arithmetic(table: str, language: str):
    rule, seen = RULES[table], set()
    for case in sample(table):
        known: set[Number] = case.given | book(table).numbers
        said_by = {name: said for said in case.said for name in said.names}
        known |= {number for said in case.said for number in (said.value, *said.steps)}
        for line in settled(case, table).lines:
            sentence, name = explained(line, language), name_of(line, rule, case.level)
            assert payer(line, language)
            assert known.issuperset(map(int, re.findall(r"<(-?\d+)>", sentence))), (case.number, sentence)
            assert name not in said_by or all(one in sentence for one in wanted(name, said_by[name])), sentence
            seen.add(line.step)

    assert set(rule.steps) | {"ruleless"} == seen


def wanted(name: str, said: Said) -> list[str]:
    """What a sentence must show of the sum that it explains: what it was taken of, the share or the edge."""
    step, numbers = name.partition(" ")[0], list(literals(said))
    if step in ("band", "part", "serious"):
        return [f"<{numbers[0]}>", percent(int(numbers[1] * 10_000))]
    if step in ("limit", "allowed"):
        return [f"<{one}>" for one in numbers]
    if step == "threshold":
        return [f"<{numbers[0]}>"]
    return []


def test_the_day_decides_between_two_versions_of_a_table():
    """The same charge on the last day of one version and on the first of the next, with its arithmetic."""
    text = (files("salus.places.settlement") / "us.toml").read_text("utf-8")
    later = text.replace("from = 2026-01-01\nto = 2027-01-01", "from = 2027-01-01\nto = 2028-01-01")
    later = later.replace("share = 8000", "share = 7500").replace("first = 500000", "first = 520000")
    rules = rules_of(text + later)
    made = []
    for day in (date(2026, 12, 31), date(2027, 1, 1)):
        visit = Visit("outpatient", day)
        made.append(settle(the_rule(rules, "silver", "outpatient", day), Claim(visit, (Item("1", 604_002),))))
    old, new = made

    assert 4_000 + 500_000 + (100_002 - 80_002) == old.pays("insured")  # 100002 * 80% = 80001.6
    assert 4_000 + 520_000 + (80_002 - 60_002) == new.pays("insured")  # 80002 * 75% = 60001.5
    assert old.version != new.version
