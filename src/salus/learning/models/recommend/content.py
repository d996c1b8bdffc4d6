"""Which item speaks of what somebody needs: their words against each item's own words, and those said of it before.

Answers for an item that nobody took yet, and for somebody of whom nothing but the words is known (cold start).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from scipy.sparse import csr_matrix

from salus.base.errors import Invalid
from salus.learning.models import arrays
from salus.learning.models.recommend.history import Dense, Whole
from salus.learning.models.recommend.terms import Reader, Vocabulary, unit

FILE, WORDS = "content.safetensors", "content.json"
OWN = 3.0  # words of an item itself count as much as so many needs


@dataclass
class Content:
    """items: shape (items, terms), rows of length 1 or nothing."""

    reader: Reader
    rows: csr_matrix

    @property
    def items(self) -> int:
        return int(self.rows.shape[0])

    def scores(self, texts: Sequence[str]) -> Dense:
        """Cosine of each text with each item, shape (texts, items)."""
        return np.asarray((self.reader.matrix(texts) @ self.rows.T).todense())

    def save(self, folder: Path) -> None:
        cells = self.rows
        parts = {"data": cells.data, "indices": cells.indices.astype(np.int64), "begins": cells.indptr.astype(np.int64)}
        arrays.save(folder / FILE, parts)
        (folder / WORDS).write_bytes(msgspec.json.encode(self.reader.vocabulary))


def fit(described: Sequence[str], needs: Sequence[str] = (), taken: Whole | None = None) -> Content:
    """described: each item's own words; `needs[i]` was said by somebody who then took item `taken[i]`.

    Raises Invalid where there are no words at all.
    """
    reader = Reader(Vocabulary.of([*described, *needs]))
    if not reader.places:
        raise Invalid("There are no words to learn from: describe the items")
    rows = OWN * reader.matrix(described)
    if len(needs) and taken is not None:
        spread = csr_matrix((np.ones(len(needs)), (taken, np.arange(len(needs)))), shape=(len(described), len(needs)))
        rows = rows + spread @ reader.matrix(needs)
    return Content(reader, unit(rows.tocsr()))


def load(folder: Path) -> Content:
    reader = Reader(msgspec.json.decode((folder / WORDS).read_bytes(), type=Vocabulary))
    found = arrays.load(folder / FILE)
    shape = (len(found["begins"]) - 1, len(reader.places))
    return Content(reader, csr_matrix((found["data"], found["indices"], found["begins"]), shape=shape))
