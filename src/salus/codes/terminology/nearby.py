"""What a person may have meant who typed it wrong: words within one or two slips, Chinese names with one other
character, names spelled out in pinyin.

Slips are counted as by Damerau and Levenshtein: a letter too many, too few, wrong, or two that changed places. The
words are gone through in order, so that what they have in common at their beginning is compared once.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence

from salus.codes.terminology.syllables import syllable

LAST = "\U0010ffff"
SHORTEST = 4  # letters of a word in which a slip is looked for
LONG = 8  # letters from which there may be two


def begun_like(word: str, words: Sequence[str]) -> list[str]:
    """Those of the sorted words that begin with something near to this one: within one slip, else within two. The first
    letter is right, or changed places with the second.

    >>> begun_like("hypertnesion", ["diabetes", "hypertension", "hypertensive", "hypotension"])
    ['hypertension']
    """
    for most in (1, 2)[: (len(word) >= SHORTEST) + (len(word) >= LONG)]:
        if found := [one for first in dict.fromkeys(word[:2]) for one in within(word, words, first, most)]:
            return found
    return []


def within(word: str, words: Sequence[str], first: str, most: int) -> Iterator[str]:
    """Those of the words with this first letter that begin within so many slips."""
    at, end = bisect_left(words, first), bisect_left(words, first + LAST)
    rows, last = [list(range(len(word) + 1))], ""
    while at < end:
        one = words[at]
        kept = shared(last, one)
        del rows[kept + 1 :]
        near, depth = advance(word, one, rows, most)
        if near:
            yield one
        at = at + 1 if near or depth == len(one) else bisect_left(words, one[:depth] + LAST, at, end)
        last = one[: len(rows) - 1]


def advance(word: str, one: str, rows: list[list[int]], most: int) -> tuple[bool, int]:
    """Compare on from where `rows` ends: (does it begin like the word, how many letters were compared)."""
    if any(row[-1] <= most for row in rows[1:]):
        return True, len(rows) - 1
    for depth in range(len(rows), len(one) + 1):
        rows.append(next_row(word, one, depth, rows))
        if rows[-1][-1] <= most:
            return True, depth
        if min(rows[-1]) > most:
            return False, depth
    return False, len(one)


def next_row(word: str, one: str, depth: int, rows: list[list[int]]) -> list[int]:
    """Slips between the first `depth` letters of one and each beginning of the word."""
    letter, before = one[depth - 1], rows[depth - 1]
    row = [depth]
    for n, wanted in enumerate(word, 1):
        cost = min(before[n] + 1, row[n - 1] + 1, before[n - 1] + (letter != wanted))
        if depth > 1 and n > 1 and letter == word[n - 2] and one[depth - 2] == wanted:
            cost = min(cost, rows[depth - 2][n - 2] + 1)
        row.append(cost)
    return row


def shared(one: str, other: str) -> int:
    """How many letters two words have in common at their beginning."""
    return next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


class Characters:
    """Chinese names by their characters and by their sounds."""

    def __init__(self, names: Sequence[str]) -> None:
        self._rows: dict[str, list[int]] = {}
        for row, name in enumerate(names):
            for character in set(name):
                self._rows.setdefault(character, []).append(row)
        sounds = {ord(one): syllable(one) or one for one in self._rows if not one.isascii()}
        self._spelled = "\n".join(names).translate(sounds).split("\n")[: len(names)]

    def like(self, text: str) -> list[int]:
        """Rows of names that have all characters of the text but one, those with the most first."""
        wanted = set(text)
        if len(wanted) < 3:
            return []
        counted = Counter(row for one in wanted for row in self._rows.get(one, ()))
        found = [row for row, count in counted.items() if count >= len(wanted) - 1]
        return sorted(found, key=lambda row: (-counted[row], row))

    def sounding(self, letters: str) -> list[int]:
        """Rows of names in whose pinyin these letters stand."""
        return [row for row, name in enumerate(self._spelled) if letters in name]
