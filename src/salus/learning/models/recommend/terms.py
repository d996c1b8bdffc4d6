"""Words and pieces of words as columns with weights (TF-IDF): English words, alone and by twos; of Chinese every one,
two and three characters that stand together."""

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cached_property

import msgspec
import numpy as np
from scipy.sparse import csr_matrix, diags

PIECE = re.compile(r"[a-zà-ÿ0-9]+(?:['’][a-z]+)?|[\u3400-\u9fff]+")
ENDINGS = ("ing", "ies", "es", "ed", "s")
SAYS_NOTHING = """a an and any are as at be been but by can did do does for from had has have he her him his i i'm in is
it its me my no not of on or our she since so that the their them then there they this to was we were what when which
who will with you your"""
PLAIN = frozenset(SAYS_NOTHING.split())
LONGEST = 4_000  # characters that are read of one text
WIDEST = 3


def stem(word: str) -> str:
    """An English word without its commonest endings; short words stay whole.

    >>> stem("coughing"), stem("rashes"), stem("dizzy"), stem("gas")
    ('cough', 'rash', 'dizzy', 'gas')
    """
    for ending in ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            return word[: -len(ending)]
    return word


def terms(text: str) -> Iterator[str]:
    """The terms of a text, each as often as it stands there.

    >>> list(terms("Chest pains")), list(terms("头痛"))
    (['chest', 'pain', 'chest pain'], ['头', '痛', '头痛'])
    """
    before = ""
    for match in PIECE.finditer(unicodedata.normalize("NFKC", text[:LONGEST]).casefold()):
        piece = match[0]
        if piece[0] >= "\u3400":
            yield from (piece[i : i + n] for n in range(1, WIDEST + 1) for i in range(len(piece) - n + 1))
            before = ""
            continue
        if piece in PLAIN:
            continue
        word = stem(piece)
        yield word
        if before:
            yield f"{before} {word}"
        before = word


class Vocabulary(msgspec.Struct):
    """names: the terms in order; idf: their weights."""

    names: list[str]
    idf: list[float]

    @classmethod
    def of(cls, texts: Sequence[str], fewest: int = 1) -> "Vocabulary":
        """The terms that stand in so many texts or more."""
        seen = Counter(term for text in texts for term in set(terms(text)))
        names = sorted(term for term, many in seen.items() if many >= fewest)
        return cls(names, [math.log((1 + len(texts)) / (1 + seen[name])) + 1 for name in names])

    @property
    def places(self) -> dict[str, int]:
        return dict(zip(self.names, range(len(self.names)), strict=True))


class Reader:
    """Reads texts into rows of length 1 over a vocabulary."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self.places = vocabulary.places

    @cached_property
    def idf(self) -> np.ndarray:
        return np.array(self.vocabulary.idf)

    def matrix(self, texts: Sequence[str]) -> csr_matrix:
        """Shape (texts, terms): (1 + log count) * idf, each row divided by its length."""
        found = [Counter(p for term in terms(text) if (p := self.places.get(term)) is not None) for text in texts]
        begins = np.cumsum([0, *map(len, found)])
        where = np.array([p for one in found for p in sorted(one)], dtype=np.int64)
        many = np.array([one[p] for one in found for p in sorted(one)], dtype=np.float64)
        data = (1 + np.log(many)) * self.idf[where]
        sizes = np.sqrt(np.bincount(np.repeat(np.arange(len(texts)), np.diff(begins)), data**2, len(texts)))
        data /= np.repeat(np.where(sizes > 0, sizes, 1.0), np.diff(begins))
        return csr_matrix((data, where, begins), shape=(len(texts), len(self.places)))


def unit(cells: csr_matrix) -> csr_matrix:
    """Each row divided by its length; a row of nothing stays so."""
    size = np.sqrt(np.asarray(cells.multiply(cells).sum(axis=1)).ravel())
    made: csr_matrix = diags(1 / np.where(size > 0, size, 1.0)) @ cells
    return made.tocsr()
