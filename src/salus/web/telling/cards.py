"""What a registry says of its models, told as figures, curves and sections."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from salus.ui.charts import Bin
from salus.ui.formats import number
from salus.web.telling import terms

Row = Mapping[str, Any]
# what the list shows of a version: the first of these that was measured
CHIEF = ("uno", "auroc", "macro_auroc", "accuracy", "r2", "mae")


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured quality; `reach` is its 95 % interval as text."""

    key: str
    name: str
    value: float
    reach: str = ""


@dataclass(frozen=True, slots=True)
class Compared:
    """The chief figures of the model, a baseline or a group of people, in one order; None where it has none."""

    name: str
    figures: tuple[Figure | None, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """One version of a model."""

    name: str
    version: str
    title: str
    family: str
    promoted: bool
    made: str
    figures: tuple[Figure, ...]
    baselines: tuple[Compared, ...]
    subgroups: tuple[Compared, ...]
    bins: tuple[Bin, ...]
    rows: str
    sealed: bool | None = None
    is_effect: bool = False

    @property
    def chief(self) -> Figure | None:
        found = {figure.key: figure for figure in self.figures}
        return next((found[key] for key in CHIEF if key in found), None)


def entries(rows: Iterable[Row], language: str) -> list[Entry]:
    """By name, the version in use first, then the newest."""
    told = [entry(row, language) for row in rows]
    newest = sorted(told, key=lambda one: (len(one.version), one.version), reverse=True)
    return sorted(newest, key=lambda one: (one.name, not one.promoted))


def entry(row: Row, language: str) -> Entry:
    metrics = row.get("metrics", {})
    chosen = tuple(figures(metrics.get("chosen", {}), language))
    keys = [figure.key for figure in chosen]
    groups = metrics.get("subgroups", [])
    curves = metrics.get("curves") or {}
    return Entry(
        name=row["name"],
        version=str(row["version"]),
        title=in_language(row.get("question") or row["name"], language),
        family=terms.status("family", row.get("family"), language),
        promoted=bool(row.get("promoted")),
        made=str(row.get("made", "")),
        figures=chosen,
        baselines=tuple(
            Compared(terms.status("baseline", name, language), in_order(found, keys, language))
            for name, found in metrics.get("baselines", {}).items()
        ),
        subgroups=tuple(
            Compared(group_name(group, language), in_order(group["figures"], keys, language)) for group in groups
        ),
        bins=tuple(Bin(one["mean"], one["observed"], one["rows"]) for one in curves.get("calibration", [])),
        rows=number(metrics.get("rows")),
        sealed=row.get("sealed"),
        is_effect=str(row.get("family")).startswith("effects"),
    )


def figures(found: Mapping[str, Row], language: str) -> Iterator[Figure]:
    """Every metric that has a value."""
    for key, one in found.items():
        if one.get("value") is not None:
            name = terms.status("metric", key, language)
            yield Figure(key, name, one["value"], reach(one.get("low"), one.get("high")))


def in_order(found: Mapping[str, Row], keys: Iterable[str], language: str) -> tuple[Figure | None, ...]:
    told = {figure.key: figure for figure in figures(found, language)}
    return tuple(told.get(key) for key in keys)


def group_name(group: Row, language: str) -> str:
    """`female`, `40-64` ... with the number of rows that it was measured on."""
    return f"{terms.status('sex', group['name'], language)} ({number(group['rows'])})"


def reach(low: float | None, high: float | None) -> str:
    """
    >>> reach(0.67891, 0.7), reach(None, None)
    ('0.679–0.7', '')
    """
    return "" if low is None or high is None else f"{number(round(low, 3))}–{number(round(high, 3))}"


def in_language(value: Any, language: str) -> str:
    """A text, or the one of a pair of both languages.

    >>> in_language({"en": "Diabetes", "zh": "糖尿病"}, "zh"), in_language("x", "en")
    ('糖尿病', 'x')
    """
    return str(value.get(language, "")) if isinstance(value, Mapping) else str(value)


@dataclass(frozen=True, slots=True)
class Section:
    """One part of a model card: a heading with paragraphs."""

    title: str
    paragraphs: tuple[str, ...]


def sections(card: Row, language: str) -> list[Section]:
    """The card's sections in the reader's language."""
    return [
        Section(in_language(one["title"], language), tuple(in_language(one["text"], language).split("\n")))
        for one in card.get("sections", [])
    ]
