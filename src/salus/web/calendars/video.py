"""The door of a video visit: when it opens, who is there, what to look at before; and the way in, at its time."""

from starlette.responses import Response

from salus.base import clock
from salus.privacy import Role
from salus.services.appointments.booking import patient_of
from salus.services.appointments.video import Call, enter, with_room
from salus.web.telling.bookings import coming
from salus.web.telling.person import person
from salus.web.visit import Visit

HINTS = ("camera", "microphone", "light", "browser")


def page(visit: Visit) -> Response:
    """Raises Missing for no such visit, and for who does not take part."""
    who, settings = visit.who, visit.desk.settings
    found = enter(visit.desk.store, who.actor, who.purpose, visit.path["token"])
    found = with_room(found, settings.video, settings.secret)
    one = coming(found.booking, visit.desk.brochure.clinics(), clock.now(), visit.language)
    zone = one.start.tzinfo
    return visit.page(
        "calendars/video.html",
        call=found,
        one=one,
        other=other(visit, found, one.doctor),
        opens=found.opens.astimezone(zone),
        closes=found.closes.astimezone(zone),
        hints=HINTS,
        server=bool(settings.video),
    )


def other(visit: Visit, found: Call, doctor: str) -> str:
    """Whom one meets: the doctor or, for the doctor, the patient; nobody by name in a group."""
    if visit.who.actor.role is Role.PATIENT:
        return doctor
    patient = patient_of(found.booking).partition("/")[2]
    if not patient:
        return ""
    return person(visit.records.read("Patient", patient).json(), visit.language, visit.today).name
