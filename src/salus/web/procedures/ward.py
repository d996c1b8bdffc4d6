"""Procedures on the order page of a patient: ordered in their stay, cancelled, ordered again."""

from starlette.responses import Response

from salus.base.errors import Invalid, Missing
from salus.services.billing.staying import under_way
from salus.services.procedures import ordering
from salus.web import orders
from salus.web.acting import acting
from salus.web.procedures import asking
from salus.web.procedures.listed import address
from salus.web.visit import Visit


def ask(visit: Visit) -> Response:
    """What fits, or the fields of the one chosen: a part of the order page, without scripts the page."""
    if visit.by_htmx:
        return asking.part(visit, address(visit.path["id"]), visit.path["id"])
    return orders.whole(visit, orders.NOTHING, {})


def sign(visit: Visit) -> Response:
    """Order it in the stay that goes on."""
    patient = visit.path["id"]
    going_on = under_way(visit.records, patient)
    if not going_on:
        raise Missing(f"Patient/{patient} has no stay that goes on: order it in a visit", path="stay")
    try:
        ordering.order(acting(visit), going_on[0], asking.asked(visit), visit.form.get("key", ""))
    except Invalid as error:
        return again(visit, error)
    return onward(visit)


def again(visit: Visit, error: Invalid) -> Response:
    patient = visit.path["id"]
    told = asking.mistaken(visit, address(patient), patient, error)
    if visit.by_htmx:
        return visit.page("procedures/new.html", 422, **told)
    return orders.whole(visit, orders.NOTHING, {}, besides=told, status=422)


def onward(visit: Visit, more: str = "") -> Response:
    place = f"/patients/{visit.path['id']}/orders{more}"
    if visit.by_htmx:
        return Response(status_code=204, headers={"HX-Redirect": place})
    return visit.go(place)


def cancel(visit: Visit) -> Response:
    """Before it was done; the page that follows offers to undo it."""
    ordering.cancel(acting(visit), own(visit))
    return onward(visit, f"?cancelled={visit.path['order']}")


def restore(visit: Visit) -> Response:
    ordering.again(acting(visit), own(visit))
    return onward(visit)


def own(visit: Visit) -> str:
    """The order in the address. Raises Missing for another patient's."""
    id, wanted = visit.path["order"], f"Patient/{visit.path['id']}"
    if not visit.records.search("ServiceRequest", [("_id", id), ("subject", wanted)]).versions:
        raise Missing(f"ServiceRequest/{id[:64]} is no order of this patient", path="order")
    return str(id)
