"""What cannot wait: the rules of `redflags.toml` over a patient's own words, before anything else is looked at."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

from salus.assistants.recommend.departments import read
from salus.assistants.recommend.saying import folded, spoken
from salus.assistants.suggestion import Name
from salus.places import Number, numbers

Todo = Literal["ambulance", "emergency", "crisis"]
# what to do -> the numbers to show, the first one first
CALLS: dict[str, tuple[str, ...]] = {
    "ambulance": ("ambulance",),
    "emergency": ("ambulance",),
    "crisis": ("crisis", "ambulance"),
}
NEAR = r"[^\s，。；！？、,.;!?]"  # what `\S` means in the table: within a clause


@dataclass(frozen=True, slots=True)
class RedFlag:
    """A sign that cannot wait. `said`: the words it rests on, as they were typed; `call`: numbers, the first first."""

    code: str
    text: Name
    todo: Todo
    said: tuple[str, ...]
    call: tuple[Number, ...]
    source: str
    dated: str


@dataclass(frozen=True, slots=True)
class Rule:
    """Holds when in one of `ways` every group has a term that is said. `younger_days`: an age that stands for the
    term of a young child."""

    code: str
    text: Name
    todo: Todo
    ways: tuple[tuple[tuple[str, ...], ...], ...]
    source: str
    younger_days: int = 0


@cache
def rules() -> tuple[Rule, ...]:
    """The rules, the gravest first."""
    return tuple(
        Rule(
            row["code"],
            Name(row["en"], row["zh"]),
            row["todo"],
            tuple(tuple(tuple(group) for group in way) for way in row.get("any", [row.get("all", [])])),
            row["source"],
            row.get("younger_days", 0),
        )
        for row in read("redflags")["flag"]
    )


@cache
def terms() -> dict[str, re.Pattern[str]]:
    """name -> what says it."""
    found = read("redflags")["terms"]
    return {
        name: re.compile("|".join(f"(?:{one})" for one in some).replace(r"\S", NEAR)) for name, some in found.items()
    }


def red_flags(text: str, country: str | None = None, age_days: int | None = None) -> tuple[RedFlag, ...]:
    """The signs that cannot wait in these words, the gravest first; `age_days` of whom they are about, if known."""
    plain = folded(text)
    said = {name: [text[m.start() : m.end()] for m in spoken(plain, pattern)] for name, pattern in terms().items()}
    dated, call = str(read("redflags")["dated"]), numbers(country)
    found = []
    for rule in rules():
        if rule.younger_days and age_days is not None and age_days < rule.younger_days:
            said = said | {"infant": said["infant"] or [""]}
        if way := next((way for way in rule.ways if holds(way, said)), None):
            lines = tuple(call[kind] for kind in CALLS[rule.todo])
            found.append(RedFlag(rule.code, rule.text, rule.todo, tuple(words(way, said)), lines, rule.source, dated))
    return tuple(found)


Said = dict[str, list[str]]


def holds(way: Sequence[Sequence[str]], said: Said) -> bool:
    return all(any(said[name] for name in group) for group in way)


def words(way: Sequence[Sequence[str]], said: Said) -> Iterator[str]:
    """The first words of each group, once each, none of an age that was only known."""
    each = (next(said[name][0] for name in group if said[name]) for group in way)
    yield from dict.fromkeys(one for one in each if one)
