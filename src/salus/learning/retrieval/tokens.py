"""Words of a text as an index holds them: English by their stems, Chinese by pairs of characters.

Snowball's English stemmer: https://snowballstem.org/algorithms/english/stemmer.html
"""

import unicodedata
from functools import lru_cache

import regex  # type: ignore[import-untyped]
import snowballstemmer

PIECES = regex.compile(r"[\p{Han}]+|[\p{L}\p{N}--\p{Han}]+", regex.V1)
HAN = regex.compile(r"\p{Han}")
LONGEST = 64  # characters; what is longer is no word

_stemmer = snowballstemmer.stemmer("english")


@lru_cache(200_000)
def stem(word: str) -> str:
    """
    >>> stem("seizures"), stem("atrophied")
    ('seizur', 'atrophi')
    """
    return str(_stemmer.stemWord(word))


def folded(text: str) -> str:
    """Without case, accents, and full-width forms.

    >>> folded("Sjögren ＭＲＩ")
    'sjogren mri'
    """
    if text.isascii():
        return text.lower()
    plain = unicodedata.normalize("NFKD", text).casefold()
    return unicodedata.normalize("NFC", "".join(one for one in plain if not unicodedata.combining(one)))


def words(text: str) -> list[str]:
    """
    >>> words("Febrile seizures, 发热惊厥")
    ['febril', 'seizur', '发热', '热惊', '惊厥']
    """
    found: list[str] = []
    for piece in PIECES.findall(folded(text)):
        if HAN.match(piece):
            found += pairs(piece)
        elif len(piece) <= LONGEST:
            found.append(stem(piece))
    return found


def pairs(run: str) -> list[str]:
    """
    >>> pairs("咳嗽痰"), pairs("咳")
    (['咳嗽', '嗽痰'], ['咳'])
    """
    return [run[at : at + 2] for at in range(len(run) - 1)] or [run]
