"""The table of rules (rules.toml), read once: phrases with what they mean and how far they reach."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

from salus.assistants.cases.notes.pieces import phrase
from salus.assistants.cases.notes.trie import Trie

Means = Literal[
    "denied",
    "unsure",
    "past",
    "if",
    "family",
    "other",
    "allergy",
    "stays",
    "nothing",
    "end",
    "tail",
    "now",
    "self",
    "full",
]
# what stops what: a phrase that means the one ends the reach of phrases that mean the others
STOPS: Mapping[str, frozenset[str]] = {
    "end": frozenset({"denied", "unsure", "if", "allergy"}),
    "tail": frozenset({"denied", "unsure", "if", "allergy"}),
    "now": frozenset({"past"}),
    "self": frozenset({"family", "other"}),
    "full": frozenset({"denied", "unsure", "if", "past", "family", "other", "allergy"}),
    "denied": frozenset({"unsure"}),
    "if": frozenset({"denied", "past"}),
    "family": frozenset({"other"}),
    "other": frozenset({"family"}),
}


@dataclass(frozen=True, slots=True)
class Rule:
    """`reach`: `list`, `clause` or `part` of the sentence, or so many pieces between phrase and mention."""

    means: Means
    about: Literal["next", "last", "both"]
    reach: str | int


@dataclass(frozen=True)
class Rules:
    phrases: Trie[Rule]
    speech: frozenset[str]  # a relative who only tells
    join: frozenset[str]  # between the items of a list
    goes_on: frozenset[str]  # the list reaches this
    asserts: frozenset[str]  # begins something else


@cache
def rules() -> Rules:
    table = tomllib.loads((files("salus.assistants.cases.notes") / "rules.toml").read_text("utf-8"))
    phrases: Trie[Rule] = Trie()
    for row in table["row"]:
        rule = Rule(row["means"], row["about"], row.get("reach", "list"))
        for text in (*row.get("en", ()), *row.get("zh", ())):
            phrases.add(phrase(text), rule)
    lists = table["lists"]
    speech = (*table["speech"]["en"], *table["speech"]["zh"])
    return Rules(phrases, *map(_forms, (speech, lists["join"], lists["goes_on"], lists["asserts"])))


def _forms(words: list[str]) -> frozenset[str]:
    return frozenset(form for word in words for form in phrase(word))
