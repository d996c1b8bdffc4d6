"""Each line of a settlement in words, for the patient who asks why; and what a rule says, for who lays it down."""

from collections.abc import Callable, Iterator

from salus.base.words import words_of
from salus.places.settlement.rules import LEVELS, NEEDS, Band, Rule, Threshold
from salus.places.settlement.settling import WHOLE, Line

Money = Callable[[int], str]  # minor units as they are written, such as `salus.ui.formats.money`


def told(line: Line, language: str, money: Money, named: Callable[[str], str] = str) -> str:
    """Why this line gives (or takes) its amount, in a sentence; `named` gives an item's name for its code.

    >>> told(Line("threshold", "insured", 130000, of=130000, upto=130000), "en", lambda minor: f"{minor / 100:.2f}")
    'You pay the first 1300.00; 1300.00 of it was still open.'
    """
    words = words_of("salus.places.settlement")
    return words(key(line), language, **slots(line, money, named))


def key(line: Line) -> str:
    """Which sentence: that of the step and payer, with an open end where the band has none."""
    end = ".open" if line.step in ("bands", "serious") and line.upto is None else ""
    return f"{line.step}.{line.payer}{end}"


def slots(line: Line, money: Money, named: Callable[[str], str]) -> dict[str, str]:
    amounts = {"amount": abs(line.amount), "of": line.of, "above": line.above, "upto": line.upto}
    told = {name: money(value) for name, value in amounts.items() if value is not None}
    return told | {"item": named(line.item), "share": "" if line.share is None else percent(line.share)}


def percent(share: int) -> str:
    """
    >>> percent(8500), percent(1250), percent(3333)
    ('85%', '12.5%', '33.33%')
    """
    whole = f"{share * 100 / WHOLE:.2f}".rstrip("0").rstrip(".")
    return f"{whole}%"


def payer(line: Line, language: str) -> str:
    return words_of("salus.places.settlement")(f"payer.{line.payer}", language)


def step_name(step: str, language: str) -> str:
    """
    >>> step_name("threshold", "en"), step_name("part", "zh")
    ('Deductible', '乙类先自付')
    """
    return words_of("salus.places.settlement")(f"step.{step}", language)


def step_meaning(step: str, language: str) -> str:
    """What the step means, for somebody who knows no word of insurance; empty where its name says all."""
    words = words_of("salus.places.settlement")
    return words(f"step.{step}.what", language) if f"step.{step}.what" in words else ""


# --- a rule itself ---


def rule_told(rule: Rule, language: str, money: Money) -> Iterator[tuple[str, list[str]]]:
    """Each step by name, with what it says in figures."""
    for step in rule.steps:
        told = getattr(rule, NEEDS[step]) if step in NEEDS else None
        rows = told if isinstance(told, tuple) else (told,)
        yield step_name(step, language), [row_told(step, row, language, money) for row in rows]


def row_told(step: str, row: Threshold | Band | int | None, language: str, money: Money) -> str:
    words = words_of("salus.places.settlement")
    if row is None or isinstance(row, int):
        return words(f"rule.{step}", language, amount=money(row or 0))
    level = "" if set(row.level) == set(LEVELS) else words("rule.level", language, levels=levels_told(row, language))
    if isinstance(row, Threshold):
        later = "" if row.later is None else ".later"
        return words(f"rule.{step}{later}", language, first=money(row.first), later=money(row.later or 0), level=level)
    end = ".open" if row.upto is None else ""
    edges = {"above": money(row.above), "upto": money(row.upto or 0), "share": percent(row.share)}
    return words(f"rule.{step}{end}", language, level=level, **edges)


def levels_told(row: Threshold | Band, language: str) -> str:
    return ("、" if language == "zh" else ", ").join(str(one) for one in row.level)
