"""Orders of one patient: what stands, a new one screened before it is signed, stopping and undo; and how often each
rule of the screen is overridden."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from salus.assistants.treatment.drafting import LONGEST, PERIODS, UNITS, Written, draft, names, typed
from salus.assistants.treatment.options import telling
from salus.assistants.treatment.options.alternatives import estimates_of, instead, spoken_of
from salus.assistants.treatment.overrides import REASONS
from salus.assistants.treatment.prescribing import Told
from salus.assistants.treatment.screen.orders import ROUTES, medicine_of
from salus.base.errors import Conflict, Invalid
from salus.base.words import words_of
from salus.privacy import Role
from salus.services.pharmacy.reviews import resubmit
from salus.services.pharmacy.rules import REFUSALS
from salus.web import stays
from salus.web.acting import acting
from salus.web.chart import dossier, shared
from salus.web.procedures import listed
from salus.web.telling import courses, terms
from salus.web.visit import Visit


def listing(visit: Visit) -> Response:
    """The orders that stand, and the form for a new one or for one in draft."""
    waiting = {one["id"]: one for one in visit.desk.prescribing.drafts(visit.records, visit.path["id"])}
    if (draft_id := visit.query.get("draft", "")) in waiting:
        return whole(visit, NOTHING, filled(waiting[draft_id]))
    if (before := refused(visit).get(visit.query.get("correct", ""))) is not None:
        return whole(visit, NOTHING, refilled(before))
    chosen = visit.query.get("medicine", "")[:LONGEST]  # an option of a guideline leads here
    return whole(visit, NOTHING, {"medicine": chosen} if chosen else {})


NOTHING: dict[str, Any] = {"told": None, "faults": {}, "spoken": [], "instead": []}


def filled(waiting: Mapping[str, Any]) -> dict[str, str]:
    """The form of an order in draft: its medicine; how much of it is still to be said."""
    return {"draft": waiting["id"], "medicine": str(medicine_of(waiting).get("text", ""))[:LONGEST]}


def refused(visit: Visit) -> dict[str, dict[str, Any]]:
    """The orders that a pharmacist sent back, by id."""
    standing = visit.desk.prescribing.orders(visit.records, visit.path["id"])
    return {one["id"]: one for one in standing if one["status"] == "on-hold"}


def refilled(before: Mapping[str, Any]) -> dict[str, str]:
    """The form of an order that is to be corrected: all that it says in one dosage."""
    form = {"correct": before["id"], "medicine": str(medicine_of(before).get("text", ""))[:LONGEST]}
    return form | typed(next(iter(before.get("dosageInstruction", [])), {}))


def why_on_hold(visit: Visit, order: Mapping[str, Any]) -> str:
    """Why an order is on hold, in words; "" for one that is not."""
    why = order.get("statusReason", {}) if order.get("status") == "on-hold" else {}
    code = terms.code(why)
    named = visit.say(f"refusal.{code}") if code in REFUSALS else ""
    return ("：" if visit.language == "zh" else ": ").join(filter(None, (named, why.get("text", ""))))


def whole(
    visit: Visit,
    found: dict[str, Any],
    form: Mapping[str, str],
    undecided: bool = False,
    besides: Mapping[str, Any] | None = None,
    status: int = 0,
) -> Response:
    """The whole page; `form`: what was typed, so that nothing has to be typed twice; `besides`: of the procedures'."""
    id, stopped = visit.path["id"], visit.query.get("stopped", "")
    standing = visit.desk.prescribing.orders(visit.records, id)
    rows = [(one["id"], courses.medicine(one, visit.language), why_on_hold(visit, one)) for one in standing]
    drafts = visit.desk.prescribing.drafts(visit.records, id)
    waiting = [(one["id"], courses.medicine(one, visit.language)) for one in drafts]
    told = {"standing": rows, "waiting": waiting, "form": form, "undecided": undecided, "stopped": stopped}
    context = offered(visit) | found | told | {"stays": stays.of_patient(visit, id)}
    context["costs"] = stays.of_form(visit, id, form) if context["stays"] else []
    context |= listed.parts(visit) | dict(besides or {})
    return visit.page("orders.html", status or status_of(found, undecided), **shared(dossier(visit)), **context)


def status_of(found: dict[str, Any], undecided: bool) -> int:
    return 422 if found["faults"] or undecided else 200


def offered(visit: Visit) -> dict[str, Any]:
    """What the form offers; only a clinician orders."""
    say = words_of("salus.assistants.treatment")
    return {
        "patient": visit.path["id"],
        "goes_on": f"/patients/{visit.path['id']}/orders",  # where the form goes when it was screened
        "may_order": visit.who.actor.role is Role.CLINICIAN,
        "names": names(visit.language),
        "units": UNITS,
        "periods": PERIODS,
        "routes": [(route, say(f"route.{route}", visit.language)) for route in dict.fromkeys(ROUTES.values())],
        "reasons": [(code, say(f"override.{code}", visit.language)) for code in REASONS],
        "says": telling,
    }


def check(visit: Visit) -> Response:
    """Screen what the form says, and store nothing: the part under the form, or the whole page without scripts."""
    return answered(visit, screened(visit))


def ordered(visit: Visit) -> dict[str, Any]:
    """What the form says, in the place of the draft that it was opened with. Raises Invalid."""
    waiting = {one["id"]: one for one in visit.desk.prescribing.drafts(visit.records, visit.path["id"])}
    before = waiting.get(visit.form.get("draft", ""), {})
    made = draft(Written.of(visit.form), visit.path["id"], visit.who.actor.reference, before.get("id", ""))
    kept = {name: before[name] for name in ("instantiatesCanonical",) if name in before}
    return made | kept | corrected(refused(visit).get(visit.form.get("correct", "")))


def corrected(before: Mapping[str, Any] | None) -> dict[str, Any]:
    """What an order takes over from the one in whose place it is written."""
    if before is None:
        return {}
    kept = {name: before[name] for name in ("groupIdentifier", "encounter") if name in before}
    return kept | {"priorPrescription": {"reference": f"MedicationRequest/{before['id']}"}}


def screened(visit: Visit) -> dict[str, Any]:
    """What the layers tell about the form, or what is wrong with the form by field."""
    try:
        order = ordered(visit)
    except Invalid as error:
        return NOTHING | {"faults": {one.path: visit.say(f"order.wrong.{one.path}") for one in error.issues}}
    card, reference = (
        visit.desk.treatment.ordering(visit.records, visit.path["id"], [order]),
        f"MedicationRequest/{order['id']}",
    )
    spoken = [(one, estimates_of(card, one, mine)) for one, mine in spoken_of(card, [reference])]
    return NOTHING | {"told": card.told, "spoken": spoken, "instead": instead(card, reference)}


def answered(visit: Visit, found: dict[str, Any], undecided: bool = False) -> Response:
    """The part under the form for a browser with scripts, else the whole page."""
    if not visit.by_htmx:
        return whole(visit, found, visit.form, undecided)
    context = offered(visit) | found | {"undecided": undecided, "form": visit.form}
    return visit.page("screening.html", status_of(found, undecided), **context)


def sign(visit: Visit) -> Response:
    """Store the order; with a reason for each cause that interrupts, else it comes back with what is undecided."""
    found = screened(visit)
    if found["faults"]:
        return answered(visit, found)
    told, signed = visit.desk.prescribing.sign(
        visit.records, visit.path["id"], ordered(visit), reasons(visit, found["told"])
    )
    if not signed:
        return answered(visit, found | {"told": told}, undecided=True)
    if (before := visit.form.get("correct", "")) in refused(visit):
        visit.desk.prescribing.stop(visit.records, visit.path["id"], before)
    return onward(visit)


def reasons(visit: Visit, told: Told) -> dict[str, tuple[str, str]]:
    """id of a finding -> the reason and the words that were given for it."""
    ids = (told.id(one) for one in told.screening.findings)
    return {id: (visit.form.get(f"reason-{id}", ""), visit.form.get(f"comment-{id}", "")) for id in ids}


def onward(visit: Visit) -> Response:
    """Back to the orders, by whichever way the form came."""
    address = f"/patients/{visit.path['id']}/orders"
    if visit.by_htmx:
        return Response(status_code=204, headers={"HX-Redirect": address})
    return visit.go(address)


def stop(visit: Visit) -> Response:
    """Stop an order; the page that follows offers to undo it."""
    visit.desk.prescribing.stop(visit.records, visit.path["id"], visit.path["order"])
    return visit.go(f"/patients/{visit.path['id']}/orders?stopped={visit.path['order']}")


def discard(visit: Visit) -> Response:
    """Cancel an order in draft."""
    visit.desk.prescribing.discard(visit.records, visit.path["id"], visit.path["order"])
    return onward(visit)


def again(visit: Visit) -> Response:
    """Let a stopped order stand again."""
    visit.desk.prescribing.stop(visit.records, visit.path["id"], visit.path["order"], again=True)
    return onward(visit)


def stand_by(visit: Visit) -> Response:
    """Send a refused order to the pharmacist again as it is, with why."""
    if visit.path["order"] not in refused(visit):
        raise Conflict(f"MedicationRequest/{visit.path['order'][:64]} is not on hold: load the page again")
    who = acting(visit)
    resubmit(who, visit.path["order"], visit.form.get("words", ""))
    return onward(visit)


def take_back(visit: Visit) -> Response:
    """Undo an override: the cause asks for a decision again."""
    visit.desk.prescribing.take_back(visit.records, visit.path["issue"])
    return onward(visit)


def burden(visit: Visit) -> Response:
    """How often each rule was told and overridden, and what the rules are."""
    say = words_of("salus.assistants.treatment")
    knowledge = visit.desk.prescribing.shelf.knowledge()
    rules = {**knowledge.table.interactions, **knowledge.table.limits, **knowledge.table.allergies}
    rows = [
        {
            "rule": one.rule,
            "text": rules[one.rule].text(visit.language) if one.rule in rules else "",
            "told": one.told,
            "overridden": one.overridden,
            "share": one.share,
            "reasons": [(say(f"override.{code}", visit.language), count) for code, count in one.reasons.items()],
        }
        for one in visit.desk.prescribing.burden(visit.records)
    ]
    return visit.page("burden.html", rows=rows, knowledge=knowledge)
