"""Text of the same length in which letters, digits and signs that mean the same are the same."""

import unicodedata
from functools import cache


@cache
def table() -> dict[int, str]:
    """Full width to plain, letters with accents to plain letters, odd dashes and spaces to common ones."""
    found = {full: chr(full - 0xFEE0) for full in range(0xFF01, 0xFF5F)}
    for number in range(0xC0, 0x250):
        plain = unicodedata.normalize("NFD", chr(number))[0]
        if plain.isascii():
            found[number] = plain
    found |= dict.fromkeys((0x2010, 0x2011, 0x2012, 0x2013, 0x2014, 0x2212), "-")
    found |= dict.fromkeys((0x3000, 0xA0, 0x2007, 0x2009, 0x202F), " ")
    found |= dict.fromkeys((0x2018, 0x2019, 0x2BC), "'")
    return found


def folded(text: str) -> str:
    """The same text with a character for a character.

    >>> folded("Ｄｒ José　１３８")
    'Dr Jose 138'
    """
    return text.translate(table())
