"""A text in pieces: English words, numbers, single Chinese characters, signs; each with place and plain form."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

PIECE = re.compile(r"[A-Za-zÀ-ÖØ-öø-ÿ]+(?:['’][A-Za-z]+)?|\d+(?:\.\d+)?|[^\s\w]|\w")
# full-width signs and letters as narrow ones, one for one, so that places stay
NARROW = {0xFF01 + i: 0x21 + i for i in range(94)} | {ord("。"): ".", ord("−"): "-", ord("–"): "-", ord("’"): "'"}
YEAR = re.compile(r"(?:19|20)\d\d$")
COUNTS = frozenset(
    ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", *"一二三四五六七八九十两几数")
)
KEPT = ("ss", "us", "is", "as")  # ends of words that are no plural

HISSING = ("sses", "shes", "ches", "xes")


class Piece(NamedTuple):
    """`form` is what tables are compared with; `wide` a wider form for numbers (`#`, `####`), else empty."""

    start: int
    end: int
    form: str
    wide: str


@lru_cache(maxsize=50_000)
def forms(word: str) -> tuple[str, str]:
    """The plain form of a piece, and its wider one.

    >>> forms("Dyspnoea"), forms("seizures"), forms("1998"), forms("3"), forms("masses")
    (('dyspnea', ''), ('seizure', ''), ('1998', '####'), ('3', '#'), ('mass', ''))
    """
    low = word.lower()
    if low[0].isdigit():
        return low, "####" if YEAR.match(low) else "#"
    return _plain(low), "#" if low in COUNTS else ""


def _plain(low: str) -> str:
    if not "a" <= low[0] <= "ÿ":
        return low
    low = low.removesuffix("'s").replace("ae", "e").replace("oe", "e").replace("umour", "umor")
    if len(low) < 4 or not low.endswith("s") or low.endswith(KEPT):
        return low
    if low.endswith(HISSING):
        return low[:-2]
    return low[:-3] + "y" if low.endswith("ies") else low[:-1]


def pieces_of(text: str) -> list[Piece]:
    """The pieces of a text that is already narrow."""
    return [Piece(found.start(), found.end(), *forms(found[0])) for found in PIECE.finditer(text)]


def narrow(text: str) -> str:
    """As long as the text, with narrow signs.

    >>> narrow("ＨＴＮ（－）。")
    'HTN(-).'
    """
    return text.translate(NARROW)


def phrase(text: str) -> Iterator[str]:
    """The plain forms of a phrase of a table; `#` and `####` stand for numbers.

    >>> list(phrase("# years ago")), list(phrase("否认"))
    (['#', 'year', 'ago'], ['否', '认'])
    """
    for word in text.split():
        if word in ("#", "####"):
            yield word
        else:
            yield from _with_numbers(word)


def _with_numbers(word: str) -> Iterator[str]:
    if word.startswith("#"):
        yield "#"
        word = word.lstrip("#")
    yield from (piece.form for piece in pieces_of(narrow(word)))
