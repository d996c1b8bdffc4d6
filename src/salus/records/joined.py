"""Two records of one person, joined: whatever names the one that was replaced belongs to the one that stands as well.

What is signed or booked is never rewritten, so it goes on naming the patient it was written for. The desk, where every
write ends, puts the extension `also-of` into its metadata; from there every index has it, so that each search, count,
timeline and account of the patient that stands has it too. A replaced Patient itself has the extension only in a
transaction that joins (`desk.joins`); nobody else can write it, nor take it off. docs/decisions/0093
https://hl7.org/fhir/R4/patient-definitions.html#Patient.link
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import orjson

from salus import fhir
from salus.base.errors import Conflict
from salus.records import compartments
from salus.records.compartments import ALSO
from salus.records.ids import unpacked

if TYPE_CHECKING:
    from salus.records.desk import Desk
    from salus.records.engines import Connection
    from salus.records.reading import Reader

URL = "https://salus.example/fhir/StructureDefinition/also-of"
TOLD = f'"{URL}"'.encode()
LONGEST = 64  # records of one person, one joined into the next; what was brought in a ring comes to an end too
PERSON = "SELECT row, subject, id FROM resource WHERE type=? AND id=?"
PERSON_AT = "SELECT row, subject, id FROM resource WHERE row=?"
FOLLOWERS = f"SELECT r.id FROM ref f JOIN resource r ON r.row=f.row WHERE f.path={ALSO} AND f.target=? AND r.type=?"
ANY = f"SELECT 1 FROM ref WHERE path={ALSO} LIMIT 1"


def marked_in(meta: Any) -> list[str]:
    """The ids of the patients that metadata (as JSON) says a resource is also of.

    >>> marked_in({"extension": [{"url": URL, "valueReference": {"reference": "Patient/7"}}]}), marked_in({})
    (['7'], [])
    """
    found = [one for one in meta.get("extension", []) if one.get("url") == URL]
    return [str(one.get("valueReference", {}).get("reference", "")).removeprefix("Patient/") for one in found]


def extension(patient: str) -> dict[str, Any]:
    """The mark in metadata that a resource is also of the patient with that id."""
    return {"url": URL, "valueReference": {"reference": f"Patient/{patient}"}}


def stands_for(resource: Mapping[str, Any], named: str) -> str:
    """The patient whom a resource is of, by the reference in it: of one joined into another, that one.

    >>> stands_for({}, "Patient/7")
    'Patient/7'
    """
    return next((f"Patient/{one}" for one in marked_in(resource.get("meta", {}))), named)


def belongs(resource: Mapping[str, Any], patient: str) -> bool:
    """Whether a resource is about the patient with that id: by its subject, or since that one was joined into this.

    >>> belongs({"subject": {"reference": "Patient/7"}}, "7"), belongs({"patient": {"reference": "Patient/7"}}, "8")
    (True, False)
    """
    named = resource.get("subject") or resource.get("patient") or {}
    return named.get("reference") == f"Patient/{patient}" or patient in marked_in(resource.get("meta", {}))


def also_of(body: bytes) -> list[str]:
    """As `marked_in`, of a resource as it is stored."""
    return marked_in(orjson.loads(body).get("meta", {})) if TOLD in body else []


def marked(meta: bytes, patients: Iterable[str]) -> bytes:
    """The metadata of a draft, also of these patients, and of no others."""
    told: dict[str, Any] = orjson.loads(b"{" + meta[1:] + b"}")
    others = [one for one in told.pop("extension", []) if one.get("url") != URL]
    also = [extension(one) for one in sorted(set(patients))]
    made = ({"extension": [*others, *also]} if others or also else {}) | told
    return b"," + orjson.dumps(made)[1:-1] if made else b""


def mark(type: str, indexed: fhir.Indexed, patients: Iterable[str]) -> None:
    """Let the search know of it: wherever the resource names its patient, it names these too."""
    paths = compartments.subject_paths(type) if type != "Patient" else frozenset()
    named = {path for path, kind, _ in indexed.references if kind == "Patient" and path in paths}
    for id in patients:
        indexed.references.extend((path, "Patient", id) for path in sorted(named))
        indexed.references.append((ALSO, "Patient", id))


def is_led(row: int, subject: int) -> bool:
    """Whether a Patient was replaced: then it stands in one compartment alone, which is not its own."""
    return subject > 0 and subject != row


def person(connection: "Connection", key: tuple[int, bytes | str]) -> tuple[int, bytes | str] | None:
    """Row and id (as stored) of the Patient that stands for the one at that address; None where nothing does."""
    found = connection.execute(PERSON, key).fetchone()
    for _ in range(LONGEST):
        if not found or not is_led(found[0], found[1]):
            break
        found = connection.execute(PERSON_AT, (found[1],)).fetchone()
    return (found[0], found[2]) if found else None


def people(at: "Desk | Reader", id: str) -> list[str]:
    """The ids of the Patients that were joined into this one, over any number of joinings; itself first."""
    found = [id]
    for one in found:  # grows while it is gone through
        key = (row_of(at, one), at.kinds.numbers["Patient"])
        new = [unpacked(packed) for (packed,) in at.connection.execute(FOLLOWERS, key).fetchall()]
        found += sorted(set(new) - set(found))
    return found


def check_alone(desk: "Desk", id: str, body: bytes) -> None:
    """Raises Conflict for a Patient that was joined with another: deleted, neither could be parted from the other, and
    what comes later for the one would not come to the other."""
    others = [*also_of(body), *people(desk, id)[1:]]
    if others:
        raise Conflict(f"Patient/{id} was joined with Patient/{others[0]}: part them first", path="link")


# --- what is to be moved, and what was ---

THERE = "EXISTS(SELECT 1 FROM line o WHERE o.subject=?2 AND o.type=l.type AND o.date=l.date AND o.row=l.row)"
OWN = f"SELECT l.row FROM line l WHERE l.subject=?1 AND l.type<>?3 AND l.row>?4 AND {{}}{THERE}"
ASKED = "SELECT f.row FROM ref f WHERE f.path IN ({}) AND f.target=?1 AND f.row>?4"
BORN = f"""
SELECT r.row FROM line l JOIN resource r ON r.row=l.row WHERE l.subject=?1 AND l.type<>?3 AND r.born>?4 AND NOT {THERE}
ORDER BY r.row
"""
AT = "SELECT t FROM resource WHERE row=?1 AND version=?2 UNION ALL SELECT t FROM past WHERE row=?1 AND version=?2"
BETWEEN = "row=? AND subject=? AND version IN (SELECT version FROM past WHERE row=? AND t>=?)"
GIVEN_BACK = f"""
UPDATE was SET subject=? WHERE {BETWEEN}
AND NOT EXISTS(SELECT 1 FROM was w WHERE w.row=was.row AND w.version=was.version AND w.subject=?)
"""


def row_of(at: "Desk | Reader", id: str) -> int:
    """The row of a Patient that is there; 0 where there is none."""
    found = at.connection.execute("SELECT row FROM resource WHERE type=? AND id=?", at.kinds.key("Patient", id))
    return int((found.fetchone() or (0,))[0])


def apart(at: "Desk | Reader", source: str, target: str, after: int, most: int) -> list[int]:
    """Rows after that number of what stands with one patient and not with the other, and of the Tasks that are for the
    one: what is left to be moved. No Patients."""
    sql = f"{OWN.format('NOT ')} UNION {ASKED.format(tasks())} ORDER BY 1 LIMIT ?5"
    return _rows(at, sql, source, target, after, most)


def shared(at: "Desk | Reader", source: str, target: str, after: int, most: int) -> list[int]:
    """Rows after that number of what stands with both patients. No Patients."""
    return _rows(at, f"{OWN.format('')} ORDER BY 1 LIMIT ?5", source, target, after, most)


def since(at: "Desk | Reader", source: str, target: str, t: int) -> list[int]:
    """Rows of what was written first for the one after that transaction, and not for the other."""
    kind = at.kinds.numbers["Patient"]
    return [row for (row,) in at.connection.execute(BORN, (row_of(at, source), row_of(at, target), kind, t)).fetchall()]


def _rows(at: "Desk | Reader", sql: str, source: str, target: str, *rest: int) -> list[int]:
    given: Sequence[Any] = (row_of(at, source), row_of(at, target), at.kinds.numbers["Patient"], *rest)
    return [row for (row,) in at.connection.execute(sql, given).fetchall()]


@cache
def tasks() -> str:
    """The paths by which a Task says for whom it is: Tasks stand in no compartment."""
    return ",".join(str(path) for path in fhir.parameters("Task")["patient"].paths)


def give_back(desk: "Desk", rows: Iterable[int], source: str, target: str, t: int) -> None:
    """Let what stood with the target from that transaction on have stood with the source: they are two people, and
    nobody reads in past versions what was the other's."""
    desk.flush()
    one, other = row_of(desk, source), row_of(desk, target)
    for row in rows:
        if row == other:  # what the target itself said then, it said for both: neither reads it
            desk.connection.execute(f"DELETE FROM was WHERE {BETWEEN}", (row, one, row, t))
        else:
            desk.connection.execute(GIVEN_BACK, (one, row, other, row, t, one))
        desk.connection.execute(f"DELETE FROM was WHERE {BETWEEN}", (row, other, row, t))


def transaction_of(at: "Desk | Reader", id: str, version: int) -> int:
    """The number of the transaction that wrote this version of a Patient; 0 for none."""
    return int((at.connection.execute(AT, (row_of(at, id), version)).fetchone() or (0,))[0])
