"""Dates in any written form: where they stand, and the same form another day.

Moved by whole weeks, so that the weekday stays. A date that cannot be (31 February) or whose form leaves the order open
is replaced, not moved. English reads 3/4/2025 as March 4th, Chinese has no such form.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from salus.privacy.deidentify.forms import forms, piece
from salus.privacy.deidentify.shapes import Kind, Span

MONTHS = [
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
]  # fmt: skip
SHORT = {name[:3]: number for number, name in enumerate(MONTHS, 1)} | {"sept": 9}
DIGITS = {name: str(value) for value, name in enumerate("零一二三四五六七八九")} | {"〇": "0", "○": "0"}


@dataclass(frozen=True, slots=True)
class Found:
    """Where a date stands, its parts (`month` or `day` 0: not said, `year` 0: not said) and where each part stands."""

    start: int
    end: int
    year: int
    month: int
    day: int
    places: tuple[tuple[str, int, int], ...] = ()


def year_of(text: str) -> int:
    """Four digits, or two: 0 to 39 are of this century.

    >>> year_of("1998"), year_of("24"), year_of("87")
    (1998, 2024, 1987)
    """
    number = int(text)
    return number if number > 99 else number + (2000 if number < 40 else 1900)


def month_of(text: str) -> int:
    return int(text) if text.isdecimal() else SHORT[text[:3].lower()]


def han_number(text: str) -> str:
    """A number in Chinese digits, up to 99 or digit by digit.

    >>> han_number("二〇二四"), han_number("十四"), han_number("三十一"), han_number("2024")
    ('2024', '14', '31', '2024')
    """
    if "十" in text:
        tens, _, ones = text.partition("十")
        return f"{DIGITS.get(tens, '1')}{DIGITS.get(ones, '0')}"
    return "".join(DIGITS.get(one, one) for one in text)


def found_dates(text: str) -> list[Found]:
    """All dates of a folded text; none overlap."""
    taken: list[Found] = []
    used = bytearray(len(text))
    for row in forms("dates", "rows", flags="i"):  # the first row that matches at a place wins
        for match in row.pattern.finditer(text):
            one = found(match)
            if one and not any(used[one.start : one.end]):
                used[one.start : one.end] = b"\1" * (one.end - one.start)
                taken.append(one)
    return sorted(taken, key=lambda one: one.start)


def found(match: re.Match[str]) -> Found | None:
    """None where month or day cannot be: 13 as a month."""
    groups = {"y": "y", "m": "m", "m2": "m", "d": "d"}
    said = {name: group for group, name in groups.items() if match.groupdict().get(group)}
    values = {name: match[group].strip("'.") for name, group in said.items()}
    year, month, day = (han_number(values.get(name, "0")) for name in "ymd")
    number, of_month = int(day), month_of(month)
    if number > 31 or of_month > 12:
        return None
    places = tuple(sorted((name, *match.span(group)) for name, group in said.items()))
    start = min(place[1] for place in places)
    return Found(start, match.end(), year_of(year) if "y" in said else 0, of_month, number, places)


def moved(one: Found, days: int, around: int = 2024) -> date | None:
    """The day that a date is moved to; a month stands for its middle, a year for its middle. None: no such day."""
    try:
        whole = date(one.year or around, one.month or 7, one.day or 15)
        return whole + timedelta(days=days)
    except (ValueError, OverflowError):
        return None


NTH = re.compile(r"(?:st|nd|rd|th)\b", re.IGNORECASE)


def rewritten(text: str, one: Found, days: int, around: int = 2024) -> str | None:
    """The text of a date, moved, in the form it was written in; None where that cannot be.

    >>> text = "03-Mar-2024"
    >>> rewritten(text, found_dates(text)[0], 7)
    '10-Mar-2024'
    """
    to = moved(one, days, around)
    if to is None:
        return None
    values, made, at = {"y": to.year, "m": to.month, "d": to.day}, "", one.start
    for name, start, end in sorted(one.places, key=lambda place: place[1]):
        made += text[at:start] + said(text[start:end], values[name], name)
        at = end
        if name == "d" and (nth := NTH.match(text, end, one.end)):
            made, at = made + ending(to.day), nth.end()
    return made + text[at : one.end]


def ending(day: int) -> str:
    """
    >>> ending(1), ending(12), ending(23)
    ('st', 'th', 'rd')
    """
    return "th" if 10 < day < 14 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")


def said(piece: str, value: int, name: str) -> str:
    """One part of a date, said of the new day in the form that it had."""
    if piece[0].isascii() and piece[0].isalpha():
        return named(piece, value)
    if not piece.strip("'")[0].isascii():
        return han_year(value) if name == "y" else han_said(value)
    if name == "y":
        return str(value) if len(piece) == 4 else f"{piece[: len(piece) - 2]}{value % 100:02}"
    return f"{value:02}" if len(piece) == 2 and (value < 10 or piece[0] == "0") else str(value)


def han_year(value: int) -> str:
    return "".join("〇一二三四五六七八九"[int(one)] for one in str(value))


def han_said(value: int) -> str:
    """
    >>> han_said(7), han_said(10), han_said(23)
    ('七', '十', '二十三')
    """
    tens, ones = divmod(value, 10)
    names = "〇一二三四五六七八九"
    return f"{names[tens] if tens > 1 else ''}{'十' if tens else ''}{names[ones] if ones else ''}"


def named(word: str, month: int) -> str:
    """A month's name, as long and as large as the one in its place.

    >>> named("MARCH", 4), named("Sept.", 5), named("mar", 12)
    ('APRIL', 'May.', 'dec')
    """
    letters = word.rstrip(".")
    name = MONTHS[month - 1] if letters.lower() in MONTHS and letters.lower() != "may" else MONTHS[month - 1][:3]
    name += word[len(letters) :]
    return name.upper() if letters.isupper() else name.capitalize() if letters[0].isupper() else name


def dates(text: str, shift: int | None, birth: date | None, surrogate: Callable[[Kind], str]) -> Iterator[Span]:
    """Spans of dates, each with what stands in its place; a birth date is never moved but taken out.

    `shift` in days; None: every date is taken out.
    """
    around = birth.year + 40 if birth else 2024
    for one in found_dates(text):
        if is_birth(text, one, birth):
            yield Span(one.start, one.end, Kind.BIRTH, "record" if birth else "pattern", surrogate(Kind.BIRTH))
        else:
            new = None if shift is None else rewritten(text, one, shift, around)
            yield Span(one.start, one.end, Kind.DATE, "pattern", new or surrogate(Kind.DATE))
    for match in piece("dates", "holidays", "i").finditer(text):
        yield Span(*match.span(), Kind.HOLIDAY)
    for match in piece("dates", "days").finditer(text):
        yield Span(*match.span(), Kind.DATE, "pattern", surrogate(Kind.DATE))


def is_birth(text: str, one: Found, birth: date | None) -> bool:
    """Whether a date is the birth date: by the record, in either order of day and month, or by the words before it."""
    if piece("dates", "born", "i").search(text[max(0, one.start - 24) : one.start]):
        return True
    if birth is None or (one.year and one.year != birth.year):
        return False
    said = (one.month, one.day)
    return bool(one.day) and bool(one.year) and said in ((birth.month, birth.day), (birth.day, birth.month))
