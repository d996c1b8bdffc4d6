"""Notices to the patient, with where each leads; and which of them somebody wants none of."""

from collections.abc import Mapping

from starlette.responses import Response

from salus.base.errors import Invalid
from salus.places.minors import law
from salus.services.looking import looked_up
from salus.services.reminders.choice import choose, refused_by
from salus.services.reminders.facts import WORDS
from salus.services.reminders.guardians import let, named_by
from salus.services.reminders.notices import Notice, mark_all_read, notices_of
from salus.services.reminders.occasions import KINDS
from salus.web.services import own
from salus.web.telling.person import person
from salus.web.visit import Visit

# what a notice leads to -> the page of what it is about
PAGES: Mapping[str, str] = {
    "booking": "/mine/appointments/{id}",
    "find": "/mine/find?service={service}",
    "offer": "/mine/waiting/{id}",
    "waiting": "/mine/waiting/{id}",
    "bill": "/mine/bills/{id}",
    "result": "/mine/record",
}


def listing(visit: Visit) -> Response:
    """The latest first; what was not read is marked."""
    patient = f"Patient/{own(visit)}"
    return visit.page(
        "mine/inbox.html",
        notices=[(one, address(one)) for one in notices_of(visit.records, patient)],
        kinds=[(kind, WORDS(f"kind.{kind}", visit.language)) for kind in KINDS],
        refused=refused_by(visit.records, patient),
        saved="saved" in visit.query,
        people=people(visit),
        told="told" in visit.query,
    )


def people(visit: Visit) -> list[tuple[str, str, bool]]:
    """Whom a grown-up patient may let be told: the id, the name, and whether they are."""
    own_record = looked_up(visit.records, f"Patient/{own(visit)}")
    named = named_by(visit.records, own_record, law(visit.desk.settings.country))
    return [(one["id"], person(one, visit.language, visit.today).name, said) for one, said in named]


def share(visit: Visit) -> Response:
    """Keep who else is told. Raises Invalid for a form without anybody of ours."""
    if "people" not in visit.form:
        raise Invalid("The form is not that of the page: load it again", path="people")
    for id, _, said in people(visit):
        wanted = f"person-{id}" in visit.form
        if wanted != said:
            who, patient, country = visit.who, f"Patient/{own(visit)}", visit.desk.settings.country
            let(visit.desk.store, who.actor, who.purpose, patient, f"RelatedPerson/{id}", wanted, law(country))
    return visit.go("/mine/inbox?told#people")


def address(one: Notice) -> str:
    """Where a notice leads; nowhere for one that only tells.

    >>> from datetime import datetime
    >>> address(Notice("1", "bill", "bill", "", "", datetime.max, "Invoice/7", "", "bill", None))
    '/mine/bills/7'
    """
    id, service = (name.partition("/")[2] for name in (one.about, one.service))
    page = PAGES.get(one.leads, "")
    return page.format(id=id, service=service) if (service if one.leads == "find" else id) else ""


def read(visit: Visit) -> Response:
    """All were read."""
    mark_all_read(visit.desk.store, visit.who.actor, visit.who.purpose, f"Patient/{own(visit)}")
    return visit.go("/mine/inbox")


def prefer(visit: Visit) -> Response:
    """Keep which kinds are wanted. Raises Invalid for a form without any kind of ours."""
    if "kinds" not in visit.form:
        raise Invalid("The form is not that of the page: load it again", path="kinds")
    patient = f"Patient/{own(visit)}"
    refused = refused_by(visit.records, patient)
    for kind in KINDS:
        wanted = f"kind-{kind}" in visit.form
        if wanted == (kind in refused):
            choose(visit.desk.store, visit.who.actor, visit.who.purpose, patient, kind, wanted)
    return visit.go("/mine/inbox?saved#kinds")
