"""What a task wants cleaned, made into a cleaner: units and bounds as the events of training people have them."""

import math
from collections import defaultdict

import duckdb
import numpy as np
import pyarrow as pa

from salus.base.errors import Invalid
from salus.codes.units import convert
from salus.learning.dictionary import Act, Cleaner, Concept, Conversion, EventRecipe, Limit
from salus.learning.step3_features.cleaning import Cleaning, reals
from salus.learning.step3_features.coded import by_word
from salus.learning.step3_features.pieces import EVENT_COLUMNS
from salus.learning.task import Clean, matches

TRAINING = """
SELECT {columns} FROM {events} e
JOIN (SELECT subject_id, max(at_us) AS last_us FROM rows WHERE part = 'train' GROUP BY 1) r USING (subject_id)
WHERE list_contains($codes, e.code) AND epoch_us(e.time) <= r.last_us AND e.numeric_value IS NOT NULL
ORDER BY ALL
"""
WITHOUT_SUBJECT = ", ".join(f"e.{name}" for name in EVENT_COLUMNS if name != "subject_id")


def cleaner_of(clean: Clean, recipe: EventRecipe, connection: duckdb.DuckDBPyConnection, events: str) -> Cleaner | None:
    """The cleaner of a task, from its training rows (table `rows` on the connection); None where nothing is asked."""
    if not (clean.duplicates or clean.units or clean.impossible or clean.quantiles):
        return None
    concepts = {concept.code: concept for concept in recipe.concepts if not concept.members}
    cleaner = Cleaner(duplicates=clean.duplicates, limits=impossible_of(clean, concepts))
    if clean.units or clean.quantiles:
        sql = TRAINING.format(columns=f"subject_id, {WITHOUT_SUBJECT}", events=events)
        learn(clean, cleaner, concepts, connection.sql(sql, params={"codes": list(concepts)}).to_arrow_table())
    return cleaner


def learn(clean: Clean, cleaner: Cleaner, concepts: dict[str, Concept], seen: pa.Table) -> None:
    """Fill in what the events of training people say."""
    if clean.units:
        cleaner.conversions = conversions_of(concepts, seen)
    if clean.quantiles:
        left, _ = Cleaning(cleaner)(seen, by_word(seen["subject_id"])[0].astype(np.int64))
        cleaner.limits = [*cleaner.limits, *usual_of(clean, clean.quantiles, concepts, left)]


def conversions_of(concepts: dict[str, Concept], seen: pa.Table) -> list[Conversion]:
    """From each unit in which a code was seen to its usual one, where UCUM says how."""
    pairs = seen.group_by(["code", "unit"]).aggregate([]).sort_by([("code", "ascending"), ("unit", "ascending")])
    found = [conversion(concepts[row["code"]], row["unit"]) for row in pairs.to_pylist()]
    return [one for one in found if one is not None]


def conversion(concept: Concept, unit: str | None) -> Conversion | None:
    """Every conversion of units is a line: value * factor + start."""
    if unit is None or concept.unit is None or unit == concept.unit:
        return None
    system, _, bare = concept.code.partition("//")
    loinc = bare if system == "LOINC" else None
    try:
        start, one = (convert(value, unit, concept.unit, loinc) for value in (0.0, 1.0))
    except Invalid:
        return None
    return Conversion(code=concept.code, unit=unit, to=concept.unit, factor=one - start, start=start)


def impossible_of(clean: Clean, concepts: dict[str, Concept]) -> list[Limit]:
    """The bounds that the task declares, code by code; of two patterns that fit a code the first holds."""
    made = []
    for code, concept in concepts.items():
        span = next((span for pattern, span in clean.impossible.items() if matches(code, [pattern])), None)
        if span is not None:
            made.append(Limit(code=code, unit=concept.unit, low=span[0], high=span[1], act="impossible"))
    return made


def usual_of(clean: Clean, shares: tuple[float, float], concepts: dict[str, Concept], left: pa.Table) -> list[Limit]:
    """Bounds from the quantiles of what is left when all else is done, where a code has numbers enough."""
    values = defaultdict[str, list[float]](list)
    told = (left["code"].to_pylist(), left["unit"].to_pylist(), reals(left["numeric_value"]).tolist())
    for code, unit, value in zip(*told, strict=True):
        if math.isfinite(value) and unit in (None, concepts[code].unit):
            values[code].append(value)
    made = []
    for code in sorted(code for code, own in values.items() if len(own) >= clean.least):
        low, high = np.quantile(np.sort(values[code]), list(shares)).tolist()
        act: Act = "clipped" if clean.beyond == "clip" else "beyond"
        made.append(Limit(code=code, unit=concepts[code].unit, low=low, high=high, act=act))
    return made
