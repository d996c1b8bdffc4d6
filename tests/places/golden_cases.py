"""The bills of `golden/`: what was billed, and each figure with its arithmetic. It reads and reckons by itself, and
knows nothing of the engine that must come to the same."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path

HERE = Path(__file__).parent / "golden"
TABLES = sorted(one.stem for one in HERE.glob("*.txt"))
PAYERS = ("insured", "insurer", "serious", "account", "provider")
Number = int | Fraction
YEAR = ("threshold", "counted", "insurer", "own", "stays")
HEAD = re.compile(
    r"(?:(?P<who>\w+ (?:fe)?male \d+); )?(?:(?P<kind>[a-z]+); )?(?:(?P<day>\d{4}-\d\d-\d\d); )?"
    r"(?:(?P<level>level \d); )?(?:after (?P<after>\d{4}); )?(?:year (?P<year>[^;]+); )?"
    r"(?:account (?P<account>\d+); )?bill (?P<bill>.+)"
)
TOKEN = re.compile(r"\d+(?:\.\d+)?%?|min|max|[-+*(),]")


@dataclass(frozen=True)
class Line:
    """A charge of a bill; `own` in hundredths of a percent."""

    amount: int
    cover: str
    own: int
    limit: int | None


@dataclass(frozen=True)
class Said:
    """`names: sum = exact -> value`: what it is called, how it is reckoned, what comes of it."""

    names: tuple[str, ...]
    sum: str
    exact: Number
    value: int

    @cached_property
    def steps(self) -> tuple[Number, ...]:
        """Everything that turns up while it is reckoned, the whole last."""
        return tuple(Sum(self.sum).steps())

    @property
    def is_true(self) -> bool:
        half_up = (self.exact + Fraction(1, 2)).__floor__()
        return self.steps[-1] == self.exact and self.value == half_up


@dataclass(frozen=True)
class Case:
    number: str
    group: str
    who: tuple[str, str, int]
    kind: str
    day: str
    level: int
    year: tuple[tuple[str, int], ...]
    account: int
    bill: tuple[Line, ...]
    said: tuple[Said, ...]
    after: str = ""
    no_rule: bool = False

    @property
    def inputs(self) -> tuple[object, ...]:
        return self.who, self.kind, self.day, self.level, self.year, self.account, self.bill

    @cached_property
    def figures(self) -> dict[str, int]:
        return {name: one.value for one in self.said for name in one.names}

    @property
    def pays(self) -> dict[str, int]:
        return {one: self.figures.get(one, 0) for one in PAYERS}

    @property
    def year_after(self) -> dict[str, int]:
        return {one: self.figures.get(f"year {one}", before) for one, before in self.year}

    @property
    def given(self) -> set[Number]:
        """The numbers that need no arithmetic: of the bill, the year and the account."""
        lines = [number for one in self.bill for number in (one.amount, one.limit) if number is not None]
        shares = [Fraction(one.own, 10_000) for one in self.bill]
        return {0, self.account, *lines, *shares, *(value for _, value in self.year)}


@dataclass(frozen=True)
class Book:
    """A table of rules as the file tells it in words, and its cases."""

    table: str
    rule: str
    cases: tuple[Case, ...]

    @property
    def numbers(self) -> set[Number]:
        return {number_of(one) for one in re.findall(r"\d+(?:\.\d+)?%?", self.rule)}

    @property
    def groups(self) -> dict[str, list[Case]]:
        found: dict[str, list[Case]] = {}
        for one in self.cases:
            found.setdefault(one.group, []).append(one)
        return found


class Sum:
    """Reckons what is written with +, -, *, %, min( , ) and max( , ).

    >>> [str(one) for one in Sum("min(180000-150000, 5)*70%").steps()]
    ['180000', '150000', '30000', '5', '5', '7/10', '7/2']
    """

    def __init__(self, text: str) -> None:
        self.tokens = TOKEN.findall(text)
        self.found: list[Number] = []
        if "".join(self.tokens) != text.replace(" ", ""):
            raise ValueError(f"'{text}' is no arithmetic")

    def steps(self) -> list[Number]:
        self.sum()
        if self.tokens:
            raise ValueError(f"What is {self.tokens} for?")
        return self.found

    def keep(self, value: Number) -> Number:
        self.found.append(value)
        return value

    def next_is(self, *wanted: str) -> bool:
        return bool(self.tokens) and self.tokens[0] in wanted

    def sum(self) -> Number:
        value = self.product()
        while self.next_is("+", "-"):
            sign = 1 if self.tokens.pop(0) == "+" else -1
            value = self.keep(value + sign * self.product())
        return value

    def product(self) -> Number:
        value = self.one()
        while self.next_is("*"):
            self.tokens.pop(0)
            value = self.keep(value * self.one())
        return value

    def one(self) -> Number:
        token = self.tokens.pop(0)
        if token not in ("min", "max"):
            return self.keep(number_of(token))
        self.expect("(")
        left = self.sum()
        self.expect(",")
        right = self.sum()
        self.expect(")")
        return self.keep(min(left, right) if token == "min" else max(left, right))

    def expect(self, token: str) -> None:
        if not self.next_is(token):
            raise ValueError(f"'{token}' is missing before {self.tokens}")
        self.tokens.pop(0)


def number_of(text: str) -> Number:
    """
    >>> number_of("180000"), number_of("12.5%")
    (180000, Fraction(1, 8))
    """
    return int(text) if text.isdigit() else Fraction(text[:-1]) / 100 if text.endswith("%") else Fraction(text)


def literals(said: Said) -> Iterator[Number]:
    """The numbers that a sum is made from."""
    return (number_of(one) for one in re.findall(r"\d+(?:\.\d+)?%?", said.sum))


def read(table: str) -> Book:
    text = (HERE / f"{table}.txt").read_text("utf-8")
    head, *groups = text.split("\n== ")
    told = [line for line in head.splitlines() if line and not line.startswith("#")]
    rule = "\n".join(line[5:] for line in told if line.startswith("rule "))
    usual = told[-1].removeprefix("usual ").split("; ")
    cases: dict[str, Case] = {}
    for one in groups:
        title, *lines = one.splitlines()
        for first, rest in paragraphs(lines):
            made = case_of(title, first, rest, usual, cases)
            if made.number in cases:
                raise ValueError(f"{table} has two cases {made.number}")
            cases[made.number] = made
    return Book(told[0].removeprefix("table "), rule, tuple(cases.values()))


def paragraphs(lines: Sequence[str]) -> Iterator[tuple[str, str]]:
    """A line at the margin, and those below it that stand in."""
    for one in re.findall(r"^(\d{4} .*)\n((?:  .*(?:\n|$))*)", "\n".join(lines), re.MULTILINE):
        yield one[0], " ".join(line.strip() for line in one[1].splitlines())


def case_of(group: str, first: str, rest: str, usual: Sequence[str], before: dict[str, Case]) -> Case:
    number, _, told = first.partition("  #")[0].partition(" ")
    found = HEAD.fullmatch(told)
    if found is None:
        raise ValueError(f"'{first}' is no head of a case")
    who, kind, day, level = (
        found[part] or there for part, there in zip(("who", "kind", "day", "level"), usual, strict=True)
    )
    year = before[found["after"]].year_after if found["after"] else dict(amounts(found["year"] or ""))
    insurance, sex, age = who.split()
    no_rule, said = rest.startswith("no rule"), rest.removeprefix("no rule").removeprefix("; ")
    return Case(
        number,
        group,
        (insurance, sex, int(age)),
        kind,
        day,
        int(level[-1]),
        tuple((one, year.get(one, 0)) for one in YEAR),
        int(found["account"] or 0),
        tuple(line_of(one) for one in found["bill"].split(" + ") if one != "nothing"),
        tuple(said_of(one) for one in said.split("; ") if one and one != "nothing"),
        found["after"] or "",
        no_rule,
    )


def amounts(text: str) -> Iterator[tuple[str, int]]:
    """
    >>> list(amounts("threshold 180000, own 3039399"))
    [('threshold', 180000), ('own', 3039399)]
    """
    return ((name, int(value)) for name, value in re.findall(r"(\w+) (\d+)", text))


def line_of(text: str) -> Line:
    """
    >>> line_of("part 12.5% 1000 limit 900")
    Line(amount=1000, cover='part', own=1250, limit=900)
    """
    found = re.fullmatch(r"(?:(none)|(part) ([\d.]+)%)? ?(\d+)(?: limit (\d+))?", text)
    if found is None:
        raise ValueError(f"'{text}' is no charge")
    none, part, own, amount, limit = found.groups()
    return Line(int(amount), none or part or "full", int(Fraction(own or 0) * 100), int(limit) if limit else None)


def said_of(text: str) -> Said:
    """
    >>> made = said_of("band 1, insurer: 5*70% = 3.5 -> 4")
    >>> made.names, made.sum, str(made.exact), made.value, made.is_true
    (('band 1', 'insurer'), '5*70%', '7/2', 4, True)
    """
    names, _, told = text.partition(": ")
    told, _, rounded = told.partition(" -> ")
    sum, _, exact = told.partition(" = ")
    value = number_of(exact or sum)
    return Said(tuple(names.split(", ")), sum, value, int(rounded) if rounded else int(value))
