"""What has changed in a learner: marks over time, whether confidence is earned, where they stand among the cases."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from salus.assistants.cases.quizzes.marks import Marks, marks
from salus.assistants.cases.quizzes.script import Script
from salus.assistants.cases.quizzes.sitting import Sitting
from salus.learning.rasch import Rasch, rasch

EDGES = (0, 20, 40, 60, 80, 101)  # percent: the bands of confidence
ENOUGH = 5  # finished cases before a change is spoken of


@dataclass(frozen=True, slots=True)
class Done:
    """A finished sitting with its marks; `again`: the learner had taken the case before."""

    sitting: Sitting
    script: Script
    marks: Marks
    again: bool


@dataclass(frozen=True, slots=True)
class Band:
    """Guesses of like confidence: how many, how sure on average, how many were right (shares)."""

    count: int
    sure: float
    right: float


@dataclass(frozen=True, slots=True)
class Change:
    """First half of the new cases against the second: means, with how many each."""

    before: float
    after: float
    cases: int


@dataclass(frozen=True, slots=True)
class Learner:
    """One learner for the supervisor. `over`: mean confidence above the share right, in their first choices."""

    learner: str
    done: int
    right: float
    total: float
    brier: float
    over: float
    ability: float | None
    last: datetime


def finished(sittings: Iterable[Sitting], scripts: Mapping[str, Script]) -> list[Done]:
    """The finished sittings whose case is still there, the oldest first."""
    seen: set[tuple[str, str]] = set()
    found = []
    for one in sorted(sittings, key=lambda one: one.ended):
        if one.finished and one.case in scripts:
            key = (one.learner, one.case)
            found.append(Done(one, scripts[one.case], marks(one, scripts[one.case]), key in seen))
            seen.add(key)
    return found


def bands(done: Iterable[Done]) -> list[Band]:
    """Confidence against truth, over every diagnosis of every list; empty bands are left out."""
    told = [
        (guess.confidence, guess.code == one.script.diagnosis)
        for one in done
        for turn in one.sitting.turns
        for guess in turn.guesses
    ]
    found = []
    for low, high in pairwise(EDGES):
        inside = [(sure, right) for sure, right in told if low <= sure < high]
        if inside:
            sure = sum(one for one, _ in inside) / len(inside) / 100
            found.append(Band(len(inside), sure, sum(right for _, right in inside) / len(inside)))
    return found


def change(done: Iterable[Done]) -> Change | None:
    """Mean marks of the earlier half of the cases met for the first time against the later; None while too few."""
    totals = [one.marks.total for one in done if not one.again]
    if len(totals) < ENOUGH:
        return None
    half = len(totals) // 2
    return Change(mean(totals[:half]), mean(totals[-half:]), half)


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def standing(done: Sequence[Done]) -> tuple[Rasch, list[str], list[str]]:
    """Abilities and difficulties from who was right where at the first try; and the learners and cases, in order."""
    first = [one for one in done if not one.again]
    people = sorted({one.sitting.learner for one in first})
    cases = sorted({one.script.id for one in first})
    told = [(people.index(one.sitting.learner), cases.index(one.script.id), one.marks.right) for one in first]
    return rasch(told, len(people), len(cases)), people, cases


def difficulty(done: Sequence[Done]) -> dict[str, tuple[float, float]]:
    """Case -> how hard it was found (0 is middling, the higher the harder) and its standard error."""
    found, _, cases = standing(done)
    return {case: (found.difficulty[at], found.difficulty_error[at]) for at, case in enumerate(cases)}


def group(done: Sequence[Done]) -> list[Learner]:
    """One row a learner, in the order of their references: this is for help, not a ranking."""
    found, people, _ = standing(done)
    return [
        learner(name, [one for one in done if one.sitting.learner == name], found.ability[at])
        for at, name in enumerate(people)
    ]


def learner(name: str, done: Sequence[Done], ability: float) -> Learner:
    sure = [one.sitting.turns[-1].guesses[0].confidence / 100 for one in done]
    right = mean([float(one.marks.right) for one in done])
    return Learner(
        learner=name,
        done=len(done),
        right=right,
        total=mean([one.marks.total for one in done]),
        brier=mean([one.marks.brier for one in done]),
        over=mean(sure) - right,
        ability=ability if len(done) >= ENOUGH else None,
        last=done[-1].sitting.ended,
    )
