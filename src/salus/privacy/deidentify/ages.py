"""Ages above 89, which so few people reach that they name somebody (45 CFR 164.514(b)(2)(i)(C))."""

from collections.abc import Iterator

from salus.privacy.deidentify.forms import forms
from salus.privacy.deidentify.shapes import Kind, Span


def ages(text: str) -> Iterator[Span]:
    """Where the number of a great age stands.

    >>> sorted({(one.start, one.end) for one in ages("A 92-year-old; 89 years old; 患者95岁")})
    [(2, 4), (31, 33)]
    """
    for row in forms("ages", "rows", Kind.AGE, "i"):
        for match in row.pattern.finditer(text):
            yield Span(*match.span(1), row.kind)
