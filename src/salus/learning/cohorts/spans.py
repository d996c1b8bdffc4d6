"""Lengths of time as ACES files write them: `24h`, `7 days`, `1 day, 2:30:00`, `1.5 hours`; in microseconds.

The forms are those of https://github.com/wroberts/pytimeparse, which the ACES programs use. There are no months and
years: they have no fixed length.
"""

import re
from fractions import Fraction

NUMBER = r"(\d+(?:\.\d*)?|\.\d+)"
UNITS = (  # each at most once, in this order
    (r"(?:weeks?|wks?|w)", 604_800),
    (r"(?:days?|dys?|d)", 86_400),
    (r"(?:hours?|hrs?|h)", 3_600),
    (r"(?:minutes?|mins?|m)", 60),
    (r"(?:seconds?|secs?|s)", 1),
)
GAP = r"\s*(?:[,/]\s*)?"
WORDS = GAP.join(rf"(?:{NUMBER}\s*{unit}(?![a-z]))?" for unit, _ in UNITS)
CLOCKS = (  # (form, seconds of each number in it)
    (
        rf"(?:{NUMBER}\s*{UNITS[0][0]}{GAP})?(?:{NUMBER}\s*{UNITS[1][0]}{GAP})?(\d+):(\d\d):(\d\d(?:\.\d+)?)",
        (604_800, 86_400, 3_600, 60, 1),
    ),
    (r"(\d+)[:-](\d\d):(\d\d):(\d\d(?:\.\d+)?)", (86_400, 3_600, 60, 1)),
    (r"(\d{1,2}):(\d\d(?:\.\d+)?)", (60, 1)),
    (r":(\d\d(?:\.\d+)?)", (1,)),
)
FORMS = [(re.compile(form, re.IGNORECASE), sizes) for form, sizes in ((WORDS, tuple(s for _, s in UNITS)), *CLOCKS)]


def span_us(text: str) -> int | None:
    """Microseconds of a length of time; None when it is none.

    >>> span_us("24h") == span_us("1 day"), span_us("1 day, 0:30:00") == span_us("24.5 hours"), span_us("2w") // 10**6
    (True, True, 1209600)
    >>> span_us("1.5 seconds"), span_us("1 year"), span_us("")
    (1500000, None, None)
    """
    text = text.strip()
    for form, sizes in FORMS:
        found = form.fullmatch(text)
        if found and text:
            return summed(found.groups(), sizes)
    return None


def summed(numbers: tuple[str | None, ...], sizes: tuple[int, ...]) -> int:
    """The sum; parts of a second count only where the seconds are written with them."""
    seconds = sum((Fraction(n) * size for n, size in zip(numbers, sizes, strict=True) if n), start=Fraction(0))
    last = numbers[-1]
    return int(seconds * 1_000_000) if last and "." in last else int(seconds) * 1_000_000
