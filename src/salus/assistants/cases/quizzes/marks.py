"""Marks of a sitting, each part by itself: diagnosis by rank, what must not be missed, tests, calibration."""

from dataclasses import dataclass

from salus.assistants.cases.quizzes.script import Concept, Script
from salus.assistants.cases.quizzes.sitting import Guess, Sitting
from salus.codes import ancestors

POINTS = (1.0, 0.8, 0.6, 0.4, 0.2)  # by place on the list
NEAR = 0.5  # of the points, for the right category but not the right diagnosis
WEIGHTS = {"diagnosis": 0.5, "danger": 0.2, "tests": 0.15, "calibration": 0.15}


@dataclass(frozen=True, slots=True)
class Marks:
    """Each between 0 and 1, the best 1; `rank`: place of the diagnosis on the last list; `brier` between 0 and 2."""

    diagnosis: float
    danger: float
    tests: float
    brier: float
    rank: int | None

    @property
    def calibration(self) -> float:
        return 1 - self.brier / 2

    @property
    def total(self) -> float:
        return sum(weight * float(getattr(self, part)) for part, weight in WEIGHTS.items())

    @property
    def right(self) -> bool:
        return self.rank == 1


def marks(sitting: Sitting, script: Script) -> Marks:
    """The marks of a finished sitting. Of the diagnosis half goes by the last list, half by all of them."""
    by_turn = [by_rank(turn.guesses, script.diagnosis) for turn in sitting.turns]
    last = sitting.turns[-1].guesses
    places = [place for place, one in enumerate(last, 1) if one.code == script.diagnosis]
    return Marks(
        diagnosis=(by_turn[-1] + sum(by_turn) / len(by_turn)) / 2,
        danger=watched(sitting, script),
        tests=parsimony(sitting, script),
        brier=sum(brier(turn.guesses, script.diagnosis) for turn in sitting.turns) / len(sitting.turns),
        rank=places[0] if places else None,
    )


def closeness(code: str, truth: str) -> float:
    """1 the diagnosis itself, `NEAR` one of the same three-character category (a parent or a sibling), else 0.

    >>> closeness("I71.0", "I71.0"), closeness("I71", "I71.0"), closeness("I71.4", "I71.0"), closeness("I21.9", "I71.0")
    (1.0, 0.5, 0.5, 0.0)
    """
    if code == truth:
        return 1.0
    return NEAR if category(code) == category(truth) else 0.0


def category(code: str) -> str:
    """The three-character category that a code stands in.

    >>> category("I71.0"), category("I71")
    ('I71', 'I71')
    """
    return next((one for one in ancestors("ICD10", code) if len(one) == 3), code)


def by_rank(guesses: tuple[Guess, ...], truth: str) -> float:
    """Points of the best place that the truth, or something near it, has on a list.

    >>> by_rank((Guess("I21.9", 50), Guess("I71.0", 30)), "I71.0"), by_rank((Guess("I71", 90),), "I71.0")
    (0.8, 0.5)
    """
    return max(points * closeness(one.code, truth) for points, one in zip(POINTS, guesses, strict=False))


def brier(guesses: tuple[Guess, ...], truth: str) -> float:
    """The quadratic score over all diagnoses: 0 sure and right, 2 sure and wrong; what is not listed was given 0.

    Brier GW. Mon Weather Rev 1950;78:1-3, in its form for several classes.

    >>> brier((Guess("A01", 100),), "A01"), brier((Guess("A01", 100),), "B01"), brier((Guess("A01", 0),), "B01")
    (0.0, 2.0, 1.0)
    """
    given = {one.code: one.confidence / 100 for one in guesses}
    return sum((share - (code == truth)) ** 2 for code, share in ({truth: 0.0} | given).items())


def watched(sitting: Sitting, script: Script) -> float:
    """The share of what must not be missed that stood on any of the lists."""
    listed = {one.code for turn in sitting.turns for one in turn.guesses}
    wanted = script.must_not_miss
    return sum(any(closeness(one, danger) for one in listed) for danger in wanted) / len(wanted) if wanted else 1.0


def parsimony(sitting: Sitting, script: Script) -> float:
    """Share of the needed tests that were ordered, times the share of the money that went to needed ones."""
    ordered = sitting.ordered(script)
    needed = [one for one in script.tests if one.needed]
    found = [one for one in ordered if one.needed]
    reached = len(found) / len(needed) if needed else 1.0
    spent = sum(one.cost for one in ordered)
    return reached * (sum(one.cost for one in found) / spent if spent else 1.0)


def missed(script: Script, found: Marks) -> list[Concept]:
    """The concepts of those parts of the case that did not go well: they are asked again."""
    weak = {"diagnosis": not found.right, "danger": found.danger < 1, "tests": found.tests < 1}
    return [one for one in script.concepts if weak[one.about]]
