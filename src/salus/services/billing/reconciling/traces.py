"""What was done about a difference: its postings, found again by the keys that they were given."""

from collections.abc import Sequence
from enum import StrEnum

from salus.records import books
from salus.records.books import Posting
from salus.records.desk import Desk
from salus.records.reading import Reader
from salus.services.billing.reconciling.faults import Difference, Fault
from salus.services.billing.reconciling.sides import Side

ASKED = "reconciled"  # the Task that asks a clerk to look into a day: a word `task.reconciled`
MET, UNDONE, EARLY = "/met", "/undone", "/early"
PARKED = "parked"
AWAITED = (Fault.NOT_THERE_YET.value, "")

# a difference -> its repair and what went before it: name in the key, and its ending
STEPS: dict[Fault, tuple[tuple[str, str], ...]] = {
    Fault.MISSING_HERE: ((Fault.MISSING_HERE, ""), (PARKED, "")),
    Fault.NOT_THERE_YET: (AWAITED, (PARKED, "")),
    Fault.MISSING_THERE: (AWAITED, (Fault.MISSING_THERE, ""), (PARKED, "")),
    Fault.AMOUNT: ((Fault.AMOUNT, ""), (PARKED, "")),
    Fault.TWICE: ((Fault.TWICE, ""),),
    Fault.REPEATED: (),
    Fault.WRONG_DAY: (AWAITED, (Fault.WRONG_DAY, EARLY)),
    Fault.STATUS: ((Fault.STATUS, ""), (Fault.STATUS, EARLY), (PARKED, "")),
}


class State(StrEnum):
    """Where a difference has come to."""

    NOTHING = "nothing"  # no money had to move
    DONE = "done"
    WAITING = "waiting"  # on its way between two days
    PERSON = "person"  # it stands on an account of differences until somebody has found out why
    UNDONE = "undone"  # its repair was reversed: somebody has to say what is right
    EXPLAINED = "explained"  # somebody has


def postings(at: Desk | Reader, side: Side, one: Difference) -> tuple[Posting, ...]:
    """In the order they were made."""
    name = f"{one.id}/{one.reference}" if one.fault is Fault.TWICE else one.id
    keys = [f"reconcile/{side.name}/{what}/{name}{ending}" for what, ending in STEPS[one.fault]]
    all = [f"{key}{after}" for key in keys for after in ("", MET, UNDONE)]
    if one.fault is Fault.STATUS and one.ours is None:
        all += side.keys(one.id)
    found = {posted.number: posted for key in all if (posted := books.posting_of(at, key))}
    return tuple(found[number] for number in sorted(found))


def state_of(posted: Sequence[Posting], explained: bool = False) -> State:
    """From its postings, and whether somebody has explained it."""
    if explained:
        return State.EXPLAINED
    keys = {one.key for one in posted}
    if any(key.endswith(UNDONE) for key in keys):
        return State.UNDONE
    standing = [one for one in posted if f"{one.key}{MET}" not in keys and not one.key.endswith(MET)]
    if any(touches(one, "difference/") for one in standing):
        return State.PERSON
    if any(touches(one, "transit/") for one in standing):
        return State.WAITING
    return State.DONE if posted else State.NOTHING


def needs_person(posted: Sequence[Posting]) -> bool:
    return state_of(posted) in (State.PERSON, State.UNDONE)


def touches(posting: Posting, prefix: str) -> bool:
    return any(name.startswith(prefix) for one in posting.entries for name in (one.debit, one.credit))


def reversible(side: Side, one: Difference, posted: Sequence[Posting]) -> Posting | None:
    """The posting by which it was repaired, where that is all that was done about it and stands still: it can be
    reversed. None for what changed a payment too, which is given back or taken again on its bill."""
    keys = {each.key for each in posted}
    for each in posted:
        parked = f"/{PARKED}/" in each.key
        own = parked or (side.stands_alone(one.fault) and f"/{one.fault.value}/" in each.key)
        if own and not each.key.endswith((MET, UNDONE, EARLY)) and f"{each.key}{UNDONE}" not in keys:
            return each
    return None
