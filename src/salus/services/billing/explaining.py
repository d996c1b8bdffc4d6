"""A settled bill in words: line by line, and as a table of steps whose columns add up to what each payer has of it."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import partial
from itertools import groupby

from salus.base.words import words_of
from salus.places.settlement import Line, told
from salus.places.settlement.telling import payer, step_meaning, step_name
from salus.services.billing.sheets import Layer, Settled, passed
from salus.ui.formats import day, money

WORDS = words_of("salus.services.billing")
ONE = ("insured", "provider")  # the same whoever insures
Column = tuple[str, int]  # a payer, and of which insurance (0 for those of `ONE`)
ORDER = ("provider", "insurer", "serious", "account", "insured")  # the patient's own at last: what is left


@dataclass(frozen=True, slots=True)
class Explained:
    """A line of a bill in words: who has how much (minor units; less than 0 is taken off), and why."""

    payer: str
    amount: int
    why: str


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the settlement: its name, why it gives what it gives, and what each column has of it."""

    name: str
    why: str
    amounts: tuple[int, ...]

    @property
    def whole(self) -> int:
        """What the step shares out; nothing where it only moves something from one to another."""
        return sum(self.amounts)


@dataclass(frozen=True, slots=True)
class Worked:
    """A bill as a table: `payers` names the columns, `sums` is what each has of it, together the bill. `terms`: the
    words of insurance that it uses, each with what it means; `elsewhere`: what of the year other hospitals counted."""

    payers: tuple[str, ...]
    steps: tuple[Step, ...]
    terms: tuple[tuple[str, str], ...]
    elsewhere: tuple[str, ...]

    @property
    def sums(self) -> tuple[int, ...]:
        return tuple(sum(step.amounts[at] for step in self.steps) for at in range(len(self.payers)))

    @property
    def whole(self) -> int:
        return sum(self.sums)


@dataclass(frozen=True, slots=True)
class Teller:
    """Who tells a bill: in which language, in which currency, by which names of what was charged; `mine` where it is
    told to the patient."""

    settled: Settled
    currency: str
    language: str
    mine: bool = True

    def money(self, minor: int) -> str:
        return money(minor, self.currency, self.language)

    def named(self, code: str) -> str:
        return self.settled.names.get(code, (code, code))[self.language == "zh"]

    def why(self, line: Line) -> str:
        return told(line, self.language, self.money, self.named)

    def handed_on(self, number: int, before: Layer) -> Iterator[tuple[Line, str]]:
        """What the insurance before this one leaves is what this one pays of."""
        for line in passed(before.settlement):
            slots = {"before": number - 1, "next": number, "amount": self.money(-line.amount)}
            yield line, WORDS("insurance.passed", self.language, **slots)

    def lines(self) -> Iterator[tuple[int, Line, str]]:
        """Each line, with the number of the insurance whose it is, and why."""
        layers = self.settled.layers
        for number, one in enumerate(layers, 1):
            if number > 1:
                yield from ((number, *found) for found in self.handed_on(number, layers[number - 2]))
            yield from ((number, line, self.why(line)) for line in one.settlement.lines)

    def payer(self, kind: str, number: int) -> str:
        """Of a second insurance its number is said; the patient is the same."""
        if kind == "insured" and not self.mine:
            return WORDS("payer.patient", self.language)
        name = payer(Line("", kind, 0), self.language)  # type: ignore[arg-type]
        if number <= 1 or kind in ONE:
            return name
        key = "insurance.number" if kind == "insurer" else "insurance.payer"
        return WORDS(key, self.language, payer=name, number=number)

    def elsewhere(self) -> Iterator[str]:
        """What other hospitals counted of each insurance's year, which was taken into account."""
        for layer in self.settled.layers:
            if told := layer.elsewhere:
                counts = [self.count(what, number) for what, number in asdict(told.amounts).items() if number]
                slots = {"day": day(told.until, self.language), "counts": WORDS("list.and", self.language).join(counts)}
                yield WORDS("elsewhere", self.language, **slots)

    def count(self, what: str, number: int) -> str:
        value = str(number) if what == "stays" else self.money(number)
        return WORDS(f"elsewhere.{what}", self.language, value=value)


def lines(settled: Settled | None, currency: str, language: str) -> Iterator[Explained]:
    """Each line in the words of a language, "en" or "zh"."""
    if settled:
        teller = Teller(settled, currency, language)
        for number, line, why in teller.lines():
            yield Explained(teller.payer(line.payer, number), line.amount, why)


def worked(settled: Settled, currency: str, language: str, mine: bool = True) -> Worked:
    """The lines as steps: those that share out one thing are one step. `mine`: told to the patient, not to a clerk."""
    teller = Teller(settled, currency, language, mine)
    found = list(teller.lines())
    columns = sorted({column(number, line) for number, line, _ in found}, key=placed)
    groups = [list(own) for _, own in groupby(found, lambda one: shared(*one[:2]))]
    step = partial(step_of, columns, language)
    names = dict.fromkeys(line.step for _, line, _ in found)
    terms = ((step_name(name, language), step_meaning(name, language)) for name in names)
    return Worked(
        tuple(teller.payer(kind, number) for kind, number in columns),
        tuple(map(step, groups)),
        tuple(one for one in terms if one[1]),
        tuple(teller.elsewhere()),
    )


def column(number: int, line: Line) -> Column:
    return line.payer, 0 if line.payer in ONE else number


def placed(one: Column) -> tuple[bool, int, int]:
    """The patient last, each insurance with what belongs to it."""
    return one[0] == "insured", one[1], ORDER.index(one[0])


def shared(number: int, line: Line) -> tuple[object, ...]:
    """What lines of one step have in common: what they share out."""
    return number, line.step, line.item, line.of, line.above, line.upto


def step_of(columns: list[Column], language: str, own: list[tuple[int, Line, str]]) -> Step:
    amounts = dict.fromkeys(columns, 0)
    for number, line, _ in own:
        amounts[column(number, line)] += line.amount
    return Step(step_name(own[0][1].step, language), own[0][2], tuple(amounts.values()))
