"""The definition of README.md in SQL, once, for engines that differ in a few words: DuckDB here, Spark where a city is.

Events are summed up by row, concept and *ring*: what lies inside one window, but not inside the next narrower one. A
window is the sum of its rings. Sums are of whole numbers, so that no order of events can change them.

`Tables` names what is read: rows (row, subject_id, at_us), concepts (see `concept_rows`), and the events.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import pyarrow as pa

from salus.learning.dictionary import EventRecipe
from salus.learning.moments import DAY_US, HOUR_US
from salus.learning.step3_features.kernel import MOST_EVENTS, MOST_POWER
from salus.learning.step3_features.members import Members

Column = tuple[str, float]  # value, window in days


class Tables(NamedTuple):
    """Names of tables, or what reads as one."""

    rows: str
    concepts: str
    events: str


ConceptRow = tuple[int, str, str | None, str | None, int]
CONCEPT_COLUMNS = ("concept", "code", "text", "unit", "hidden_us")


@dataclass(frozen=True, slots=True)
class Dialect:
    """The words in which engines differ; {x} and {y} stand for what they are said of."""

    micros: str  # of a timestamp, the microseconds since 1970
    whole: str  # a double rounded to a whole number, the even one of two
    divided: str  # whole numbers divided, rounded down; neither below 0
    sum: str  # of numbers of 64 bits, which may be longer
    wide: str  # a number of 64 bits as one of 128 or nearly
    double: str  # that as a double by its two words, see README.md
    greatest: str  # of a group, the {x} with the greatest {y}
    least: str
    key: str  # compared by its parts


WORD = 2**64
DUCKDB = Dialect(
    micros="epoch_us({x})",
    whole="CAST({x} AS BIGINT)",
    divided="({x} // {y})",
    sum="sum({x})",
    wide="CAST({x} AS HUGEINT)",
    double="CAST({x} AS DOUBLE)",
    greatest="arg_max({x}, {y})",
    least="arg_min({x}, {y})",
    key="({x})",
)
LOWER = f"pmod({{x}}, {WORD})"
UPPER = f"(({{x}} - {LOWER}) DIV {WORD})"
SPARK = Dialect(
    micros="unix_micros({x})",
    whole="CAST(rint({x}) AS BIGINT)",
    divided="({x} DIV {y})",
    sum="sum(CAST({x} AS DECIMAL(38, 0)))",
    wide="CAST({x} AS DECIMAL(38, 0))",
    double=f"CASE WHEN {UPPER} = -1 THEN -CAST({WORD - 1} - {LOWER} AS DOUBLE) - 1e0 "
    f"ELSE CAST({LOWER} AS DOUBLE) + CAST({UPPER} AS DOUBLE) * {float(WORD)!r} END",
    greatest="max_by({x}, {y})",
    least="min_by({x}, {y})",
    key="struct({x})",
)

KNOWN = """
SELECT r.row, c.concept, r.at_us - {time} AS age_us, coalesce(e.source_id, '') AS source,
    CASE WHEN abs(e.numeric_value) <= 1e9 AND (e.unit IS NULL OR c.unit IS NULL OR e.unit = c.unit)
         THEN e.numeric_value + 0e0 END AS v,
    c.hidden_us
FROM {rows} r
JOIN {events} e ON e.subject_id = r.subject_id
JOIN {concepts} c ON e.code = c.code AND (c.text IS NULL OR c.text = e.text_value)
WHERE {time} <= r.at_us AND {recorded} <= r.at_us
"""
MEASURED = """
SELECT row, concept, {ring} AS ring, age_us, source, v, {whole} AS m,
    CASE WHEN v IS NOT NULL THEN {seconds} END AS a
FROM ({known}) WHERE age_us >= hidden_us
"""
PERSON = """
SELECT r.row, min({time}) FILTER (WHERE e.code = 'MEDS_BIRTH') AS birth_us,
    max(e.code) FILTER (WHERE e.code LIKE 'SEX//%') AS sex
FROM {rows} r JOIN {events} e ON e.subject_id = r.subject_id
WHERE e.code = 'MEDS_BIRTH' OR e.code LIKE 'SEX//%'
GROUP BY r.row
"""


@dataclass(frozen=True, slots=True)
class Value:
    """What a value is made of: sums of the window, whole numbers of those, and what it is; {i} is the window."""

    sums: tuple[str, ...]
    says: str
    wholes: Mapping[str, str] = field(default_factory=dict)


def rings(say: Dialect) -> dict[str, tuple[str, str]]:
    """Each sum: what it is of a ring's events, and how a window has it of its rings, {x} (of those {inside} it)."""
    m, a, key = say.wide.format(x="m"), say.wide.format(x="a"), say.key.format(x="-age_us, source, v")
    last, first = (one.format(x="v", y=key) for one in (say.greatest, say.least))
    nearest, farthest = (one.format(x="{x}", y="ring") for one in (say.least, say.greatest))
    return {
        "count": ("count(*)", "sum({x}) FILTER (WHERE {inside})"),
        "last": (f"{last} FILTER (WHERE v IS NOT NULL)", nearest + " FILTER (WHERE {x} IS NOT NULL AND {inside})"),
        "first": (f"{first} FILTER (WHERE v IS NOT NULL)", farthest + " FILTER (WHERE {x} IS NOT NULL AND {inside})"),
        "min": ("min(v)", "min({x}) FILTER (WHERE {inside})"),
        "max": ("max(v)", "max({x}) FILTER (WHERE {inside})"),
        "age": ("min(age_us)", "min({x}) FILTER (WHERE {inside})"),
        "n": ("count(v)", "sum({x}) FILTER (WHERE {inside})"),
        "total": (say.sum.format(x="m"), "sum({x}) FILTER (WHERE {inside})"),
        "ago": (say.sum.format(x="a"), "sum({x}) FILTER (WHERE {inside})"),
        "power": (f"sum({m} * {m})", "sum({x}) FILTER (WHERE {inside})"),
        "squares": (f"sum({a} * {a})", "sum({x}) FILTER (WHERE {inside})"),
        "products": (f"sum({a} * {m})", "sum({x}) FILTER (WHERE {inside})"),
    }


def values(say: Dialect) -> dict[str, Value]:
    """Each value of a window."""
    n = say.wide.format(x="n{i}")
    total, spread, above, below = (say.double.format(x=f"{x}{{i}}") for x in ("total", "spread", "above", "below"))
    return {
        "count": Value(("count",), "CAST(coalesce(count{i}, 0) AS DOUBLE)"),
        "last": Value(("last",), "last{i}"),
        "first": Value(("first",), "first{i}"),
        "min": Value(("min",), "min{i}"),
        "max": Value(("max",), "max{i}"),
        "mean": Value(("n", "total"), f"{total} / nullif(n{{i}}, 0) / 1e6"),
        "deviation": Value(
            ("n", "total", "power"),
            f"CASE WHEN power{{i}} <= {MOST_POWER} AND n{{i}} <= {MOST_EVENTS} THEN sqrt({spread}) / n{{i}} / 1e6 END",
            {"spread": f"{n} * power{{i}} - total{{i}} * total{{i}}"},
        ),
        "slope": Value(
            ("n", "total", "ago", "squares", "products"),
            f"{above} / nullif({below}, 0e0) * 864e-4",
            {
                "above": f"ago{{i}} * total{{i}} - {n} * products{{i}}",
                "below": f"{n} * squares{{i}} - ago{{i}} * ago{{i}}",
            },
        ),
        "since": Value(("age",), "CAST(age{i} AS DOUBLE) / 86400e6"),
    }


def statement(columns: list[Column], tables: Tables, say: Dialect) -> str:
    """The SQL of a recipe's columns: row, concept, x0, x1 ... (NULL = not known), one row for each two with events."""
    spans = sorted({days for _, days in columns}, key=lambda days: days or float("inf"))
    number, made, summed = {days: i for i, days in enumerate(spans)}, values(say), rings(say)
    sums = dict.fromkeys(name for value, _ in columns for name in made[value].sums)
    of_rings = ", ".join(f"{summed[name][0]} AS {name}" for name in sums)
    of_windows = dict.fromkeys(
        f"{summed[name][1].format(x=name, inside=f'ring <= {number[days]}')} AS {name}{number[days]}"
        for value, days in columns
        for name in made[value].sums
    )
    wholes = dict.fromkeys(
        f"{whole.format(i=number[days])} AS {name}{number[days]}"
        for value, days in columns
        for name, whole in made[value].wholes.items()
    )
    said = ", ".join(f"{made[value].says.format(i=number[days])} AS x{k}" for k, (value, days) in enumerate(columns))
    by_ring = f"SELECT row, concept, ring, {of_rings} FROM ({measured(spans, tables, say)}) GROUP BY row, concept, ring"
    by_window = f"SELECT row, concept, {', '.join(of_windows)} FROM ({by_ring}) GROUP BY row, concept"
    return f"SELECT row, concept, {said} FROM (SELECT {', '.join(['*', *wholes])} FROM ({by_window}))"


def measured(spans: list[float], tables: Tables, say: Dialect) -> str:
    """The events that rows know, each with its ring, its value in millionths and its seconds ago."""
    time, recorded = (say.micros.format(x=x) for x in ("e.time", "coalesce(e.recorded_time, e.time)"))
    rings = [f"WHEN age_us <= {round(days * DAY_US)} THEN {i}" if days else f"ELSE {i}" for i, days in enumerate(spans)]
    return MEASURED.format(
        ring=f"CASE {' '.join(rings)} END" if any(spans) else "0",
        whole=say.whole.format(x="v * 1e6"),
        seconds=say.divided.format(x="age_us", y=1_000_000),
        known=KNOWN.format(time=time, recorded=recorded, **tables._asdict()),
    )


def person(tables: Tables, say: Dialect) -> str:
    """The SQL of what is known of a row's subject: row, birth_us, sex."""
    return PERSON.format(time=say.micros.format(x="e.time"), **tables._asdict())


def concept_rows(recipe: EventRecipe, codes: Iterable[str]) -> Iterator[ConceptRow]:
    """The table `concepts`: one for each code of the events and concept that it speaks of.

    `codes`: all that stand in the events, asked only for groups. `hidden_us`: how many microseconds before the moment
    its events are no longer shown.
    """
    blind_us, members = round(recipe.blind_hours * HOUR_US), Members(recipe)
    for number, concept in enumerate(recipe.concepts):
        if not concept.members:
            yield number, concept.code, concept.text, concept.unit, concept.blind * blind_us
    for code in codes:
        for number, blind in members.of(code):
            yield number, code, None, recipe.concepts[number].unit, blind * blind_us


def concept_table(concepts: list[ConceptRow]) -> pa.Table:
    """The same as a table."""
    kinds = (pa.int64(), pa.string(), pa.string(), pa.string(), pa.int64())
    columns = list(zip(*concepts, strict=True)) or [()] * len(kinds)
    return pa.table([pa.array(c, k) for c, k in zip(columns, kinds, strict=True)], names=list(CONCEPT_COLUMNS))


def quoted(text: str) -> str:
    """
    >>> quoted("it's")
    "'it''s'"
    """
    return "'" + text.replace("'", "''") + "'"
