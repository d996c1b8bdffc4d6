"""What is said of one option for one patient: numbers with intervals behind a gate, or the reason why there are none.

A `Benefit` that contradicts itself cannot be made: a refusal has no number, a number has its interval, a number needed
to treat stands only where the interval of the difference leaves out 0.
"""

from dataclasses import dataclass
from math import ceil, isfinite
from typing import Literal

from salus.assistants.suggestion import Name
from salus.base.errors import Invalid

Evidence = Literal["trial", "observational", "guideline", "none"]
Overlap = Literal["good", "thin", "none"]
DRIVERS = 3  # reasons that a person reads


@dataclass(frozen=True, slots=True)
class Risk:
    """An absolute risk (0 to 1), a mean in the outcome's unit, or a difference of these; with its 95 % interval."""

    value: float
    low: float
    high: float

    def __post_init__(self) -> None:
        if not all(isfinite(one) for one in (self.value, self.low, self.high)):
            raise Invalid(f"A value of {self.value} ({self.low} to {self.high}) is no number")
        if not self.low <= self.value <= self.high:
            raise Invalid(f"The interval {self.low} to {self.high} does not hold {self.value}")

    @property
    def is_sure(self) -> bool:
        """Whether the interval leaves out 0; of a difference: whether there is one.

        >>> Risk(-0.04, -0.06, -0.01).is_sure, Risk(-0.04, -0.09, 0.01).is_sure
        (True, False)
        """
        return self.low > 0 or self.high < 0


@dataclass(frozen=True, slots=True)
class Option:
    """One treatment: its key in the task, its name, and the patterns of codes that count as it (`ATC//C10AA*`)."""

    code: str
    name: Name
    codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Driver:
    """Why this patient gains more or less than others: positive = more benefit, in the unit of the difference.
    `unit`: of the value, UCUM; "" for none."""

    name: Name
    value: str
    weight: float
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Harm:
    """Another outcome with the option and without it; None where the data could not tell. `source`: whose risk it is,
    such as the study's average."""

    name: Name
    with_: Risk | None
    without: Risk | None
    source: str


@dataclass(frozen=True, slots=True)
class Benefit:
    """What one option is expected to do for one patient, compared with another (`against`).

    `risk_with`, `risk_without`, `difference` (with less without): absolute risks by the horizon, or means in `unit`
    (of risks ""). `higher`: whether more of the outcome is better. `nnt`: so many have the option for one
    whose outcome is better (or, where `better` is False, worse), from `nnt_low` to `nnt_high`. `alike`: people like
    this one that were looked at, of whom `had_option` had it. `by`: the study's relative effect on the patient's own
    baseline, or a model of personal effects that proved itself. `refused`: why there is no number.
    """

    option: Option
    against: Option
    outcome: Name
    horizon_days: float
    evidence: Evidence
    overlap: Overlap
    alike: int
    had_option: int
    model: str
    card: str
    risk_with: Risk | None = None
    risk_without: Risk | None = None
    difference: Risk | None = None
    nnt: int | None = None
    nnt_low: int | None = None
    nnt_high: int | None = None
    harms: tuple[Harm, ...] = ()
    drivers: tuple[Driver, ...] = ()
    refused: Name | None = None
    higher: bool = False
    unit: str = ""
    by: Literal["baseline", "model", ""] = ""
    synthetic: bool = False

    def __post_init__(self) -> None:
        for wrong, text in self._faults():
            if wrong:
                raise Invalid(f"{self.model}: {text}")

    def _faults(self) -> list[tuple[bool, str]]:
        risks, counts = (self.risk_with, self.risk_without, self.difference), (self.nnt, self.nnt_low, self.nnt_high)
        told, sure = [one is not None for one in risks], self.difference is not None and self.difference.is_sure
        return [
            (self.refused is not None and (any(told) or bool(self.harms or self.drivers)), "a refusal has no number"),
            (self.refused is None and not all(told), "an answer has both risks and their difference"),
            (self.refused is None and self.overlap == "none", "where nobody is alike there is no number"),
            (not 0 <= self.had_option <= self.alike, f"{self.had_option} of {self.alike} people cannot be"),
            (any(one is not None for one in counts) and not sure, "a number needed to treat of a difference unsure"),
            (any(one is not None and one < 1 for one in counts), "a number needed to treat counts people"),
            (len(self.drivers) > DRIVERS, f"more than {DRIVERS} reasons are not read"),
        ]

    @property
    def better(self) -> bool | None:
        """Whether the option is better than the other (False: worse); None where the interval holds both."""
        if self.difference is None or not self.difference.is_sure:
            return None
        return (self.difference.value > 0) == self.higher


def needed_to_treat(difference: Risk, unit: str = "") -> tuple[int | None, int | None, int | None]:
    """(NNT, its low and high end) of a difference of risks, rounded up; nothing of means, nor where it is unsure.

    >>> needed_to_treat(Risk(-0.04, -0.05, -0.01))
    (25, 20, 100)
    >>> needed_to_treat(Risk(-0.04, -0.05, 0.01))
    (None, None, None)
    """
    if unit or not difference.is_sure:
        return None, None, None
    ends = sorted(abs(one) for one in (difference.low, difference.high))
    return people(abs(difference.value)), people(ends[1]), people(ends[0])


def people(share: float) -> int:
    """So many people for one: the least whole number that is enough, whatever the last bits say."""
    return max(1, ceil(round(1 / share, 9)))
