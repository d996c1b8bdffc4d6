"""Free times for everybody, where a site publishes them. https://github.com/smart-on-fhir/smart-scheduling-links"""

from starlette.responses import Response

from salus.base.errors import Missing
from salus.services.appointments.links import FRESH
from salus.web.calendars.feed import kept
from salus.web.visit import Visit

ANYBODY = {"Cache-Control": f"public, max-age={FRESH:.0f}", "Access-Control-Allow-Origin": "*"}


def file(visit: Visit) -> Response:
    """The manifest, or a file that it names. Raises Missing where nothing is published."""
    if not visit.desk.settings.publish_slots:
        raise Missing("This house publishes no free times: sign in to find one")
    found = visit.desk.links.file(visit.path["name"])
    return kept(visit, found.body, found.tag, found.media, ANYBODY)
