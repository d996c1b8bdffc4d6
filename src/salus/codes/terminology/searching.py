"""Finding concepts by what a person types: the beginning of any words, part of a Chinese name, its pinyin initials.

No index but one text a concept: looking through 95,000 of them takes some 10 ms.
"""

import re
import unicodedata
from collections.abc import Iterable

from salus.codes.terminology.pinyin import INITIALS

SIGNS = {ord(sign): " " for sign in "()[]{},;:/-+'\"\u3000、，。；：（）[]【】“”《》·"}

ACCENTS = re.compile("[\u0300-\u036f]+")


def folded(text: str) -> str:
    """Lower case, without accents, signs between words as blanks; lines stay lines.

    >>> folded("Ménière's disease, (left)")
    'meniere s disease   left '
    """
    if not text.isascii():
        text = unicodedata.normalize("NFC", ACCENTS.sub("", unicodedata.normalize("NFD", text)))
    return text.casefold().translate(SIGNS)


def initials(name: str) -> str:
    """The first letter of each character's pinyin, "?" where it is not known; Latin letters as they are.

    >>> initials("糖尿病"), initials("2型糖尿病")
    ('tnb', '2xtnb')
    """
    return name.translate(INITIALS)


class Index:
    """The texts of a system's concepts, one a row."""

    def __init__(self, codes: list[str], displays: list[str], zh: dict[int, str]) -> None:
        chinese = folded(lines([zh.get(row, "") for row in range(len(codes))]))
        self._codes = lines(codes).casefold().split("\n")
        self._names = folded(lines(displays)).split("\n")
        self._chinese = chinese.split("\n")
        self._short = initials(chinese.replace(" ", "")).split("\n")
        rows = zip(self._codes, self._names, self._chinese, strict=True)
        self._texts = [f" {code} {code.replace('.', '')} {name} {chinese}" for code, name, chinese in rows]

    def find(self, text: str, among: Iterable[int]) -> list[int]:
        """The rows that have every word of the text: an exact code first, then codes and names that begin so."""
        words = folded(text).split()
        found = list(among)
        for word in sorted(words, key=len, reverse=True):  # the rarest first, as far as one can tell
            found = self._with(word, found)
        return self._ranked(found, " ".join(words))

    def _with(self, word: str, among: list[int]) -> list[int]:
        """Rows where a word begins so; a Chinese one may stand anywhere, and two letters or more be initials."""
        texts, short = self._texts, self._short
        if not word.isascii():
            return [row for row in among if word in texts[row]]
        begun = f" {word}"
        if len(word) < 2 or word.isdigit():
            return [row for row in among if begun in texts[row]]
        return [row for row in among if begun in texts[row] or word in short[row]]

    def _ranked(self, found: list[int], whole: str) -> list[int]:
        """The very code, then codes that begin so, then names that do, then the others; order is kept within each."""
        codes, names, chinese, short = self._codes, self._names, self._chinese, self._short
        first = [row for row in found if codes[row].startswith(whole)]
        first.sort(key=lambda row: codes[row] != whole)
        columns = (names,) if whole.isascii() and len(whole) < 2 else (names, chinese, short)
        begun = dict.fromkeys(row for column in columns for row in found if column[row].startswith(whole))
        ahead = dict.fromkeys([*first, *sorted(begun)])
        return [*ahead, *(row for row in found if row not in ahead)]


def lines(texts: list[str]) -> str:
    """The texts as one, a line each."""
    return "\n".join(text.replace("\n", " ") for text in texts)
