"""What a registry says of its models, told as lines."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from salus.ui.formats import number

# what the list shows of a version's metrics, the first that there is
CHIEF = ("auroc", "accuracy", "r2", "mae")


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured quality with its interval as text."""

    name: str
    value: float
    reach: str = ""


@dataclass(frozen=True, slots=True)
class Fact:
    """A line of a card: a text, or facts of its own."""

    label: str
    text: str = ""
    facts: tuple["Fact", ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """One version of a model."""

    name: str
    version: str
    title: str
    promoted: bool
    made: str
    figures: tuple[Figure, ...] = ()
    facts: tuple[Fact, ...] = ()
    features: tuple[Mapping[str, Any], ...] = field(default=())

    @property
    def chief(self) -> Figure | None:
        found = {figure.name: figure for figure in self.figures}
        return next((found[name] for name in CHIEF if name in found), None)


def entries(rows: Iterable[Mapping[str, Any]], language: str) -> list[Entry]:
    """By name, the version in use first, then the newest."""
    told = [entry(row, language) for row in rows]
    return sorted(sorted(told, key=lambda one: one.version, reverse=True), key=lambda one: (one.name, not one.promoted))


def entry(row: Mapping[str, Any], language: str) -> Entry:
    card = row.get("card", {})
    return Entry(
        name=row["name"],
        version=str(row["version"]),
        title=in_language(row.get("question") or row["name"], language),
        promoted=bool(row.get("promoted")),
        made=str(row.get("made", "")),
        figures=tuple(figures(row.get("metrics", {}))),
        facts=tuple(facts(card, language)),
    )


def figures(metrics: Mapping[str, Any]) -> Iterable[Figure]:
    """Every metric that is a number, or a number with an interval."""
    for name, value in metrics.items():
        if isinstance(value, bool):
            continue
        if isinstance(value, int | float):
            yield Figure(name, value)
        elif isinstance(value, Mapping) and isinstance(value.get("value"), int | float):
            yield Figure(name, value["value"], reach(value.get("low"), value.get("high")))


def reach(low: float | None, high: float | None) -> str:
    """
    >>> reach(0.6789, 0.7), reach(None, None)
    ('0.6789–0.7', '')
    """
    return "" if low is None or high is None else f"{number(low)}–{number(high)}"


def in_language(value: Any, language: str) -> str:
    """A text, or the one of a pair of both languages.

    >>> in_language({"en": "Diabetes", "zh": "糖尿病"}, "zh"), in_language(3, "en")
    ('糖尿病', '3')
    """
    if isinstance(value, Mapping) and language in value:
        return str(value[language])
    return number(value) if isinstance(value, int | float) else str(value)


def facts(card: Mapping[str, Any], language: str) -> Iterable[Fact]:
    """A card's lines in its own order."""
    for name, value in card.items():
        label = name.replace("_", " ").capitalize()
        if isinstance(value, Mapping) and not {"en", "zh"} <= set(value):
            yield Fact(label, facts=tuple(facts(value, language)))
        elif isinstance(value, list):
            yield Fact(label, "; ".join(in_language(one, language) for one in value))
        elif value not in (None, ""):
            yield Fact(label, in_language(value, language))
