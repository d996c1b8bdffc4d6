"""Rows of time to event: how long each was followed, whether the event ended that, and if not, what did.

`ended` of a row: event, death (it removes a person before the event could come), other (a competing event that a table
names), lost (the end of following: of the data, or of the person's own records), horizon.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from salus.learning.moments import DAY_US
from salus.learning.run import Labels, Note
from salus.learning.task import FollowedUntil

TIMES = 12  # at which a risk is told: even steps up to the horizon
CLASSES = ["no", "yes"]
Ending = tuple[float, str]  # (how long, ended)


def labels_for(horizon: float, unit: str) -> Labels:
    """The labels of a question about the time until `horizon`."""
    times = [float(one) for one in horizon * np.arange(1, TIMES + 1) / TIMES]
    return Labels(kind="survival", classes=CLASSES, times=times, unit=unit)


def ending(
    at_us: int, until_us: int, event_us: int | None, death_us: int | None, ends: Sequence[int | None]
) -> Ending | None:
    """How long a person was followed from a moment (days) and what ended it; None when it ended at or before it.

    `ends`: when following ended, by the rules that hold; what ends first counts, the event before all.
    """
    lost = min((one for one in ends if one is not None), default=until_us)
    marks = [(event_us, "event"), (death_us, "death"), (until_us, "horizon"), (lost, "lost")]
    when, _, ended = min((us, rank, name) for rank, (us, name) in enumerate(marks) if us is not None)
    return ((when - at_us) / DAY_US, ended) if when > at_us else None


def ends_of(rule: FollowedUntil, last_us: int | None, end_us: int) -> list[int | None]:
    """When following ends by the task's rule: with the data, or with the person's own last event."""
    return [end_us] if rule == "end_of_data" else [last_us]


def followed_notes(ended: Sequence[str], labels: Labels) -> list[Note]:
    """What a reader should know of how following ended; of deaths what they mean for the risk."""
    count = Counter(ended)
    slots = {name: str(count[name]) for name in ("event", "lost", "horizon", "death", "other")}
    slots |= {"rows": str(len(ended)), "until": f"{labels.times[-1]:g}", "unit": labels.unit}
    removed = [Note(key="note.removed", slots={"count": str(count["death"] + count["other"]), "rows": str(len(ended))})]
    return [Note(key="note.followed", slots=slots), *(removed if count["death"] + count["other"] else [])]
