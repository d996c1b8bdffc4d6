"""May they, and that they did: what every operation asks before it looks, and leaves in the audit."""

from salus.base.errors import Forbidden, Missing
from salus.privacy import check_may, check_may_be_advised, may
from salus.privacy.policy import Act
from salus.records import Records
from salus.records.reading import Reader

NOBODY = -1  # a row that no compartment has


def check(records: Records, act: Act, type: str) -> None:
    """Raises Forbidden, audited, unless the policy allows it; a patient's account only ever reads."""
    try:
        check_may(records.actor, records.purpose, act, type)
        if records.actor.patient is not None and act is not Act.READ:
            raise Forbidden(f"A patient's account may not {act} {type}: ask the ward to")
    except Forbidden:
        note(records, "refused", f"{act} {type}")
        raise


def check_advised(records: Records, what: str) -> None:
    """Raises Forbidden, audited, for a patient's own account: the assistants speak to clinicians."""
    try:
        check_may_be_advised(records.actor)
    except Forbidden:
        note(records, "refused", what)
        raise


def can_read(records: Records, type: str) -> bool:
    return may(records.actor, records.purpose, Act.READ, type)


def note(records: Records, act: str, what: str) -> None:
    """A line of the audit. Raises Busy when the audit cannot be written: nobody reads unseen."""
    records.store.writer.note(records.actor, records.purpose, act, what[:2000])


def own(records: Records, reader: Reader) -> int | None:
    """The row of the only patient that this account may see, None for staff and machines."""
    if records.actor.patient is None:
        return None
    row = reader.row("Patient", records.actor.patient)
    return NOBODY if row is None else row


def subject(records: Records, reader: Reader, id: str) -> int:
    """The row of a patient whose whole compartment this account may see; of one joined into another, that one's.
    Raises Missing.

    That a patient may see another Patient (one that links to theirs) opens that one's compartment to nobody.
    """
    found, mine = reader.person(id), own(records, reader)
    if found is None or (mine is not None and mine != found[0]):
        raise Missing(f"There is no Patient/{id[:64]}")
    return found[0]
