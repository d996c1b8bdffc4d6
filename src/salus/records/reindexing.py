"""Put everything on its shelves again, when the program has learnt to index otherwise than when it was stored."""

import hashlib

import orjson

from salus.base.errors import SalusError
from salus.fhir.definitions import definitions
from salus.privacy import release
from salus.records import drafts
from salus.records.desk import Desk
from salus.records.shelves import COLUMNS

WAY = 2  # add one when values are extracted or laid otherwise under the same paths
BATCH = 1000
# Each version that is no longer current, or is a deletion, of what stood in a compartment; a body of None deletes.
STOOD = """
SELECT w.row, w.version, r.type, p.form, p.body FROM (SELECT DISTINCT row, version FROM was) w
JOIN resource r ON r.row=w.row LEFT JOIN past p ON p.row=w.row AND p.version=w.version
WHERE (w.row, w.version)>(?, ?) ORDER BY w.row, w.version LIMIT ?
"""
KEEP = "INSERT INTO meta(name, value) VALUES('index', ?) ON CONFLICT(name) DO UPDATE SET value=excluded.value"
NEXT = "SELECT row, type, version, form, body FROM resource WHERE alive AND row>? ORDER BY row LIMIT ?"


def fingerprint() -> str:
    """What the index of this program depends on: path numbers, compartments, what is released, and `WAY`."""
    known = definitions()
    told = orjson.dumps([WAY, known["paths"], known["compartment"], release.told()], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(told).hexdigest()


def reindex(desk: Desk) -> int:
    """Empty all index tables and fill them from the current versions, in one transaction; the number of resources.

    About 10,000 resources a second.
    """
    connection = desk.connection
    for table in COLUMNS:
        connection.execute(f"DELETE FROM {table}")
    desk.begin_anew()
    judge_again(desk)
    after, count = 0, 0
    while rows := connection.execute(NEXT, (after, BATCH)).fetchall():
        for row, kind, version, form, body in rows:
            desk.shelve_again(desk.kinds.names[kind], row, version, desk.press.expanded(connection, form, body))
        desk.flush()
        after, count = rows[-1][0], count + len(rows)
    connection.execute(KEEP, (fingerprint(),))
    return count


def judge_again(desk: Desk) -> None:
    """Which of the versions that stood in a compartment were withheld from the patient's own account."""
    connection, place, row_before, before = desk.connection, (0, 0), 0, True
    while found := connection.execute(STOOD, (*place, BATCH)).fetchall():
        for row, version, kind, form, body in found:
            before = True if row != row_before else before
            before, row_before = judged(desk, desk.kinds.names[kind], form, body, before), row
            connection.execute("UPDATE was SET withheld=? WHERE row=? AND version=?", (int(before), row, version))
        place = found[-1][:2]


def judged(desk: Desk, type: str, form: int | None, body: bytes | None, before: bool) -> bool:
    """Whether a version was withheld, by the one before it; a deletion as what it deletes."""
    if body is None:
        return before
    try:
        _, withheld = drafts.read_again(type, desk.press.expanded(desk.connection, form or 0, body))
    except SalusError:  # stored under laxer rules than today's: nobody knows what it says
        return True
    return before if withheld is None else withheld
