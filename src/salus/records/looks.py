"""Who looked at a patient's record: lines of the audit that name the patient, or one of their resources."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime

from salus.records.engines import Connection
from salus.records.shapes import Audited

MOST_READ = 50_000  # lines that are gone through, the newest: an audit is never cut off, so it may be very long
MOST = 500  # lines that are told
LINES = "SELECT n, t, ts, who, purpose, act, what FROM audit ORDER BY n DESC LIMIT ?"


def at(connection: Connection, patients: Iterable[str], names: Iterable[str]) -> list[Audited]:
    """The newest first; `patients`: the ids of the records of one person, `names` references of what is theirs."""
    own, asked = frozenset(names), naming(*patients)
    made = []
    for n, t, ts, who, purpose, act, what in connection.execute(LINES, (MOST_READ,)):
        if what in own or asked.search(what):
            made.append(Audited(n, t, datetime.fromtimestamp(ts / 1000, UTC), who, purpose, act, what))
            if len(made) == MOST:
                break
    return made


def naming(*patients: str) -> re.Pattern[str]:
    """Finds patients in a search or in an act on their whole record, and nobody whose id only begins alike.

    >>> [bool(naming("li").search(one)) for one in ("Observation?patient=li", "Patient/li", "Patient/lin", "Task/li")]
    [True, True, False, False]
    """
    ids = "|".join(map(re.escape, patients))
    return re.compile(rf"(?:Patient(?:/|%2F)|(?:patient|subject)=)(?:{ids})(?![A-Za-z0-9.-])")
