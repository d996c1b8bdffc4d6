"""What is kept of an effect task that was answered, or refused: one readable JSON file beside the arrays."""

import msgspec

from salus.learning.effects.average import Estimate
from salus.learning.effects.covariates import Covariates
from salus.learning.effects.declared import EffectTask
from salus.learning.effects.gate import Check
from salus.learning.task import Strict, Text

ARRAYS, TREES = "arrays.safetensors", ("smooth.txt", "oblique.txt")  # of each way to the chances


class Number(Strict):
    """A value with its standard error."""

    value: float
    error: float

    @classmethod
    def of(cls, one: Estimate) -> "Number":
        return cls(value=one.value, error=one.error)

    @property
    def estimate(self) -> Estimate:
        return Estimate(self.value, self.error)


class Against(Strict):
    """One option against the first: the average effect among those with overlap, and how one person's is made."""

    option: str
    average: Number
    by: str


class FurtherOutcome(Strict):
    """A harm: the mean under each option among those with overlap; none where too few had it to tell."""

    name: Text
    days: float
    means: list[Number] = msgspec.field(default_factory=list)


class EffectBundle(Strict):
    """Everything but arrays and recipe. Where `passed` is False there are no numbers of effects, here or in any file.

    `people`, `events`: of each option; `lost`: of whom the outcome is not known; `kept`: with overlap; `means`: of each
    option among those, had everybody had it; `reach`: see `Crowd`.
    """

    name: str
    version: str
    made: str
    task: EffectTask
    passed: bool
    checks: list[Check]
    people: list[int]
    lost: int
    left_out: dict[str, int] = msgspec.field(default_factory=dict)
    events: list[int] = msgspec.field(default_factory=list)
    unit: str = ""
    kept: int = 0
    means: list[Number] = msgspec.field(default_factory=list)
    contrasts: list[Against] = msgspec.field(default_factory=list)
    harms: list[FurtherOutcome] = msgspec.field(default_factory=list)
    covariates: Covariates = msgspec.field(default_factory=Covariates)
    reach: float = 0.0
    synthetic: bool = False
    format: int = 1
    fingerprint: dict[str, str | int] = msgspec.field(default_factory=dict)
