"""Who is likely to be here twice: every pair is found once, shown to the desk, and remembered when it is no pair.

Nobody compares all with all. The chore follows what was written of Patients, from the first on, and asks for each the
few narrow searches by which one who registers is looked for (`matching.candidates`): some milliseconds a person,
whatever the store holds.
"""

from datetime import timedelta
from functools import partial

from salus.base.errors import Conflict
from salus.privacy import SYSTEM, Actor, Purpose
from salus.privacy.policy import check_may_join
from salus.records import Store
from salus.records.desk import Desk
from salus.services.acting import TASKS, Acting, Resource, current, of_house, put, seen, sign, standing
from salus.services.reception.joining.joining import check_reason
from salus.services.reception.joining.kept import STAGES, after, cursor_in
from salus.services.reception.joining.likely import CODE, ONE, TWO, WAITING, Pair, pair_id, pair_of, pair_task
from salus.services.reception.matching.matching import matches
from salus.services.rounds import Chore, House

GRADES = ("same", "perhaps")
PAGE = 25
CURSOR = "pairs"  # where the store keeps how far it was looked
LIMIT = 200  # changes that are looked at together, and the rest of their last transaction
PEOPLE = 100  # people after whom it is enough for this time
CHANGES = 20_000  # changes likewise


def seek(store: Store, patient: Resource) -> int:
    """Keep who is likely to be the same as this one, and was not found before; how many there are."""
    if not patient.get("active", True):
        return 0
    id = patient["id"]
    found = [one for one in matches(store, SYSTEM, Purpose.OPERATIONS, patient) if one.id != id]
    pairs = [Pair(id, one.id, one.grade, round(one.probability, 4)) for one in found]
    new = [one for one in pairs if seen(store, f"Task/{pair_id(one.one, one.other)}") is None]
    for one in new:
        of_house(store).do("find-pair", "Task", ("Task",), partial(keep, pair=one))
    return len(new)


def keep(desk: Desk, pair: Pair) -> None:
    """Unless another process has found it meanwhile."""
    if not desk.exists("Task", pair_id(pair.one, pair.other)):
        put(desk, pair_task(pair))


def look_on(house: House) -> None:
    """Look at the next people who were written."""
    store, people, changes = house.store, 0, 0
    at = begun = store.cursor(CURSOR)
    while people < PEOPLE and changes < CHANGES and (found := store.outbox(at, LIMIT)):
        written = dict.fromkeys(change.id for change in found if change.type == "Patient")
        for patient in filter(None, (seen(store, f"Patient/{id}") for id in written)):
            seek(store, patient)
        at, people, changes = found[-1].t, people + len(written), changes + len(found)
    if at != begun:
        store.set_cursor(CURSOR, at)


def pairs(store: Store, actor: Actor, purpose: Purpose, grade: str, cursor: str = "") -> tuple[list[Pair], str | None]:
    """The pairs of that grade that nobody has looked at, the first found first; what the next page is asked by. Raises
    Forbidden."""
    check_may_join(actor, purpose)
    wanted = [*waiting(grade), ("_sort", "authored-on"), ("_count", str(PAGE)), *after(cursor)]
    page = of_house(store).records.search("Task", wanted)
    return [pair_of(one.json()) for one in page.versions], cursor_in(page.next)


def counted(store: Store) -> dict[str, int]:
    """How many of each grade are waiting."""
    records = of_house(store).records
    return {one: records.search("Task", [*waiting(one), ("_summary", "count")]).total or 0 for one in GRADES}


def waiting(grade: str) -> list[tuple[str, str]]:
    return [("code", f"{TASKS}|{CODE}"), ("status", WAITING), ("business-status", f"{STAGES}|{grade}")]


def tell_apart(store: Store, actor: Actor, purpose: Purpose, one: str, other: str, reason: str) -> None:
    """They are two people: remembered, so that nobody is asked again.

    Raises Forbidden, Invalid (no reason), Missing, Conflict (they were joined).
    """
    check_may_join(actor, purpose)
    check_reason(reason)

    def work(desk: Desk) -> None:
        for each in (one, other):
            current(desk, f"Patient/{each}")
        name = f"Task/{pair_id(one, other)}"
        task = standing(desk, name) or pair_task(Pair(one, other, "perhaps", 0.0))
        if task["status"] == ONE:
            raise Conflict("These two were joined: part them, if they are two")
        put(desk, task | {"status": TWO, "statusReason": {"text": reason.strip()}})
        sign(desk, "tell-apart", [name], reason.strip())

    what = f"Patient/{one} and Patient/{other}: {reason.strip()}"
    Acting(store, actor, purpose).do("tell-apart", what, ("Task",), work)


CHORE = Chore("pairs", timedelta(minutes=1), look_on)
