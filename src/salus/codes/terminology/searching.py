"""Finding concepts by what a person types: the beginning of any words, part of a Chinese name, its pinyin initials.

No index but one text a concept: looking through 95,000 of them takes some 10 ms.
"""

import unicodedata
from collections.abc import Iterable

from salus.codes.terminology.pinyin import INITIALS

SIGNS = {ord(sign): " " for sign in "()[]{},;:/-+'\"\u3000、，。；：（）[]【】“”《》·"}


def folded(text: str) -> str:
    """Lower case, without accents, signs between words as blanks; lines stay lines.

    >>> folded("Ménière's disease, (left)")
    'meniere s disease   left '
    """
    if not text.isascii():
        parts = unicodedata.normalize("NFD", text)
        text = unicodedata.normalize("NFC", "".join(c for c in parts if not unicodedata.combining(c)))
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
        names = "\n".join(line.replace("\n", " ") for line in displays)
        chinese = "\n".join(zh.get(row, "").replace("\n", " ") for row in range(len(codes)))
        short = initials(folded(chinese).replace(" ", ""))
        columns = ("\n".join(codes).casefold(), folded(names), folded(chinese), short)
        rows = zip(*(column.split("\n") for column in columns), strict=True)
        self._codes = columns[0].split("\n")
        self._texts = [f" {code} {code.replace('.', '')} {en} {cn} {first} " for code, en, cn, first in rows]

    def find(self, text: str, among: Iterable[int]) -> list[int]:
        """The rows that have every word of the text: an exact code first, then codes and names that begin so."""
        words = folded(text).split()
        found = among
        for word in words:
            texts = self._texts
            wanted = word if not word.isascii() else f" {word}"
            found = [row for row in found if wanted in texts[row]]
        return sorted(found, key=lambda row: self._rank(row, words))

    def _rank(self, row: int, words: list[str]) -> int:
        """0 the very code, 1 a code that begins so, 2 a name that does, 3 any other; order is kept within each."""
        code = self._codes[row]
        whole = " ".join(words)
        if code == whole:
            return 0
        if code.startswith(whole):
            return 1
        _, _, rest = self._texts[row].partition(f" {code.replace('.', '')} ")
        return 2 if rest.startswith(whole) or f" {whole}" in rest[:1] else 3
