"""The feature definition again, in plain Python and in no hurry: the oracle of `step3_features.windows`."""

import math

from salus.learning.dictionary import Concept, EventRecipe, Feature

DAY_US = 86_400_000_000


def as_double(whole: int) -> float:
    """DuckDB's HUGEINT to DOUBLE: two words of 64 bits, each rounded on its own."""
    high, low = divmod(whole, 2**64)
    return -float(2**64 - 1 - low) - 1 if high == -1 else float(low) + float(high) * float(2**64)


def row_of(recipe: EventRecipe, events: list[dict], at_us: int) -> list[float]:
    """The features of one subject at one moment, in the order of the recipe. Times in microseconds, UTC."""
    concepts = {concept.key: concept for concept in recipe.concepts}
    return [value_of(feature, concepts, recipe, events, at_us) for feature in recipe.features]


def value_of(feature: Feature, concepts: dict[str, Concept], recipe: EventRecipe, events: list, at_us: int) -> float:
    if feature.value == "age":
        births = [e["time"] for e in events if e["code"] == "MEDS_BIRTH" and e["time"] is not None]
        return ((at_us - min(births)) // DAY_US) / 365.25 if births else math.nan
    if feature.value == "sex":
        sexes = [e["code"] for e in events if e["code"].startswith("SEX//")]
        return {"SEX//female": 1.0, "SEX//male": 0.0}.get(max(sexes, default=""), math.nan)
    concept = concepts[feature.source]
    known = [e for e in events if is_known(e, concept, recipe, at_us)]
    if feature.value == "since":
        return float(min(at_us - e["time"] for e in known)) / 86400e6 if known else math.nan
    inside = [e for e in known if not feature.window_days or at_us - e["time"] <= round(feature.window_days * DAY_US)]
    if feature.value == "count":
        return float(len(inside))
    return MEASURES[feature.value]([e for e in inside if is_measured(e, concept)], at_us)


def is_known(event: dict, concept: Concept, recipe: EventRecipe, at_us: int) -> bool:
    if not speaks_of(event, concept, recipe):
        return False
    if event["time"] is None or event["time"] > at_us or (event["recorded_time"] or event["time"]) > at_us:
        return False
    blind = fits(event["code"], recipe.rolled.blind) if concept.members else concept.blind
    return not (blind and event["time"] > at_us - round(recipe.blind_hours * 3_600_000_000))


def speaks_of(event: dict, concept: Concept, recipe: EventRecipe) -> bool:
    if concept.members:
        rolled = recipe.rolled
        counts = fits(event["code"], rolled.codes) and not fits(event["code"], rolled.exclude)
        return counts and fits(event["code"], concept.members)
    return event["code"] == concept.code and concept.text in (None, event["text_value"])


def fits(code: str, patterns: list[str]) -> bool:
    return any(code.startswith(one[:-1]) if one.endswith("*") else code == one for one in patterns)


def is_measured(event: dict, concept: Concept) -> bool:
    value = event["numeric_value"]
    fits = event["unit"] is None or concept.unit is None or event["unit"] == concept.unit
    return value is not None and math.isfinite(value) and abs(value) <= 1e9 and fits


def last(events: list[dict], at_us: int) -> float:
    if not events:
        return math.nan
    return max((e["time"], e["source_id"], e["numeric_value"] + 0.0) for e in events)[2]


def first(events: list[dict], at_us: int) -> float:
    if not events:
        return math.nan
    return min((e["time"], e["source_id"], e["numeric_value"] + 0.0) for e in events)[2]


def deviation(events: list[dict], at_us: int) -> float:
    values, count = [round(e["numeric_value"] * 1e6) for e in events], len(events)
    power = sum(v * v for v in values)
    if not count or power > 10**32:
        return math.nan
    return math.sqrt(as_double(count * power - sum(values) ** 2)) / count / 1e6


def mean(events: list[dict], at_us: int) -> float:
    total = sum(round(e["numeric_value"] * 1e6) for e in events)
    return as_double(total) / len(events) / 1e6 if events else math.nan


def slope(events: list[dict], at_us: int) -> float:
    ago = [(at_us - e["time"]) // 1_000_000 for e in events]
    values = [round(e["numeric_value"] * 1e6) for e in events]
    count = len(events)
    above = sum(ago) * sum(values) - count * sum(a * v for a, v in zip(ago, values, strict=True))
    below = count * sum(a * a for a in ago) - sum(ago) ** 2
    return as_double(above) / as_double(below) * 0.0864 if below else math.nan


MEASURES = {
    "first": first,
    "last": last,
    "deviation": deviation,
    "min": lambda events, at_us: min((e["numeric_value"] + 0.0 for e in events), default=math.nan),
    "max": lambda events, at_us: max((e["numeric_value"] + 0.0 for e in events), default=math.nan),
    "mean": mean,
    "slope": slope,
}
