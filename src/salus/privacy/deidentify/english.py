"""Names and places in English text, by what stands around them and by lists of common names. Chinese is `chinese`."""

import re
from collections.abc import Iterator
from functools import cache

from salus.privacy.deidentify.forms import forms, piece
from salus.privacy.deidentify.lists import words
from salus.privacy.deidentify.shapes import Kind, Span

WORD = re.compile(r"[A-Za-z][A-Za-z'’.-]*")
INITIALS = re.compile(r"(?:[A-Z]\.? ?)+")
CONTRACTED = re.compile(r"['’](?:ll|ve|m|d|re|t)$")


def english(text: str) -> Iterator[Span]:
    """Names by titles, labels, kin and lists; addresses and places."""
    for row in forms("english", "names"):
        for match in row.pattern.finditer(text):
            yield from trimmed(text, *match.span(1))
    yield from spoken(text)
    yield from listed(text)
    for row in forms("english", "places"):
        for match in row.pattern.finditer(text):
            start, end = match.span(match.lastindex or 0)
            if row.kind is not Kind.ORGANISATION or not is_generic(text[start:end]):
                yield Span(start, end, row.kind)


def trimmed(text: str, start: int, end: int) -> Iterator[Span]:
    """The name up to the first word that is none; nothing where the first is none."""
    last = start
    for match in WORD.finditer(text, start, end):
        if is_plain(match[0].strip(".'’")):
            break
        last = match.end()
    name = text[start:last].rstrip(" ,'’")
    if name.endswith(("'s", "’s")):
        name = name[:-2]
    if len(name) > 1 and not INITIALS.fullmatch(name):
        yield Span(start, start + len(name), Kind.NAME)


def is_plain(word: str) -> bool:
    """Whether a capitalised word is none of a name: a heading, a bacterium, an abbreviation.

    >>> is_plain("Patient"), is_plain("HEENT"), is_plain("I'll"), is_plain("Okonkwo"), is_plain("SMITH")
    (True, True, True, False, False)
    """
    lower = word.lower()
    if len(word) == 1 and word != "I":
        return False  # an initial
    told = lower in words("english", "plain") or lower in words("english", "species") or CONTRACTED.search(lower)
    return bool(told) or abbreviation(word)


def abbreviation(word: str) -> bool:
    """Capitals without a vowel, or very few: CT, BP, HEENT stay; SMITH does not."""
    few = len(word) <= 3 or word.lower() in words("english", "capitals")
    return word.isupper() and (few or not set(word) & set("AEIOUY"))


def spoken(text: str) -> Iterator[Span]:
    """After what begins a turn of talk or a heading too: only names of the lists count."""
    for match in piece("english", "spoken").finditer(text):
        for span in trimmed(text, *match.span(1)):
            if any(word.lower() in known_names() for word in WORD.findall(text[span.start : span.end])):
                yield span


@cache
def known_names() -> frozenset[str]:
    """Names of the lists that are no everyday words."""
    return (words("english", "given") | words("english", "surnames")) - words("english", "words")


def is_generic(name: str) -> bool:
    """A clinic, a hospital or a school that could be any: `the Pain Clinic`."""
    first = [word.lower() for word in name.split()[:-1]]
    return all(word in words("english", "generic") for word in first) if first else is_plain(name)


def listed(text: str) -> Iterator[Span]:
    """A given name of the list with a capitalised word after it, before a comma and a surname, or alone."""
    given, everyday = words("english", "given"), words("english", "words")
    surnames = words("english", "surnames")
    for match in piece("english", "pair").finditer(text):
        if is_pair(match[1].lower(), match[3].strip(".'")):
            yield Span(match.start(), match.end(3), Kind.NAME)
    for match in piece("english", "turned").finditer(text):
        if match[1].lower() in surnames and match[2].lower() in given - everyday:
            yield Span(*match.span(), Kind.NAME)
    for match in piece("english", "lone").finditer(text):
        if match[0].lower() in given - everyday:
            yield Span(*match.span(), Kind.NAME)


def is_pair(first: str, last: str) -> bool:
    """Whether two words are a given name and a surname.

    >>> is_pair("mark", "Twain"), is_pair("mark", "Jones"), is_pair("jane", "Twain"), is_pair("jane", "Room")
    (False, True, True, False)
    """
    lower, everyday = last.lower(), words("english", "words")
    if first not in words("english", "given") or len(last) < 2 or is_plain(last):
        return False
    return first not in everyday or lower in words("english", "surnames")
