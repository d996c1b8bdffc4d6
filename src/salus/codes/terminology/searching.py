"""Finding concepts by what a person types: the beginning of any words, part of a Chinese name, its pinyin initials; and
what is near to that (`nearby`), where it was typed wrong.

The names of 97,000 concepts share some 7,500 English words, so that those are gone through, not the names.
"""

import re
import unicodedata
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection
from functools import cached_property

from salus.codes.terminology.nearby import SHORTEST, Characters, begun_like
from salus.codes.terminology.pinyin import INITIALS

SIGNS = {ord(sign): " " for sign in "()[]{},;:/-+'\"\u3000、，。；：（）【】“”《》·"}
LAST = "\U0010ffff"  # after every other character
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
    """The words of a system's concepts, in order, and the rows that have them."""

    def __init__(self, codes: list[str], displays: list[str], zh: dict[int, str]) -> None:
        self._codes = [" ".join(code.split()) for code in column(codes)]
        self._names = column(displays)
        self._chinese = column([zh.get(row, "") for row in range(len(codes))])
        self._shorts = initials("\n".join(self._chinese).replace(" ", ""))
        self._short = self._shorts.split("\n")[: len(codes)]
        self._rows = rows_by_word(codes, self._codes, self._names, self._chinese)
        self._words = sorted(self._rows)

    def find(self, text: str, among: Collection[int]) -> list[int]:
        """The rows that have every word of the text: an exact code first, then codes and names that begin so."""
        words = folded(text).split() or text.casefold().split()  # a code may be all signs
        found = among
        for word in sorted(words, key=len, reverse=True):  # the rarest first, as far as one can tell
            found = self._with(word, found)
        return self._ranked(list(found), " ".join(words))

    def fit(self, row: int, text: str) -> int:
        """How a row that was found fits: 0 the very code, 1 a name, code or initials begin so, 2 a word of its name
        does, 3 it stands inside."""
        whole = " ".join(folded(text).split())
        code, names = self._codes[row], (self._names[row], self._chinese[row], self._short[row])
        if whole in (code, code.replace(".", "")):
            return 0
        if code.startswith(whole) or any(name.startswith(whole) for name in names):
            return 1
        return 2 if f" {whole}" in names[0] else 3

    def length(self, row: int) -> int:
        """Characters of the names: of two that fit alike the shorter is meant more often."""
        return len(self._names[row]) + len(self._chinese[row])

    def code(self, row: int) -> str:
        return self._codes[row]

    def near(self, text: str) -> list[int]:
        """The rows that may be meant by a text that is typed wrong, or spelled out in pinyin: what is surest first."""
        words = folded(text).split()
        if not "".join(words).isascii():
            return self._characters.like("".join(words))
        joined = "".join(words)
        spelled = self._characters.sounding(joined) if len(joined) >= SHORTEST and joined.isalpha() else []
        return spelled or self._slipped(words)

    def _slipped(self, words: list[str]) -> list[int]:
        """Rows that have a word like each of these."""
        found: Collection[int] = range(len(self._codes))
        for word in words:
            alike = self._with(word, found) or sorted(
                {row for one in begun_like(word, self._proper) for row in self._rows[one]}.intersection(found)
            )
            found = alike
        return list(found) if words else []

    @cached_property
    def _proper(self) -> list[str]:
        """The words that are no codes."""
        return [word for word in self._words if word.isalpha() and word.isascii()]

    @cached_property
    def _characters(self) -> Characters:
        return Characters([name.replace(" ", "") for name in self._chinese])

    def _with(self, word: str, among: Collection[int]) -> list[int]:
        """Rows where a word begins so; a Chinese one may stand anywhere, and two letters or more be initials."""
        if not word.isascii():
            names = zip(self._names, self._chinese, strict=True)
            return kept({row for row, (en, zh) in enumerate(names) if word in zh or word in en}, among, self._codes)
        begin = bisect_left(self._words, word)
        end = bisect_left(self._words, word + LAST, begin)
        found = {row for one in self._words[begin:end] for row in self._rows[one]}
        if len(word) > 1 and not word.isdigit() and word in self._shorts:
            found.update(row for row, short in enumerate(self._short) if word in short)
        return kept(found, among, self._codes)

    def _ranked(self, found: list[int], whole: str) -> list[int]:
        """The very code, then codes that begin so, then names that do, then the others; order is kept within each."""
        codes, names, chinese, short = self._codes, self._names, self._chinese, self._short
        first = [row for row in found if codes[row].startswith(whole)]
        first.sort(key=lambda row: codes[row] != whole)
        columns = (names,) if whole.isascii() and len(whole) < 2 else (names, chinese, short)
        begun = dict.fromkeys(row for column in columns for row in found if column[row].startswith(whole))
        ahead = dict.fromkeys([*first, *sorted(begun)])
        return [*ahead, *(row for row in found if row not in ahead)]


def rows_by_word(raw: list[str], codes: list[str], names: list[str], zh: list[str]) -> dict[str, list[int]]:
    """Each code, with and without its points, and each word of the names -> the rows that have it."""
    found: defaultdict[str, list[int]] = defaultdict(list)
    for row, (code, plain, name, chinese) in enumerate(zip(raw, codes, names, zh, strict=True)):
        low = code.casefold()
        for word in {low, low.replace(".", ""), *plain.split(), *name.split(), *chinese.split()}:
            found[word].append(row)
    return dict(found)


def kept(found: set[int], among: Collection[int], everything: list[str]) -> list[int]:
    """Those found that are among the others, in the others' order."""
    return sorted(found) if len(among) == len(everything) else [row for row in among if row in found]


def column(texts: list[str]) -> list[str]:
    """The texts, folded all at once."""
    return folded("\n".join(text.replace("\n", " ") for text in texts)).split("\n")[: len(texts)]
