"""What of a child's record who acts for them is shown, as rows: `privacy.guardian` decides, this looks it up.

A child's record is small enough to be gone through whole, and it is gone through again after every write: what was
labelled a moment ago is hidden now.
"""

from typing import Any

from salus.privacy import Guardian
from salus.privacy.guardian import shown
from salus.records.reading import CURRENT, Reader


def shown_rows(reader: Reader, patient: int, guardian: Guardian) -> frozenset[int]:
    """The rows of a patient's compartment that the guardian may see, within the snapshot of the reader."""
    sql = f"{CURRENT} JOIN line l ON l.row=r.row WHERE l.subject=? AND r.alive"
    lines = reader.connection.execute(sql, (patient,)).fetchall()
    versions = {line[0]: reader.version(line) for line in lines}
    seen = shown(guardian, [one.json() for one in versions.values()], lambda name: service(reader, name))
    return frozenset(row for row, one in versions.items() if one.reference in seen)


def service(reader: Reader, reference: str) -> dict[str, Any]:
    """A HealthcareService, which is the house's and no secret; {} for none."""
    type, _, id = reference.partition("/")
    found = reader.current(type, id, None)
    return {} if found is None or found.deleted else found.json()
