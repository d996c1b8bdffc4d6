"""Which medicines an effect model speaks of, by the codes that count as its options (`ATC//C10AA*`)."""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

from salus.assistants.treatment.benefit import Option as Treatment
from salus.codes.drugs import INGREDIENTS, Ingredient, ingredients_in
from salus.codes.tables import ATC, RXNORM

Json = dict[str, Any]
PREFIXES = {ATC: "ATC", RXNORM: "RXNORM"}


def codes_of(concept: Mapping[str, Any]) -> frozenset[str]:
    """How events call a medicine: by its own codings, and by the codes of its ingredient where it is the only one.

    >>> sorted(codes_of({"text": "apixaban 5 MG Oral Tablet"}))
    ['ATC//B01AF02', 'RXNORM//1364430']
    """
    own = {
        f"{PREFIXES[one['system']]}//{one['code']}"
        for one in concept.get("coding", ())
        if one.get("system") in PREFIXES and one.get("code")
    }
    named = ingredients_in(concept)
    return frozenset(own | (coded(named.ingredients[0]) if len(named.ingredients) == 1 else set()))


def coded(ingredient: Ingredient) -> set[str]:
    own = {f"ATC//{code}" for code in ingredient.atc}
    return own | ({f"RXNORM//{ingredient.rxnorm}"} if ingredient.rxnorm else set())


def is_one_of(codes: Iterable[str], treatment: Treatment) -> bool:
    """
    >>> is_one_of({"ATC//C10AA05"}, Treatment("statin", None, ("ATC//C10AA*",)))
    True
    """
    return any(fnmatchcase(code, pattern) for code in codes for pattern in treatment.codes)


@cache
def medicines_of(codes: tuple[str, ...]) -> tuple[Ingredient, ...]:
    """The ingredients that the patterns mean, in the order of their names; none where they mean no medicine of ours."""
    treatment = Treatment("", None, codes)  # type: ignore[arg-type]  # its name is not asked for
    return tuple(one for name, one in sorted(INGREDIENTS.items()) if is_one_of(coded(one), treatment))


def concept_of(ingredient: Ingredient) -> Json:
    coding = [{"system": ATC, "code": code, "display": ingredient.name} for code in ingredient.atc[:1]]
    return {"text": ingredient.name} | ({"coding": coding} if coding else {})
