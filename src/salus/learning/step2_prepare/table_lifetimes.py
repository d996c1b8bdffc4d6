"""Time to event of a table: one column says how long a row was followed, another what ended that."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from salus.base.errors import Invalid
from salus.learning.numbers import number_of
from salus.learning.run import Labels, Note, Run, TableAsk
from salus.learning.step2_prepare.lifetimes import Ending, labels_for
from salus.learning.step2_prepare.target import YES, subjects_of

EVENT_WORDS = (*YES, "event", "dead", "death", "died", "deceased", "死亡", "复发")
STILL = 0.25  # of the rows still followed at a horizon that nobody named


def table_lifetimes(run: Run, ask: TableAsk) -> tuple[pa.Table, Labels, list[Note]]:
    """Columns row, subject_id, label, value (how long), ended, given_part of the rows that say time and event."""
    table = pq.read_table(run.needed("step1_collect", "table.parquet"))
    given = pq.read_table(run.needed("step1_collect", "parts.parquet"))["part"]
    long = [number_of(one) if one is not None else None for one in table[ask.target].to_pylist()]
    said = table[str(ask.event)].to_pylist()
    known = [i for i, (time, what) in enumerate(zip(long, said, strict=True)) if time and time > 0 and what is not None]
    if not known:
        raise Invalid(f"No row has a time above 0 in '{ask.target}' and a word in '{ask.event}'", path="--target")
    times = [float(long[i] or 0) for i in known]
    horizon = ask.horizon or usual_horizon(times)
    ends = endings(times, [said[i] for i in known], horizon, ask)
    keep = pa.array(known, pa.int64())
    rows = pa.table(
        {
            "row": keep,
            "subject_id": subjects_of(table, keep, ask),
            "label": ["yes" if ended == "event" else "no" for _, ended in ends],
            "value": pa.array([time for time, _ in ends], pa.float64()),
            "given_part": given.take(keep),
            "ended": [ended for _, ended in ends],
        }
    )
    return rows, labels_for(horizon, ask.target), list(notes_of(table.num_rows - len(known), horizon, ask))


def notes_of(gone: int, horizon: float, ask: TableAsk) -> list[Note]:
    """What a person should know of how the table was read."""
    lacking = Note(key="note.no_time", slots={"count": str(gone), "target": ask.target, "event": str(ask.event)})
    chosen = Note(key="note.horizon", slots={"horizon": f"{horizon:g}", "unit": ask.target})
    made = [(gone > 0, lacking), (ask.horizon is None, chosen), (ask.subject is None, Note(key="note.no_subject"))]
    return [note for holds, note in made if holds]


def endings(times: Sequence[float], said: Sequence[str], horizon: float, ask: TableAsk) -> list[Ending]:
    """(how long, what ended it) of each row; nobody is followed beyond the horizon."""
    event = event_value(Counter(said), ask)

    def ended(what: str) -> str:
        return "event" if what == event else "other" if what in ask.competing else "lost"

    pairs = zip(times, said, strict=True)
    return [(horizon, "horizon") if time > horizon else (time, ended(what)) for time, what in pairs]


def usual_horizon(known: Sequence[float]) -> float:
    """A round time at which a quarter of the rows are still followed.

    >>> usual_horizon(list(range(1, 1001)))
    750.0
    """
    found = float(np.quantile(known, 1 - STILL))
    step = 10.0 ** (np.floor(np.log10(found)) - 1)
    return float(np.floor(found / step + 1e-9) * step)


def event_value(seen: Counter[str], ask: TableAsk) -> str:
    """What a cell says where the event came: as asked, else the one word for it. Raises Invalid where that is open."""
    listed, strange = ", ".join(sorted(seen)[:20]), [one for one in ask.competing if one not in seen]
    if strange:
        raise Invalid(f"No row has {ask.event} = '{strange[0]}': its values are {listed}", path="--competing")
    if ask.positive is not None:
        if ask.positive not in seen:
            raise Invalid(f"No row has {ask.event} = '{ask.positive}': its values are {listed}", path="--positive")
        return ask.positive
    words = [one for one in seen if one.lower() in EVENT_WORDS]
    others = set(seen) - set(ask.competing)
    if len(words) != 1 or len(others) > 2:
        raise Invalid(
            f"The event column '{ask.event}' says {listed}: say with --positive which of these is the event",
            path="--positive",
        )
    return words[0]
