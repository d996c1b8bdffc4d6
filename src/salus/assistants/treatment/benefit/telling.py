"""What an effect model found for one patient, as a `Benefit`: in both languages, risks between 0 and 1."""

from salus.assistants.suggestion import Name
from salus.assistants.treatment.benefit.shape import Benefit, Driver, Evidence, Harm, Option, Risk, needed_to_treat
from salus.base.words import LANGUAGES, words_of
from salus.learning.effects.average import Estimate
from salus.learning.effects.bundle import EffectBundle, Number
from salus.learning.effects.declared import Choice
from salus.learning.effects.model import Driver as Moved
from salus.learning.effects.model import Expected
from salus.learning.task import Text

WITHOUT_UNIT = ("a", "d")  # years of age, days: what they are is in the name


def name(text: Text) -> Name:
    return Name(text["en"], text["zh"])


def says(key: str, **slots: object) -> Name:
    """Words in both languages; a `Name` among the slots is said in each."""
    say = words_of("salus.assistants.treatment.benefit")
    both = {
        one: say(key, one, **{k: v.in_(one) if isinstance(v, Name) else v for k, v in slots.items()})
        for one in LANGUAGES
    }
    return Name(both["en"], both["zh"])


def option_of(choice: Choice) -> Option:
    return Option(choice.code, name(choice.name), tuple(choice.codes))


def refusals(bundle: EffectBundle) -> list[Benefit]:
    """Of a study that did not pass its gate: each option, without a number."""
    say = words_of("salus.learning.effects")
    failed = [one.key for one in bundle.checks if not one.holds] or ["gate.nobody"]
    checks = Name(*("; ".join(say(key, one) for key in failed) for one in ("en", "zh")))
    why = says("refused.gate", checks=checks)
    return [refusal(bundle, k, 0, 0, why) for k in range(1, len(bundle.task.options))]


def refusal(bundle: EffectBundle, option: int, alike: int, had: int, why: Name) -> Benefit:
    task = bundle.task
    return Benefit(
        option=option_of(task.options[option]),
        against=option_of(task.options[0]),
        outcome=name(task.outcome.name),
        horizon_days=task.outcome.within_days,
        evidence=evidence_of(bundle),
        overlap="none",
        alike=alike,
        had_option=had,
        model=model_of(bundle),
        card=card_of(bundle),
        refused=why,
        higher=not task.lower_is_better,
        unit=bundle.unit,
        synthetic=bundle.synthetic,
    )


def evidence_of(bundle: EffectBundle) -> Evidence:
    """What stands behind it; nothing where the gate was not passed."""
    if not bundle.passed:
        return "none"
    return "trial" if bundle.task.randomised else "observational"


def model_of(bundle: EffectBundle) -> str:
    return f"{bundle.name} {bundle.version}"


def card_of(bundle: EffectBundle) -> str:
    return f"/models/{bundle.name}/{bundle.version}"


def told(bundle: EffectBundle, found: Expected) -> Benefit:
    """One option for one patient: numbers where there is overlap, else how many alike had it."""
    alike, task = sum(found.had), bundle.task
    if found.why or found.with_ is None or found.without is None or found.difference is None:
        rare = task.options[found.rare]
        why = says(f"refused.{found.why}", had=found.had[found.rare], alike=alike, name=name(rare.name))
        return refusal(bundle, found.option, alike, found.had[found.option], why)
    unbound = task.outcome.value
    without, with_ = (risk_of(one, unbound) for one in (found.without, found.with_))
    difference = bounded(found.difference, -without.value, 1 - without.value, unbound)
    needed, low, high = needed_to_treat(difference, bundle.unit if unbound else "")
    return Benefit(
        option=option_of(task.options[found.option]),
        against=option_of(task.options[0]),
        outcome=name(task.outcome.name),
        horizon_days=task.outcome.within_days,
        evidence=evidence_of(bundle),
        overlap=found.overlap,
        alike=alike,
        had_option=found.had[found.option],
        model=model_of(bundle),
        card=card_of(bundle),
        risk_with=with_,
        risk_without=without,
        difference=difference,
        nnt=needed,
        nnt_low=low,
        nnt_high=high,
        harms=harms_of(bundle, found.option),
        drivers=tuple(driver(one) for one in found.drivers),
        higher=not task.lower_is_better,
        unit=bundle.unit,
        by="model" if bundle.contrasts[found.option - 1].by == "model" else "baseline",
        synthetic=bundle.synthetic,
    )


def risk_of(one: Estimate, unbound: bool = False) -> Risk:
    """A risk lies between 0 and 1, with its interval; a mean where it lies."""
    return bounded(one, 0.0, 1.0, unbound)


def bounded(one: Estimate, least: float, most: float, unbound: bool = False) -> Risk:
    """
    >>> bounded(Estimate(0.9, 0.1), 0, 1).high
    1
    """
    ends = (one.value, one.low, one.high)
    return Risk(*ends) if unbound else Risk(*(min(max(end, least), most) for end in ends))


def harms_of(bundle: EffectBundle, option: int) -> tuple[Harm, ...]:
    """Averages of the study under both options; None where too few had the harm to tell."""

    def under(means: list[Number], k: int) -> Risk | None:
        return risk_of(means[k].estimate) if means else None

    return tuple(
        Harm(name(one.name), under(one.means, option), under(one.means, 0), model_of(bundle)) for one in bundle.harms
    )


def driver(one: Moved) -> Driver:
    """In words: sex by its name, a number with its unit, what is not known as such."""
    label = name(one.feature.label)
    if one.value is None:
        return Driver(says("driver.unknown", name=label), "", one.weight)
    if one.feature.value == "sex":
        return Driver(says("driver.female" if one.value else "driver.male"), "", one.weight)
    unit = "" if one.feature.unit in (None, "1", *WITHOUT_UNIT) else one.feature.unit
    value = f"{int(one.value)}" if one.feature.value == "age" else f"{one.value:.4g}"
    return Driver(label, value, one.weight, unit or "")
