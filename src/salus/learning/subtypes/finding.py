"""The whole question: which kinds of people does a table hold? Nothing depends on the order of its rows."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from salus.learning.subtypes.axes import Axes, fit_axes
from salus.learning.subtypes.choosing import Choice, Wanted, choose, sensible
from salus.learning.subtypes.kept import Answers, Subtypes, of_candidate
from salus.learning.subtypes.people import CLIP, Matrix, People, Whole, read_people, scores_of
from salus.learning.subtypes.plane import Plane, lay_out
from salus.learning.subtypes.profiles import Profile, profiles_of

MOST_ASKED = 2000  # people by whom groups are looked for; the others are put into them


@dataclass(frozen=True)
class Found:
    """The findings; `subtypes`, `answers` and `profiles` only where groups were found."""

    people: People
    axes: Axes
    choice: Choice
    asked: int
    plane: Plane
    subtypes: Subtypes | None
    answers: Answers | None
    profiles: list[Profile]


def find(
    table: Path,
    wanted: Wanted,
    subject: str | None,
    outcomes: tuple[str, ...],
    leave_out: tuple[str, ...],
    zero_unknown: tuple[str, ...] = (),
) -> Found:
    """Raises Missing, Malformed, Invalid."""
    people = read_people(table, subject, (*outcomes, *leave_out), zero_unknown)
    wanted = sensible(wanted, len(people.rows))
    with threadpool_limits(1):  # many small problems: threads would only wait for each other
        return found_of(people, wanted, outcomes)


def found_of(people: People, wanted: Wanted, outcomes: tuple[str, ...]) -> Found:
    """The findings of people already read."""
    draw = np.random.default_rng(wanted.seed)
    scores = np.clip(scores_of(people.columns, people.values), -CLIP, CLIP)
    order = in_order(scores)
    asked = scores[order[np.sort(draw.permutation(len(order))[:MOST_ASKED])]]
    axes = fit_axes(asked, draw)
    choice = choose(asked, axes.places(asked), wanted)
    plane = lay_out(axes.places(scores[order]), wanted.seed)
    plane = Plane(order[plane.rows], plane.at, plane.faith)
    if choice.chosen is None:
        return Found(people, axes, choice, len(asked), plane, None, None, [])
    subtypes = of_candidate(choice.chosen, people.columns, axes, asked)
    answers = subtypes.of(people.cells)
    told = {name: people.cells[name] for name in outcomes}
    profiles = profiles_of(people.columns, people.values, answers.groups, choice.chosen.count, told)
    return Found(people, axes, choice, len(asked), plane, subtypes, answers, profiles)


def in_order(scores: Matrix) -> Whole:
    """Rows by their scores, so that the order of the table changes nothing."""
    return np.asarray(np.lexsort(scores.T[::-1]))
