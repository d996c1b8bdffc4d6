"""Hold a time, confirm it, move it, let it go, take it up again. Each form may be sent twice and is done once."""

from collections.abc import Callable
from datetime import UTC

from starlette.responses import Response

from salus.base.errors import Conflict, Gone
from salus.services.appointments.booking import Booking, Wish
from salus.services.appointments.groups import Groups
from salus.web.booking import choice_of, courses_of, desk_of, key_of, offer_of, undoing_of
from salus.web.mine import find
from salus.web.mine.appointments import address, body_of, coming_of, one, own_ones
from salus.web.services import own
from salus.web.visit import Visit

LONGEST_REASON = 500


def hold(visit: Visit) -> Response:
    """Hold a time for ten minutes, and let go what was held before: nobody keeps two."""
    chosen, key = choice_of(visit.form.get("at", "")), key_of(visit)
    visit.brochure.clinic(chosen.service)
    desk, patient, key = desk_of(visit), f"Patient/{own(visit)}", f"{key}:{visit.form['at']}"
    made = desk.before(key, patient, chosen.start)
    if made is None:
        try:
            offer, slots = offer_of(visit, chosen)
            made = desk.hold(Wish(key, patient, offer, f"HealthcareService/{chosen.service}", slots))
        except Conflict:
            made = desk.before(key, patient, chosen.start)  # pressed twice at once: the other press has it
    if made is None:
        return find.taken(visit, chosen.service)
    let_go(visit, desk, but=made["id"])
    return visit.go(address(made["id"]))


def let_go(visit: Visit, desk: Booking, but: str) -> None:
    for held in own_ones(visit):
        if held.state == "held" and held.id != but:
            desk.cancel(held.id)


def join(visit: Visit) -> Response:
    """Take a place in a group; who comes too late sees what else there is."""
    service = visit.form.get("service", "")
    visit.brochure.clinic(service)
    try:
        made = Groups(visit.desk.store, visit.who.actor, visit.who.purpose).join(
            visit.path["id"], f"Patient/{own(visit)}"
        )
    except Conflict:
        return find.taken(visit, service)
    return visit.go(f"{address(made['id'])}?done=booked")


def done(visit: Visit, status: str, act: Callable[[], object]) -> None:
    """Do it, unless it is done already: of two presses at once the second finds what the first did."""
    if body_of(visit)["status"] == status:
        return
    try:
        act()
    except Conflict:
        if body_of(visit)["status"] != status:
            raise


def confirm(visit: Visit) -> Response:
    """What was held is booked. What is too long to be read is said, and nothing typed is lost."""
    id, reason = visit.path["id"], visit.form.get("reason", "")
    if len(reason) > LONGEST_REASON:
        return one(visit, fault=visit.say("mine.reason.long", most=LONGEST_REASON), status=422)
    try:
        done(visit, "booked", lambda: desk_of(visit).confirm(id, reason))
    except Gone:
        return one(visit, status=410)
    return visit.go(f"{address(id)}?done=booked")


def cancel(visit: Visit) -> Response:
    """Let it go; of a series also those after it, or all that are to come."""
    id, scope, before = visit.path["id"], visit.form.get("scope", "one"), coming_of(visit)
    done(visit, "cancelled", lambda: courses_of(visit).cancel_all(id, scope))
    where = f"/mine/courses/{before.course}" if before.course and scope != "one" else address(id)
    return visit.go("/mine/find" if before.state == "held" else f"{where}?done=cancelled")


def restore(visit: Visit) -> Response:
    """Take up again what was let go by mistake, as long as nobody else has its time or place."""
    id = visit.path["id"]
    try:
        done(visit, "booked", lambda: courses_of(visit).restore(id))
    except Conflict:
        return one(visit, fault=visit.say("mine.restore.taken"), status=409)
    return visit.go(f"{address(id)}?done=restored")


def move(visit: Visit) -> Response:
    """Another time instead: the old one is let go only when the new one is had."""
    id, chosen = visit.path["id"], choice_of(visit.form.get("at", ""))
    before = coming_of(visit)
    if not before.can_move:
        return visit.go(address(id))
    if (before.start, before.doctor_id) != (chosen.start, chosen.actor.partition("/")[2]):
        try:
            offer, slots = offer_of(visit, chosen, f"Appointment/{id}")
            desk_of(visit).move(id, offer, slots)
        except Conflict:
            return find.taken(visit, chosen.service, moving=id)
    return visit.go(f"{address(id)}?done=moved")


def take_back(visit: Visit) -> Response:
    """The time before it was moved, while that is free; else the nearest to it that are. Pressed twice it is there."""
    id, before = visit.path["id"], coming_of(visit)
    if before.moved:
        try:
            undoing_of(visit).take_back(id)
        except Conflict:
            after = coming_of(visit)
            if after.start != before.moved.start:
                return find.gone(visit, after) if after.before else one(visit, visit.say("mine.back.late"), 409)
    elif visit.form.get("start") != before.start.astimezone(UTC).isoformat():
        return one(visit, visit.say("mine.back.late"), 409)
    return visit.go(f"{address(id)}?done=back")
