"""What was prescribed to patients like this one, or the reason why nobody can tell.

A share says how often doctors did it, not whether it helped. A `Behaviour` that contradicts itself cannot be made.
"""

from dataclasses import dataclass
from itertools import pairwise

from salus.assistants.suggestion import Name
from salus.base.errors import Invalid


@dataclass(frozen=True, slots=True)
class Row:
    """One medicine by its ingredient. `code`: the code of its events (`ATC//C09AA05`); `share`: in so many visits of
    patients like this one it was prescribed, 0 to 1 (of a last visit: 1). `warnings`: what the safety screen says of
    it for this patient; `interrupts`: whether one of these asks for a decision."""

    rank: int
    code: str
    name: Name
    share: float
    warnings: tuple[Name, ...] = ()
    interrupts: bool = False


@dataclass(frozen=True, slots=True)
class Behaviour:
    """Medicines ranked by how often they were prescribed to patients like this one, the most frequent first.

    `baseline_last`: what the patient's own last visit brought; `baseline_prior`: shares by the known diseases alone.
    `alike`: so many people like this one at least are behind it, of `people` altogether. `refused`: why there is no
    ranking; the baselines may stand all the same. `model`: name and version; `card`: where its card lies in the
    registry; `synthetic`: of made-up people.
    """

    rows: tuple[Row, ...]
    baseline_last: tuple[Row, ...]
    baseline_prior: tuple[Row, ...]
    people: int
    alike: int
    model: str
    card: str
    refused: Name | None = None
    synthetic: bool = False

    def __post_init__(self) -> None:
        if self.refused is not None and self.rows:
            raise Invalid(f"{self.model}: a refusal has no ranking")
        for rows in (self.rows, self.baseline_last, self.baseline_prior):
            if [row.rank for row in rows] != list(range(1, len(rows) + 1)):
                raise Invalid(f"{self.model}: ranks count from 1 without a gap")
            if any(not 0 <= row.share <= 1 for row in rows):
                raise Invalid(f"{self.model}: a share lies between 0 and 1")
            if any(one.share < other.share for one, other in pairwise(rows)):
                raise Invalid(f"{self.model}: the most frequent stands first")
