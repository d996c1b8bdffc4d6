"""The own record: results in plain words, medicines, allergies, visits, notes; all of it as a file."""

from starlette.responses import Response

from salus.base import clock
from salus.base.errors import Missing
from salus.web.chart import dossier_of
from salus.web.mine.house import called
from salus.web.services import own
from salus.web.telling import papers
from salus.web.telling.dossier import Dossier
from salus.web.telling.measures import Measure
from salus.web.visit import Visit

FIRST = 12  # results and visits that show at once
SIDES = {"H": "above", "HH": "above", "L": "below", "LL": "below"}


def record(visit: Visit) -> Response:
    """What is out of range first. Raises Missing for somebody without a record here."""
    found = own_dossier(visit)
    shown = len(found.results) if "results" in visit.query else FIRST
    return visit.page("mine/record.html", record=found, plain=plain, first=shown, seen=FIRST)


def own_dossier(visit: Visit) -> Dossier:
    """The record, as far as it is released."""
    return dossier_of(visit, own(visit))


def plain(one: Measure) -> str:
    """Where a value lies: `above`, `below` or `within` the range, `marked` by the laboratory, or nowhere known.

    >>> from salus.ui.charts import Band
    >>> plain(Measure("2823-3", "Potassium", "2026-11-20", 6.8, "", "mmol/L", Band(3.5, 5.1), "HH", "", ""))
    'above'
    """
    if one.flag:
        return SIDES.get(one.flag, "marked")
    return "within" if one.band.edges and one.value is not None else "open"


def trend(visit: Visit) -> Response:
    """One measurement over time. Raises Missing when it was never made."""
    found = own_dossier(visit)
    code = visit.path["code"]
    if code not in found.trends:
        raise Missing(f"There is no measurement with the code {code[:40]} in your record")
    return visit.page("mine/trend.html", record=found, trend=found.trends[code], plain=plain)


def visits(visit: Visit) -> Response:
    """Everything that happened, in words."""
    return visit.page("mine/visits.html", record=own_dossier(visit))


def notes(visit: Visit) -> Response:
    """The notes about this patient, the latest first, each by whom it was signed."""
    found = (version.json() for version in visit.records.compartment(own(visit), papers.TYPES))
    return visit.page("mine/papers.html", papers=papers.papers(found, visit.language), called=called(visit))


def download(visit: Visit) -> Response:
    """All that is stored of the patient, as one FHIR Bundle. https://hl7.org/fhir/R4/bundle.html"""
    found = visit.records.compartment(own(visit))
    if not found:
        raise Missing("There is no record of yours here yet")
    base = f"{visit.request.base_url}fhir"
    entries = (b'{"fullUrl":"%s","resource":%s}' % (f"{base}/{one.reference}".encode(), one.body) for one in found)
    at = clock.instant(clock.now()).encode()
    bundle = b'{"resourceType":"Bundle","type":"collection","timestamp":"%s","entry":[%s]}' % (at, b",".join(entries))
    named = {"content-disposition": 'attachment; filename="my-record.json"'}
    return Response(bundle, headers=named, media_type="application/fhir+json")
