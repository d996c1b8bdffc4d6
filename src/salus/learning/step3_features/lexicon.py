"""Words of texts as features: which ones, learned on training rows alone, and their weights (TF-IDF), in the recipe.

A word is an English one, or two Chinese characters that stand together. The weight of a word in a row's texts is
(1 + log of its count) * idf, divided by the length of the row's vector, so that long notes do not speak louder.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from salus.base.words import words_of
from salus.learning.dictionary import Feature, Lexicon
from salus.learning.step3_features.names import name_of
from salus.learning.step3_features.spotting import plain, spotted
from salus.learning.task import Text

WORD = re.compile(r"[a-zà-ÿ]+(?:['’][a-z]+)?|[\u3400-\u9fff]+")
FEWEST_SUBJECTS, MOST_WORDS, MOST_TERMS, FEWEST_TOKENS = 5, 4_000, 400, 6
DIFFERENT = 0.3  # of the values of a column, to be texts
COMMON = 0.95  # a word in more of the rows than this tells nothing
Whole = npt.NDArray[np.int64]
Cells = tuple[Whole, Whole, npt.NDArray[np.float64]]  # row, column, value


class Places:
    """Where a lexicon's words and terms stand among its features."""

    def __init__(self, lexicon: Lexicon) -> None:
        self.lexicon = lexicon
        self.word = {word: j for j, word in enumerate(lexicon.words)}
        self.says = {term: len(self.word) + j for j, term in enumerate(lexicon.says)}
        self.denies = {term: len(self.word) + len(self.says) + j for j, term in enumerate(lexicon.denies)}
        self.idf = np.array(lexicon.idf)

    def read(self, text: str) -> dict[int, int]:
        """Feature -> how often the text has the word, or 1 for a term."""
        found = Counter(j for token in tokens(text) if (j := self.word.get(token)) is not None)
        for term, (says, denies) in spotted(text).items():
            for place, so in ((self.says.get(term), says), (self.denies.get(term), denies)):
                if place is not None and so:
                    found[place] = 1
        return found

    def cells(self, texts: Sequence[str], row: Whole, doc: Whole, rows: int) -> Cells:
        """What rows say by their texts: `doc[i]` is a text of `row[i]`. A row has the bits it has alone."""
        total = incidence(row, doc, (rows, len(texts))) @ counted([self.read(one) for one in texts], self.lexicon.width)
        total.sort_indices()
        where = np.repeat(np.arange(rows), np.diff(total.indptr))
        return where, total.indices.astype(np.int64), self.weigh(total)

    def weigh(self, total: csr_matrix) -> npt.NDArray[np.float64]:
        """The values of counts, row by row: words by their weight, terms 1."""
        many, made = len(self.word), np.ones(total.nnz)
        is_word = total.indices < many
        made[is_word] = (1 + np.log(total.data[is_word])) * self.idf[total.indices[is_word]]
        for begin, end in zip(total.indptr[:-1], total.indptr[1:], strict=True):
            own = slice(begin, begin + int(is_word[begin:end].sum()))  # words come before terms
            made[own] /= math.sqrt(math.fsum((made[own] ** 2).tolist())) or 1.0
        return made


def tokens(text: str) -> Iterator[str]:
    """The words of a text.

    >>> list(tokens("No Fever.")), list(tokens("头痛三天")), list(tokens("痛"))
    (['no', 'fever'], ['头痛', '痛三', '三天'], ['痛'])
    """
    for match in WORD.finditer(plain(text)):
        piece = match[0]
        if piece[0] < "\u3400":
            yield piece
        else:
            yield from (piece[i : i + 2] for i in range(max(1, len(piece) - 1)))


def incidence(row: Whole, column: Whole, shape: tuple[int, int]) -> csr_matrix:
    return csr_matrix((np.ones(len(row)), (row, column)), shape=shape)


def counted(found: Sequence[Mapping[int, int]], width: int) -> csr_matrix:
    """Shape (texts, features)."""
    begins = np.cumsum([0, *(len(one) for one in found)])
    indices = np.array([j for one in found for j in one], dtype=np.int64)
    data = np.array([many for one in found for many in one.values()], dtype=np.float64)
    return csr_matrix((data, indices, begins), shape=(len(found), width))


def learned(
    name: str, texts: Sequence[str], row: Whole, doc: Whole, subject: Whole, most: int = MOST_WORDS
) -> Lexicon | None:
    """The lexicon of training rows: words and terms that FEWEST_SUBJECTS people or more have, the most frequent ones.

    `doc[i]` is a text of training row `row[i]`; `subject`: the number of each row's person. A name stands in the
    texts of one person: the floor keeps it out of the model. None where nothing is left.
    """
    words = [set(tokens(one)) for one in texts]
    terms = [spotted(one) for one in texts]
    said = [{term for term, (says, _) in one.items() if says} for one in terms]
    denied = [{term for term, (_, denies) in one.items() if denies} for one in terms]
    rows = len(subject)
    frequent = share_of(words, row, doc, subject)
    chosen = [word for word, share in frequent.items() if share <= COMMON or len(frequent) < 50][:most]
    idf = [math.log((1 + rows) / (1 + frequent[word] * rows)) + 1 for word in chosen]
    says, denies = (list(share_of(one, row, doc, subject))[:MOST_TERMS] for one in (said, denied))
    return Lexicon(name=name, words=chosen, idf=idf, says=says, denies=denies) if chosen or says or denies else None


def share_of(found: Sequence[set[str]], row: Whole, doc: Whole, subject: Whole) -> dict[str, float]:
    """What enough people have -> the share of the rows that have it, the most frequent first."""
    number: dict[str, int] = {}
    for one in found:
        for word in sorted(one):
            number.setdefault(word, len(number))
    has = counted([{number[word]: 1 for word in sorted(one)} for one in found], len(number))
    by_row = incidence(row, doc, (len(subject), len(found))) @ has
    by_row.data[:] = 1
    people = incidence(subject, np.arange(len(subject)), (int(subject.max(initial=0)) + 1, len(subject))) @ by_row
    people.data[:] = 1
    many, rows = (np.asarray(one.sum(axis=0)).ravel() for one in (people, by_row))
    kept = [(-rows[j], word) for word, j in number.items() if many[j] >= FEWEST_SUBJECTS]
    return {word: -share / len(subject) for share, word in sorted(kept)}


def features_of(lexicon: Lexicon, label: Text) -> Iterator[Feature]:
    """The features of a lexicon, in order. `label`: what people call the texts."""
    words = words_of("salus.learning")
    kinds = (("word", lexicon.words), ("says", lexicon.says), ("denies", lexicon.denies))
    for kind, each in kinds:
        for one in each:
            name = {"en": one, "zh": one} if kind == "word" else name_of(one)
            said = {lang: words(f"text.{kind}", lang, text=label[lang], name=name[lang]) for lang in ("en", "zh")}
            key = f"{lexicon.name}~{one}" + ("" if kind == "word" else f".{kind}")
            yield Feature(name=key, source=f"{lexicon.name}~{one}", value=kind, level=one, label=said)


def is_text(values: Mapping[str, int]) -> bool:
    """Whether the values of a column are texts: mostly different, and at least so many words long.

    >>> is_text({"Has had a cough for three days now": 1, "头痛三天，伴恶心呕吐，无发热寒战": 1}), is_text({"a b": 9})
    (True, False)
    """
    total = sum(values.values())
    if not values or len(values) < DIFFERENT * total:
        return False
    some = list(values)[:500]
    return sum(sum(1 for _ in tokens(one)) for one in some) >= FEWEST_TOKENS * len(some)
