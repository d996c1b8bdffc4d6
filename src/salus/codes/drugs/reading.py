"""Which active ingredients an order names: by its codes, and by the words that stand beside them.

A code alone is believed; so are words alone. Where both speak and name different medicines nothing is believed, and a
part of a combination that no name explains is told, never passed over.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from salus.codes.drugs.ingredients import COMBINATIONS, HERBS, INGREDIENTS, Ingredient, by_code

PARTS = re.compile(r"\s/\s|\s\+\s|\band\b|\bwith\b|[;；、＋]|和", re.IGNORECASE)
STRENGTH = re.compile(r"\d[\d.,]*\s*(?:%|[a-zµμ\[\]]+(?:/[a-z\d.]+)?)?", re.IGNORECASE)
WORD = re.compile(r"[a-z]{4,}|[\u4e00-\u9fff]+", re.IGNORECASE)
COMPOUND = re.compile(r"复方|compound|co-formulated", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Named:
    """What an order names. `text` is how it calls itself; `unread` are parts of it that no ingredient explains;
    `torn` holds when code and words name different medicines."""

    text: str
    ingredients: tuple[Ingredient, ...]
    unread: tuple[str, ...] = ()
    torn: bool = False

    @property
    def known(self) -> bool:
        """Whether every part is understood."""
        return bool(self.ingredients) and not self.unread and not self.torn


def ingredients_in(concept: Mapping[str, Any]) -> Named:
    """The ingredients of a FHIR CodeableConcept of a medicine. https://hl7.org/fhir/R4/datatypes.html#CodeableConcept

    >>> [one.name for one in ingredients_in({"text": "Acetaminophen 325 MG / Oxycodone 5 MG Oral Tablet"}).ingredients]
    ['paracetamol', 'oxycodone']
    >>> ingredients_in({"text": "Wundermittel 5 mg"}).known
    False
    """
    codings = concept.get("coding", [])
    coded = _once(one for coding in codings for one in _of_code(coding.get("system", ""), coding.get("code", "")))
    texts = list(dict.fromkeys(filter(None, [concept.get("text"), *(coding.get("display") for coding in codings)])))
    text = texts[0] if texts else " ".join(filter(None, (coding.get("code") for coding in codings)))
    worded, unread = _worded(tuple(texts))
    if coded and worded and {one.name for one in worded} - {one.name for one in coded} and not _widens(coded, worded):
        return Named(text, coded, torn=True)
    if coded:
        return Named(text, _once((*coded, *worded)))
    return Named(text, worded, unread if worded else ((text or "?"),))


def _widens(coded: tuple[Ingredient, ...], worded: tuple[Ingredient, ...]) -> bool:
    """Whether the words name all that the code names and more: the code of one part of a combination."""
    return {one.name for one in coded} <= {one.name for one in worded}


def _of_code(system: str, code: str) -> tuple[Ingredient, ...]:
    found = by_code(system, code)
    return (found,) if found else COMBINATIONS.get((system, code), ())


@lru_cache(4096)
def _worded(texts: tuple[str, ...]) -> tuple[tuple[Ingredient, ...], tuple[str, ...]]:
    """What the words name; of several texts (names of one thing) the one that names most, and what it leaves open."""
    read = [(_once(_names(text)), _unread(text)) for text in texts]
    return max(read, key=lambda one: (len(one[0]), -len(one[1])), default=((), ()))


def _names(text: str) -> Iterable[Ingredient]:
    pattern, by_name = _lexicon()
    return (by_name[found.group().lower()] for found in pattern.finditer(text))


def _unread(text: str) -> tuple[str, ...]:
    """The parts of a combination that hold words but no ingredient, and compounds that do not say what is in them."""
    pattern, _ = _lexicon()
    parts = [part.strip() for part in PARTS.split(text)]
    silent = [part for part in parts if not pattern.search(part) and WORD.search(STRENGTH.sub(" ", part))]
    return (*silent, *([text] if COMPOUND.search(text) and not silent else []))


def _once(found: Iterable[Ingredient]) -> tuple[Ingredient, ...]:
    return tuple({one.name: one for one in found}.values())


@cache
def _lexicon() -> tuple[re.Pattern[str], dict[str, Ingredient]]:
    """One pattern over all names, the longest first, and the ingredient of each name in small letters."""
    every = (*INGREDIENTS.values(), *HERBS.values())
    by_name = {name.lower(): one for one in every for name in (one.name, one.zh, *one.also)}
    latin = sorted((name for name in by_name if name.isascii()), key=len, reverse=True)
    other = sorted((name for name in by_name if not name.isascii()), key=len, reverse=True)
    words = rf"(?<![a-z])(?:{'|'.join(map(re.escape, latin))})(?![a-z])|{'|'.join(map(re.escape, other))}"
    return re.compile(words, re.IGNORECASE), by_name
