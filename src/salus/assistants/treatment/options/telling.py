"""How an estimate is said, in both languages: no number without its interval, no benefit where there is doubt."""

from salus.assistants.suggestion import Name
from salus.assistants.treatment.benefit import Benefit, Risk
from salus.assistants.treatment.benefit import Option as Treatment
from salus.assistants.treatment.screen.person import says, written

YEAR, MONTH = 365.25, 30.4375
LIGHTS = {"good": "good", "thin": "warn", "none": "bad"}  # overlap -> tone of the light


def comparison(one: Benefit) -> Name:
    """What is compared, of which outcome, by when."""
    slots = {"option": one.option.name, "against": called(one.against), "outcome": one.outcome}
    return says("benefit.compared", span=span(one.horizon_days), **slots)


def called(treatment: Treatment) -> Name:
    """Within a sentence; what has no codes is nothing given, and no medicine's name."""
    return treatment.name if treatment.codes else treatment.name.in_line


def span(days: float) -> Name:
    """
    >>> span(28).en, span(365).en, span(1826).zh
    ('28 days', '12 months', '5 年')
    """
    for least, length, unit in ((700, YEAR, "years"), (60, MONTH, "months"), (0, 1.0, "days")):
        if days >= least:
            return says(f"span.{unit}", count=f"{round(days / length, 1):g}")
    return says("span.days", count=f"{days:g}")


def in_hundred(risk: float) -> str:
    """Of 100 people, with no false precision: whole people from 10 on, tenths below.

    >>> in_hundred(0.123), in_hundred(0.0441), in_hundred(0.0004)
    ('12', '4.4', '<0.1')
    """
    value = 100 * abs(risk)
    if 0 < value < 0.05:
        return "<0.1"
    return f"{value:.0f}" if value >= 9.95 else f"{value:.1f}".removesuffix(".0")


def chances(one: Benefit) -> tuple[Name, ...]:
    """With the option and with the other: so many of 100 people, or the mean; each with its interval."""
    return tuple(
        level(one, risk, treatment)
        for risk, treatment in ((one.risk_without, one.against), (one.risk_with, one.option))
        if risk is not None
    )


def level(one: Benefit, risk: Risk, treatment: Treatment) -> Name:
    slots = {"name": called(treatment), "outcome": one.outcome}
    nothing = "" if treatment.codes else ".nothing"
    if one.unit:
        return says(f"benefit.mean{nothing}", unit=written(one.unit), **figures(risk), **slots)
    low, value, high = (in_hundred(each) for each in (risk.low, risk.value, risk.high))
    return says(f"benefit.risk{nothing}", value=value, low=low, high=high, **slots)


def figures(risk: Risk) -> dict[str, str]:
    return {"value": f"{risk.value:.3g}", "low": f"{risk.low:.3g}", "high": f"{risk.high:.3g}"}


def difference(one: Benefit) -> Name | None:
    """The difference with its interval; an interval that holds 0 is said from both sides."""
    risk = one.difference
    if risk is None:
        return None
    if one.unit:
        return says("benefit.difference.mean", unit=written(one.unit), outcome=one.outcome, **figures(risk))
    value, ends = in_hundred(risk.value), sorted((risk.low, risk.high), key=abs)
    low, high = (in_hundred(each) for each in ends)
    if risk.is_sure:
        return says(f"benefit.{'more' if risk.value > 0 else 'fewer'}", value=value, low=low, high=high)
    return says("benefit.either", fewer=in_hundred(min(risk.low, 0)), more=in_hundred(max(risk.high, 0)))


def verdict(one: Benefit) -> Name | None:
    """What the interval says in a word: better, worse, or not distinguishable from no benefit."""
    if one.refused is not None:
        return None
    key = {True: "better", False: "worse", None: "unsure"}[one.better]
    return says(f"benefit.{key}", option=one.option.name, against=one.against.name)


def needed(one: Benefit) -> Name | None:
    """The number needed to treat (or to harm) with its interval; of means and of doubt there is none."""
    if one.nnt is None:
        return None
    counts = {"count": f"{one.nnt:,}", "low": f"{one.nnt_low or one.nnt:,}", "high": f"{one.nnt_high or one.nnt:,}"}
    slots = {"option": one.option.name, "against": one.against.name, "span": span(one.horizon_days)}
    return says("benefit.needed" if one.better else "benefit.harmed", **counts, **slots)


def overlap(one: Benefit) -> Name | None:
    """How many like this patient had the option; None where nobody was looked at."""
    if not one.alike:
        return None
    return says("overlap.said", had=f"{one.had_option:,}", alike=f"{one.alike:,}", option=one.option.name)


def light(one: Benefit) -> Name:
    return says(f"overlap.{one.overlap}")


def sentence(one: Benefit) -> Name:
    """The whole estimate in a line, as a card of CDS Hooks and an answer's record have it."""
    parts = [comparison(one), one.refused or difference(one), verdict(one), needed(one), overlap(one)]
    said = [each for each in parts if each is not None]
    return Name(" ".join(each.en for each in said), "".join(each.zh for each in said))
