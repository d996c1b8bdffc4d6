"""Ages above 89, which so few people reach that they name somebody (45 CFR 164.514(b)(2)(i)(C))."""

from collections.abc import Iterator
from dataclasses import dataclass

from salus.privacy.deidentify.dates import han_number
from salus.privacy.deidentify.forms import forms
from salus.privacy.deidentify.shapes import Kind, Span


@dataclass(frozen=True, slots=True)
class Band:
    """The patient's own age in years, and what is said in its place: a text must not tell more than the case does."""

    years: int
    told: str


def own_ages(text: str, band: Band) -> Iterator[Span]:
    """Where a text says the patient's own age, or one a year beside it: a note may be of another day.

    >>> [one.surrogate for one in own_ages("A 72-year-old; son, 40 years old; 患者七十三岁", Band(72, "70-79"))]
    ['70-79', '70-79']
    """
    for row in forms("ages", "own", Kind.AGE, "i"):
        for match in row.pattern.finditer(text):
            if abs(int(han_number(match[1])) - band.years) <= 1:
                yield Span(*match.span(1), row.kind, "record", band.told)


def ages(text: str) -> Iterator[Span]:
    """Where the number of a great age stands.

    >>> sorted({(one.start, one.end) for one in ages("A 92-year-old; 89 years old; 患者95岁")})
    [(2, 4), (31, 33)]
    """
    for row in forms("ages", "rows", Kind.AGE, "i"):
        for match in row.pattern.finditer(text):
            yield Span(*match.span(1), row.kind)
