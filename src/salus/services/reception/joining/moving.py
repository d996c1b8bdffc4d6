"""What belongs to the one that was replaced is moved to the one that stands, a few resources in each transaction.

What is neither signed nor booked is written anew for the one that stands. The rest stays as it is, and is marked as
also of that one (`salus.records.joined`): it has a new version whose content is the same. What is left to be done
follows from the records themselves, so that who was interrupted goes on where they were.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from salus.base.errors import Conflict, Invalid, Malformed
from salus.records import bills, drafts, joined, signed
from salus.records.desk import Desk
from salus.records.shapes import Version
from salus.records.stewards import STEWARDED
from salus.services.acting import Acting
from salus.services.reception.joining.kept import MARKED, REWRITTEN, Joining, Moved, prove

FEW = 100  # resources in one transaction
KEPT = frozenset({*bills.TYPES, "Account", "Provenance", "AuditEvent"}) | STEWARDED  # says what was, or has its books
Change = Callable[[Version], tuple[bytes, str]]  # a version -> its content from now on, and how that is called


@dataclass(frozen=True, slots=True)
class Batch:
    """What one transaction has moved, what would not be moved, and the row it came to (0: the end)."""

    moved: list[Moved] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    last: int = 0


def stays(version: Version) -> bool:
    """Whether it is never written anew for another: it was signed, or booked, or says what was done."""
    return version.type in KEPT or signed.mark_of(version.body) is not None


def named(id: str) -> bytes:
    return b'"reference":"Patient/%b"' % id.encode()


def rewritten(body: bytes, source: str, target: str) -> bytes:
    """A body that names another patient.

    >>> rewritten(b'{"subject":{"reference":"Patient/1"}}', "1", "2")
    b'{"subject":{"reference":"Patient/2"}}'
    """
    return body.replace(named(source), named(target))


def to_target(one: Joining) -> Change:
    """As a joining changes a version."""

    def change(version: Version) -> tuple[bytes, str]:
        if stays(version):
            return version.body, MARKED
        return rewritten(version.body, one.source, one.target), REWRITTEN

    return change


def move_all(house: Acting, one: Joining) -> list[str]:
    """Move what is left, in as many transactions as it takes; the references of what would not be moved."""
    left: list[str] = []
    after = 0
    while True:
        batch = house.do("join", f"Patient/{one.source}", (), partial(some, one=one, after=after))
        left += batch.left
        if not batch.last:
            return left
        after = batch.last


def some(desk: Desk, one: Joining, after: int) -> Batch:
    """The next few."""
    rows = joined.apart(desk, one.source, one.target, after, FEW)
    done = changed(desk, rows, to_target(one))
    if done.moved:
        prove(desk, one, "join", done.moved)
    return done


def changed(desk: Desk, rows: list[int], change: Change) -> Batch:
    """Write the next version of what stands in these rows."""
    desk.bills = True  # nothing of a bill is changed but whose it is as well
    moved: list[Moved] = []
    left: list[str] = []
    for row in rows:
        version = desk.of_row(row)
        try:
            body, how = change(version)
            made = desk.update(drafts.addressed(body, version.type, version.id, compact=True))
        except (Invalid, Conflict, Malformed):  # it breaks a rule that is younger than it is: told, and left
            left.append(version.reference)
        else:
            if not made.unchanged:
                moved.append(Moved(version.reference, version.version, made.version, how))
    return Batch(moved, left, rows[-1] if rows else 0)
