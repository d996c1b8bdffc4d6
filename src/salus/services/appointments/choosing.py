"""From what somebody chose, a service at a time, to the offer that may be booked."""

from collections.abc import Collection
from datetime import datetime, timedelta

from salus.base import clock
from salus.base.errors import Conflict, Malformed
from salus.records import Store
from salus.services.appointments.catalogue import service_of
from salus.services.appointments.finding import Offer, Service, find


def offered(
    store: Store, id: str, start: datetime, actor: str | None = None, moving: str | Collection[str] = ""
) -> tuple[Service, Offer]:
    """The service of that id, of this actor if it matters whose, with its offer that begins at `start`. What the
    bookings `moving` hold counts as free. Raises Missing, Malformed, and Conflict where nobody is free then."""
    service = narrowed(service_of(store, id, start, start + timedelta(days=1)), actor)
    offers = find(store, service, start, start + timedelta(seconds=1), most=1, moving=moving)
    if not offers:
        raise Conflict(f"Nobody is free at {clock.instant(start)}: ask $find again", path="start")
    return service, offers[0]


def narrowed(service: Service, actor: str | None) -> Service:
    """The service as this actor alone gives it. Raises Malformed for one who does not."""
    if actor is None:
        return service
    own = tuple(one for one in service.doctors if one.actor == actor)
    if not own:
        given = ", ".join(one.actor for one in service.doctors[:10])
        raise Malformed(f"{actor[:80]} does not give this service: {given}", path="actor")
    return Service(service.minutes, service.every, own, service.pools)
