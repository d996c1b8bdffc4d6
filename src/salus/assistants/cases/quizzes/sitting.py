"""One learner before one case: what was opened, and where they stood each time."""

from dataclasses import dataclass, replace
from datetime import datetime

from salus.assistants.cases.quizzes.script import Script, Test, twice
from salus.base.errors import Conflict, Invalid

MOST = 5  # diagnoses on a list
FINISH, ON = "finish", "on"


@dataclass(frozen=True, slots=True)
class Guess:
    """A diagnosis on the list, and how sure the learner is of it, in percent."""

    code: str
    confidence: int


@dataclass(frozen=True, slots=True)
class Turn:
    """The learner's list, the likeliest first, once `after` was known."""

    after: str
    guesses: tuple[Guess, ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class Sitting:
    """`opened` in the order of opening; while the quiz runs one more is open than has been answered."""

    id: str
    case: str
    version: int
    learner: str
    began: datetime
    opened: tuple[str, ...]
    turns: tuple[Turn, ...] = ()

    @property
    def finished(self) -> bool:
        return len(self.turns) == len(self.opened)

    @property
    def ended(self) -> datetime:
        return self.turns[-1].at if self.turns else self.began

    def ordered(self, script: Script) -> list[Test]:
        return [test for key in self.opened if (test := script.test(key))]


def begun(id: str, script: Script, learner: str, at: datetime) -> Sitting:
    return Sitting(id, script.id, script.version, learner, at, (script.keys[0],))


def choices(sitting: Sitting, script: Script) -> tuple[str | None, list[Test]]:
    """What may be opened next: the step that follows, or (once all steps are known) the tests, the cheapest first."""
    ahead = [key for key in script.keys if key not in sitting.opened]
    if ahead:
        return ahead[0], []
    return None, [test for test in script.by_cost if test.id not in sitting.opened]


def take(sitting: Sitting, script: Script, guesses: tuple[Guess, ...], then: str, at: datetime) -> Sitting:
    """The sitting after the learner's list and choice: `on` to the next step, a test's id, or `finish`.

    Raises Conflict for one that is over, Invalid for a list or a choice that cannot be.
    """
    if sitting.finished:
        raise Conflict(f"This quiz ended on {sitting.ended:%Y-%m-%d}: begin it again")
    check(guesses)
    after = replace(sitting, turns=(*sitting.turns, Turn(sitting.opened[-1], guesses, at)))
    step, tests = choices(sitting, script)
    if then == FINISH and step is None:
        return after
    key = step if then == ON else next((test.id for test in tests if test.id == then), None)
    if key is None:
        raise Invalid(f"'{then}' cannot be opened now: {possible(step, tests)}", path="then")
    return replace(after, opened=(*sitting.opened, key))


def possible(step: str | None, tests: list[Test]) -> str:
    return (
        f"go {ON} to {step}"
        if step
        else f"order {', '.join([test.id for test in tests] or ['nothing more'])} or {FINISH}"
    )


def check(guesses: tuple[Guess, ...]) -> None:
    """Raises Invalid for an empty list, one too long, a diagnosis twice, or confidences that cannot be together."""
    if not 1 <= len(guesses) <= MOST:
        raise Invalid(f"The list has {len(guesses)} diagnoses: name one to {MOST}", path="guesses")
    for code in twice(one.code for one in guesses):
        raise Invalid(f"'{code}' is on the list twice: keep it once", path="guesses")
    for one in guesses:
        if not 0 <= one.confidence <= 100:
            raise Invalid(f"{one.confidence} % is no confidence: between 0 and 100", path="confidence")
    if (total := sum(one.confidence for one in guesses)) > 100:
        raise Invalid(
            f"The confidences add up to {total} %: at most 100, since only one diagnosis is right", path="confidence"
        )
