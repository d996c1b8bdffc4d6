"""All that a search finds, batch by batch; whoever wants everything of a type goes this way. Call it in a snapshot."""

from collections.abc import Iterator, Mapping
from typing import Any

from salus.base.errors import Missing
from salus.records.reading import Reader
from salus.records.search import find, parse
from salus.records.shapes import Version

OF_PATIENTS = " AND subject<>0"
PAGE = 1000  # resources read at once
Pairs = tuple[tuple[str, str], ...]


def walked(
    reader: Reader, type: str, pairs: Pairs, owner: int | None, patient: int | None = None
) -> Iterator[list[Version]]:
    """`owner`: the row of the patient in whose compartment they stand; `patient`: of the one whose own account asks."""
    query = parse(type, pairs)
    query.count, query.owner = PAGE, owner
    while True:
        found = find(reader.connection, reader.kinds, query, patient, press=reader.press)
        yield reader.of_rows(found.rows, patient)
        if not found.anchor:
            return
        query.anchor = found.anchor


def bodies(reader: Reader, type: str, of_patients: bool) -> Iterator[list[bytes]]:
    """The JSON alone of all that is current of a type; `of_patients`: of what stands in some patient's compartment."""
    sql = f"SELECT row, form, body FROM resource WHERE type=? AND alive AND row>?{OF_PATIENTS if of_patients else ''}"
    after, number = 0, reader.kinds.numbers[type]
    while found := reader.connection.execute(f"{sql} ORDER BY row LIMIT {PAGE}", (number, after)).fetchall():
        yield [reader.body(*line) for line in found]
        after = found[-1][0]


def members(reader: Reader, group: str) -> list[int]:
    """The rows of the patients in a Group, without those that have left it."""
    found = reader.current("Group", group, None)
    if found is None or found.deleted:
        raise Missing(f"There is no Group/{group[:64]}")
    named = [member["entity"].get("reference", "") for member in found.json().get("member", []) if stays(member)]
    pairs = [text.split("/") for text in dict.fromkeys(named) if text.startswith("Patient/") and text.count("/") == 1]
    rows = [reader.row("Patient", id) for _, id in pairs]
    return [row for row in rows if row is not None]


def stays(member: Mapping[str, Any]) -> bool:
    """
    >>> stays({"inactive": True}), stays({})
    (False, True)
    """
    return not member.get("inactive", False)
