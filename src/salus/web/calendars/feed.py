"""One's own calendar: the address that a phone follows, a new one, none any more; and one visit to take along."""

from hashlib import sha256

from starlette.responses import Response

from salus.base import clock
from salus.base.settings import Settings
from salus.privacy import Role
from salus.services.appointments.calendars import calendar
from salus.services.appointments.feeds import Feeds
from salus.services.appointments.video import link_of
from salus.web.telling.bookings import coming
from salus.web.visit import Visit

MEDIA = "text/calendar; charset=utf-8"


def house_of(visit: Visit) -> Feeds:
    desk = visit.desk
    return Feeds(desk.store, desk.settings.secret, desk.brochure, address_of(desk.settings))


def address_of(settings: Settings) -> str:
    """How the world calls this house; never as a request does, since what is made here is kept by others."""
    return settings.address.rstrip("/") or f"http://{settings.host}:{settings.port}"


def page(visit: Visit) -> Response:
    feeds, actor = house_of(visit), visit.who.actor
    token = feeds.current(actor)
    told = [one for one in feeds.visits(actor, visit.who.purpose) if link_of(one)]
    seen = [(coming(one, visit.desk.brochure.clinics(), clock.now(), visit.language), link_of(one)) for one in told]
    return visit.page(
        "calendars/calendar.html",
        address=f"{feeds.address}/calendar/{token}.ics" if token else "",
        calls=[(one, link) for one, link in seen if one.is_to_come],
    )


def begin(visit: Visit) -> Response:
    """A new address; the old one leads nowhere from now on."""
    house_of(visit).begin(visit.who.actor, visit.who.purpose, visit.language)
    return visit.go("/calendar")


def end(visit: Visit) -> Response:
    house_of(visit).end(visit.who.actor, visit.who.purpose)
    return visit.go("/calendar")


def one(visit: Visit) -> Response:
    """One visit as a file. Raises Missing for another's as for none."""
    told = visit.records.read("Appointment", visit.path["id"]).json()
    reader = house_of(visit).reader(visit.who.actor.role is Role.PATIENT, visit.language)
    headers = {"Content-Disposition": 'attachment; filename="appointment.ics"'}
    return Response(calendar([told], reader, feed=False), media_type=MEDIA, headers=headers)


def feed(visit: Visit) -> Response:
    """A whole calendar, for whoever has its address; nothing where it has not changed."""
    body = house_of(visit).read(visit.path["token"])
    return kept(visit, body, sha256(body).hexdigest()[:32], MEDIA, {"Cache-Control": "private, max-age=300"})


def kept(visit: Visit, body: bytes, tag: str, media: str, headers: dict[str, str]) -> Response:
    """The answer, or that it has not changed. https://www.rfc-editor.org/rfc/rfc9110#name-if-none-match"""
    mark = f'W/"{tag}"'
    told = headers | {"ETag": mark}
    known = [one.strip() for one in visit.request.headers.get("if-none-match", "").split(",")]
    if mark in known or "*" in known:
        return Response(status_code=304, headers=told)
    return Response(body, media_type=media, headers=told)
