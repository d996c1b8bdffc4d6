"""One record becomes two again: what was moved goes back, by the record that was kept of it.

What was written after the joining stays with whom it was written for. Somebody at the desk looks at it
(`written_since`) and says what of it goes with the one that stands by itself again (`give`).
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice

from salus.base.errors import Conflict, Invalid
from salus.privacy import Actor, Purpose
from salus.privacy.policy import check_may_join
from salus.records import Store, joined
from salus.records.desk import Desk
from salus.records.shapes import Version
from salus.services import acting
from salus.services.acting import Acting, Resource, coded, current, put
from salus.services.reception.joining.contested import undone
from salus.services.reception.joining.joining import check_reason, check_stand
from salus.services.reception.joining.kept import (
    GIVEN,
    JOINED,
    MARKED,
    PARTED,
    PARTING,
    PATIENT,
    REWRITTEN,
    STAGES,
    Joining,
    Moved,
    joining,
    joining_of,
    moved_in,
    prove,
    staged,
)
from salus.services.reception.joining.likely import settle_parted
from salus.services.reception.joining.moving import FEW, Batch, changed, named, rewritten, stays

PEOPLE = re.compile(rb'"reference":"Patient/[A-Za-z0-9\-.]{1,64}"')
UNTOLD = frozenset({"Provenance", "AuditEvent"})  # they say what was done, whoever's it is


@dataclass(frozen=True, slots=True)
class Since:
    """What was written for the one that stands after the joining; `fixed`: it was signed or booked, and stays."""

    reference: str
    version: int
    fixed: bool


def written_since(store: Store, actor: Actor, purpose: Purpose, id: str) -> list[Since]:
    """What a parting leaves with the target unless it is given. Raises Forbidden, Missing."""
    check_may_join(actor, purpose)
    one = joining(store, id)
    with store.readers.one() as reader, reader.snapshot():
        t = joined.transaction_of(reader, one.target, one.versions["target-after"])
        found = reader.of_rows(joined.since(reader, one.target, one.source, t), None)
    return [Since(each.reference, each.version, stays(each)) for each in found if each.type not in UNTOLD]


def part(store: Store, actor: Actor, purpose: Purpose, id: str, reason: str, give: Collection[str] = ()) -> Joining:
    """Undo a joining. `give`: references of what was written since and goes with the source.

    Raises Forbidden, Missing, Invalid (no reason, given what was not written since), Conflict (it is not joined, the
    target was itself joined into another, or what is given was signed).
    """
    check_may_join(actor, purpose)
    check_reason(reason)
    one, house = joining(store, id), Acting(store, actor, purpose)
    if one.stage == JOINED:
        check_given(written_since(store, actor, purpose, id), give)

    def work(desk: Desk) -> Joining:
        desk.joins = True
        return begin(desk, id, reason.strip(), sorted(give))

    what = f"Patient/{one.source} from Patient/{one.target}: {reason.strip()}"
    return carry_on(house, house.do("part", what, ("Patient", "Task"), work))


def check_given(since: list[Since], give: Collection[str]) -> None:
    fixed = {one.reference: one.fixed for one in since}
    for reference in give:
        if reference not in fixed:
            raise Invalid(f"{reference[:100]} was not written since the joining: give what was", path="give")
        if fixed[reference]:
            raise Conflict(f"{reference} was signed or booked for the one that stands: it stays there", path="give")


def begin(desk: Desk, id: str, reason: str, give: list[str]) -> Joining:
    """The first transaction: the two Patients stand by themselves again."""
    task = current(desk, f"Task/{id}")
    one = joining_of(task)
    if one.stage == PARTING:
        return one
    if one.stage != JOINED:
        raise Conflict(f"Patient/{one.source} is not joined, its joining is {one.stage}: look again", path="status")
    source, target = (current(desk, f"Patient/{each}") for each in (one.source, one.target))
    check_stand(target)
    old = [int(each["meta"]["versionId"]) for each in (source, target)]
    made = [put(desk, back) for back in (alone(desk, one, "source", source), alone(desk, one, "target", target))]
    rows = [joined.row_of(desk, each) for each in (one.source, one.target)]
    joined.give_back(desk, rows, one.source, one.target, begun_at(desk, one))
    inputs = [{"type": coded(STAGES, GIVEN), "valueReference": {"reference": each}} for each in give]
    note = {"authorReference": acting.by(desk), "time": made[0]["meta"]["lastUpdated"], "text": reason}
    told = staged(task, PARTING) | {"input": [*task["input"], *inputs], "note": [*task.get("note", []), note]}
    one = replace(joining_of(put(desk, told)), reason=reason)
    pairs = zip(made, old, strict=True)
    moved = [Moved(f"Patient/{p['id']}", was, int(p["meta"]["versionId"]), PATIENT) for p, was in pairs]
    settle_parted(desk, one.source, one.target)
    prove(desk, one, "part", moved)
    return one


def alone(desk: Desk, one: Joining, side: str, now: Resource) -> Resource:
    """A Patient without what the joining changed."""
    before, after = (at_version(desk, now["id"], one.versions[f"{side}-{when}"]) for when in ("before", "after"))
    meta: Resource = now["meta"]
    others = [each for each in meta.get("extension", []) if each.get("url") != joined.URL]
    kept = {name: value for name, value in meta.items() if name != "extension"}
    return undone(before, after, now) | {"meta": kept | ({"extension": others} if others else {})}


def at_version(desk: Desk, id: str, number: int) -> Resource:
    """What a Patient said at a version. Raises Gone where that was erased."""
    found: Resource = desk.at_version("Patient", id, number).json()
    return found


def carry_on(house: Acting, one: Joining) -> Joining:
    """Bring back what was moved, and end it."""
    what, moved, left = f"Patient/{one.source}", moved_in(house.store, one.id), []
    while some := list(islice(moved, FEW)):
        wanted = [(each, was(house.store, each)) for each in some if each.how == REWRITTEN]
        left += house.do("part", what, (), partial(restore, one=one, wanted=wanted)).left
    for each in people_of(house.store, one.source):
        after: int | None = 0
        while after is not None:
            batch = house.do("part", what, (), partial(unmark, one=one, whose=each, after=after))
            left, after = left + batch.left, batch.last or None
    left += house.do("part", what, (), lambda desk: hand_over(desk, one)).left
    return house.do("part", f"Task/{one.id}", ("Task",), lambda desk: end(desk, one, len(left)))


def people_of(store: Store, source: str) -> list[str]:
    """The source, and who was joined into it before: what is marked for them names neither it nor the target."""
    with store.readers.one() as reader, reader.snapshot():
        return joined.people(reader, source)


def begun_at(desk: Desk, one: Joining) -> int:
    """The transaction from which on the two were one."""
    return joined.transaction_of(desk, one.target, one.versions["target-after"])


def was(store: Store, moved: Moved) -> bytes:
    """A body before it was moved; empty where it was erased."""
    type, _, id = moved.reference.partition("/")
    with store.readers.one() as reader:
        found = reader.at(type, id, moved.before, None)
    return found.body if found else b""


def restore(desk: Desk, one: Joining, wanted: list[tuple[Moved, bytes]]) -> Batch:
    """Let what was written anew name the source again, wherever it did; what else was changed since stays."""
    found = {row: body for moved, body in wanted if body and (row := standing_row(desk, moved.reference))}
    done = changed(desk, list(found), lambda version: (returned(version, found, desk, one), REWRITTEN))
    return brought(desk, one, done, [moved.reference for moved, _ in wanted])


def brought(desk: Desk, one: Joining, done: Batch, references: Iterable[str]) -> Batch:
    """Write down what came back; its past versions came back with it, of what was deleted since too."""
    back = [row for each in references if each not in done.left and (row := row_at(desk, each))]
    joined.give_back(desk, back, one.source, one.target, begun_at(desk, one))
    if done.moved:
        prove(desk, one, "part", done.moved)
    return done


def row_at(desk: Desk, reference: str) -> int:
    """The row of what stands or stood there; 0 for nothing."""
    standing = desk.standing(*reference.split("/"))
    return standing.row if standing else 0


def standing_row(desk: Desk, reference: str) -> int:
    """The row of what stands there; 0 for nothing."""
    type, _, id = reference.partition("/")
    standing = desk.standing(type, id)
    return standing.row if standing and standing.alive else 0


def returned(version: Version, found: dict[int, bytes], desk: Desk, one: Joining) -> bytes:
    """The body of now, naming the people that it named before, one after the other; whom somebody named since stays.
    Raises Conflict where it names more or fewer of them now, so that nobody can tell which was which."""
    before = found[standing_row(desk, version.reference)]
    old, now = PEOPLE.findall(before), PEOPLE.findall(version.body)
    if named(one.target) not in before:
        return rewritten(version.body, one.target, one.source)
    if len(old) != len(now):
        raise Conflict(f"{version.reference} names other people than before: look at it yourself")
    names = iter(old)
    return PEOPLE.sub(
        lambda each: then if each[0] in (then := next(names), named(one.target)) else each[0], version.body
    )


def unmark(desk: Desk, one: Joining, whose: str, after: int) -> Batch:
    """Take the mark off what was never written anew, the next few: nobody stands for the source any more."""
    rows = joined.shared(desk, whose, one.target, after, FEW)
    done = changed(desk, rows, lambda version: (version.body, MARKED))
    return brought(desk, one, done, [each.reference for each in done.moved])


def hand_over(desk: Desk, one: Joining) -> Batch:
    """What was written since, and goes with the source."""
    rows = [row for each in one.given if (row := standing_row(desk, each))]
    done = changed(desk, rows, lambda version: (rewritten(version.body, one.target, one.source), REWRITTEN))
    return brought(desk, one, done, [each.reference for each in done.moved])


def end(desk: Desk, one: Joining, left: int) -> Joining:
    """`left`: how many could not be brought back (they were signed since, say) and stay with the target."""
    task = current(desk, f"Task/{one.id}")
    if joining_of(task).stage != PARTING:
        return joining_of(task)
    told = [each for each in task.get("output", []) if acting.code_in(each["type"], STAGES) != "left"]
    if left:
        told.append({"type": coded(STAGES, "left"), "valueInteger": left})
    return joining_of(put(desk, staged(task, PARTED) | {"output": told}))
