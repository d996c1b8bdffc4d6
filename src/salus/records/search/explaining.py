"""`_explain`: how a search is understood, what it asks of the database, and how long that takes.

What is told has no value of the search in it and no row number, only the shape of each statement.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import Any, cast

from salus.records import dialect
from salus.records.bodies import Press
from salus.records.engines import Connection
from salus.records.interning import Kinds
from salus.records.search.compositing import names
from salus.records.search.finding import Prepared, answered, check_looks, prepared
from salus.records.search.query import Query
from salus.records.search.setting import Setting
from salus.records.search.several import MayRead, across
from salus.records.search.shelf import Match, Search
from salus.records.search.terms import Term

# The steps: what is looked up first; what is counted only to be told; what finds the rows.
PLAN, COUNT, ANSWER = "plan", "count", "answer"


@dataclass(slots=True)
class Condition:
    """How one condition of a search for `type` is understood.

    `rows`: how many it has, counted up to a bound; None where it cannot name rows. `drives`: its rows are gone
    through, the other conditions are asked of each. `opens`: it is asked of bodies.
    """

    type: str
    words: str
    rows: int | None
    drives: bool
    opens: bool
    shape: str


@dataclass(slots=True)
class Statement:
    """A statement that was run `times` for a step, the lines that it gave, how long that took, the engine's plan."""

    step: str
    shape: str
    sql: str
    arguments: Sequence[Any]
    times: int = 0
    lines: int = 0
    milliseconds: float = 0.0
    plan: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Explanation:
    """`found` resources on the page asked for, `total` in all where that was asked; `opened` bodies were read."""

    conditions: list[Condition]
    statements: list[Statement]
    found: int
    total: int | None
    opened: int
    milliseconds: float


class Timed:
    """The lines of a statement, counted and timed as they are fetched."""

    def __init__(self, lines: Iterator[Any], statement: Statement) -> None:
        self._lines = lines
        self._statement = statement

    def fetchone(self) -> Any:
        return next(iter(self), None)

    def fetchall(self) -> list[Any]:
        return list(self)

    def __iter__(self) -> Iterator[Any]:
        while True:
            began = perf_counter()
            line = next(self._lines, None)
            self._statement.milliseconds += 1000 * (perf_counter() - began)
            if line is None:
                return
            self._statement.lines += 1
            yield line


class Recorder:
    """A connection that remembers what was asked of it, by step."""

    def __init__(self, connection: Connection, kinds: Kinds) -> None:
        self._connection = connection
        self._kinds = kinds
        self._spoken = dialect.of(connection)
        self.dialect = replace(
            self._spoken, stream=lambda _, sql, given: iter(self._told(sql, given, self._spoken.stream))
        )
        self.step = PLAN
        self.statements: dict[tuple[str, str], Statement] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def execute(self, sql: str, arguments: Sequence[Any] = (), /) -> Timed:
        return self._told(sql, arguments, dialect.at_once)

    def _told(self, sql: str, arguments: Sequence[Any], run: Callable[..., Iterator[Any]]) -> Timed:
        found = shape(sql, self._kinds)
        statement = self.statements.setdefault((self.step, found), Statement(self.step, found, sql, arguments))
        statement.times += 1
        began = perf_counter()
        lines = run(self._connection, sql, arguments)
        statement.milliseconds += 1000 * (perf_counter() - began)
        return Timed(lines, statement)


def explain(
    connection: Connection,
    kinds: Kinds,
    query: Query,
    patient: int | None = None,
    may_read: MayRead | None = None,
    press: Press | None = None,
) -> Explanation:
    """Run a query and tell of it. Raises as `find` does."""
    check_looks(query, may_read)
    recorder = Recorder(connection, kinds)
    setting = Setting(cast(Connection, recorder), kinds, patient, press)
    conditions: dict[tuple[str, str], Condition] = {}

    def one(setting: Setting, part: Query) -> Search:
        recorder.step = PLAN
        made = prepared(setting, part)
        recorder.step = COUNT
        told = [condition(setting, part, made, term, match) for term, match in made.matches]
        told += compartment(setting, part, made)
        conditions.update(((one.type, one.words), one) for one in told)
        recorder.step = ANSWER
        return answered(setting, part, made.plan)

    began = perf_counter()
    found = across(setting, query, may_read, one) if query.parts else one(setting, query)
    took = 1000 * (perf_counter() - began)
    statements = list(recorder.statements.values())
    for statement in statements:
        if statement.step == ANSWER:
            statement.plan = planned(setting, connection, statement)
    return Explanation(list(conditions.values()), statements, len(found.rows), found.total, setting.read, took)


def planned(setting: Setting, connection: Connection, statement: Statement) -> list[str]:
    """How the engine goes about it, in its own words."""
    sql = setting.dialect.explained.format(sql=statement.sql)
    lines = (QUOTED.sub("?", str(line[-1])) for line in connection.execute(sql, statement.arguments))
    return [NUMBER.sub(r"\1 ?", line) for line in lines]


def condition(setting: Setting, query: Query, made: Prepared, term: Term, match: Match) -> Condition:
    rows = None if match.negated else setting.rarity(match)
    drives = match is made.plan.driver
    shown = shape(match.condition, setting.kinds)
    return Condition(query.type, words(term), rows, drives, match.check is not None, shown)


def compartment(setting: Setting, query: Query, made: Prepared) -> list[Condition]:
    """Where it is a patient's compartment whose rows are gone through, or its timeline in the order of time."""
    driver = made.plan.driver
    if made.plan.table == "line":
        where = shape(made.plan.where, setting.kinds)
        return [Condition(query.type, "timeline", made.plan.fewest, True, False, where)]
    if driver is None or any(match is driver for _, match in made.matches):
        return []
    return [
        Condition(query.type, "compartment", setting.rarity(driver), True, False, shape(driver.rows, setting.kinds))
    ]


def words(term: Term) -> str:
    """A condition in FHIR's words, without its values.

    >>> from salus import fhir
    >>> words(Term("code", "not", ("a", "b"), fhir.parameters("Observation")["code"]))
    'code:not (token, 2 values)'
    """
    if term.joint:
        parts = [words(part) for part in term.parts]
        joined = f" {term.joint} ".join(parts)
        return f"not ({joined})" if term.joint == "not" else joined if len(parts) == 1 else f"({joined})"
    name = f"{term.name}:{term.modifier}" if term.modifier else term.name
    if not term.inner:
        count = len(term.values)
        return f"{name} ({term.parameter.kind}, {count} value{'s' if count != 1 else ''})"
    inner = " or ".join(f"{type}.{words(there)}" for type, there in term.inner)
    return f"_has by {name}: {inner}" if term.reverse else f"{name} > {inner}"


QUOTED = re.compile(r"'(?:[^']|'')*'")
NUMBER = re.compile(r"([=<>]) ?\(?-?\d+\b\)?")
LISTED = re.compile(r"(\w+\.)?(\w+) (NOT )?IN \((-?\d+(?:,\s*-?\d+)*)\)")
TYPED = re.compile(r"\btype=(\d+)")
SUBJECT = re.compile(r"\bsubject=\d+")


def shape(sql: str, kinds: Kinds) -> str:
    """A statement without numbers of ours: paths and types by name, other lists by their length."""

    def listed(found: re.Match[str]) -> str:
        numbers = [int(number) for number in found[4].split(",")]
        named = {"path": names(), "type": kinds.names}.get(found[2])
        told = ", ".join(named.get(one, "?") for one in numbers) if named else f"rows: {len(numbers)}"
        return f"{found[1] or ''}{found[2]} {found[3] or ''}IN ({told})"

    sql = LISTED.sub(listed, sql)
    return SUBJECT.sub("subject=?", TYPED.sub(lambda found: f"type={kinds.names.get(int(found[1]), '?')}", sql))
