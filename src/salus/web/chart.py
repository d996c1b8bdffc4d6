"""The patient's chart: who it is, what happened, signs, results, problems, medicines, encounters."""

from typing import Any

from starlette.responses import Response

from salus.base.errors import Missing
from salus.web.telling.dossier import LATEST, TYPES, Dossier
from salus.web.telling.measures import Trend
from salus.web.visit import Visit

MOST_ROWS = 40
LANES = ("encounters", "ongoing", "past", "medicines", "results")


def dossier(visit: Visit) -> Dossier:
    """Everything of the patient named in the address. Raises Missing, Gone, or Forbidden for who may not read it."""
    return dossier_of(visit, visit.path["id"])


def dossier_of(visit: Visit, id: str) -> Dossier:
    """Everything of a patient. Raises as `dossier`."""
    patient = visit.records.read("Patient", id).json()
    resources = (version.json() for version in visit.records.compartment(id, TYPES))
    return Dossier(patient, resources, visit.language, visit.today)


def chart(visit: Visit) -> Response:
    """Of one whose record was joined into another, that one's."""
    if (led := visit.led(visit.path["id"])) != visit.path["id"]:
        return visit.go(f"/patients/{led}")
    since = visit.desk.store.last_transaction()  # before anything is read: what comes later is news
    found = dossier(visit)
    lanes = found.lanes({kind: visit.say(f"lane.{kind}") for kind in LANES})
    return visit.page(
        "chart.html",
        since=since,
        **shared(found),
        **filtered(visit, found),
        lanes=lanes,
        latest=found.happenings[:LATEST],
        older=len(found.happenings) - LATEST,
        most=MOST_ROWS,
    )


def shared(found: Dossier) -> dict[str, Any]:
    """What the identity banner needs on each page about one patient."""
    return {"record": found, "person": found.person}


def results(visit: Visit) -> Response:
    """The results table alone: what the filter above it asks for."""
    found = dossier(visit)
    return visit.page("results.html", **shared(found), **filtered(visit, found), most=None)


def filtered(visit: Visit, found: Dossier) -> dict[str, Any]:
    """The results whose name or code holds the words typed; only those out of range if so asked."""
    words, abnormal = visit.query.get("name", "").strip(), "abnormal" in visit.query
    rows = [trend for trend in found.results if matches(trend, words) and (trend.latest.flag or not abnormal)]
    return {"rows": rows, "words": words, "abnormal": abnormal}


def matches(trend: Trend, words: str) -> bool:
    return not words or words.casefold() in f"{trend.latest.name} {trend.latest.key}".casefold()


def history(visit: Visit) -> Response:
    """Everything that happened, in words."""
    found = dossier(visit)
    return visit.page("happenings.html", **shared(found), happenings=found.happenings)


def trend(visit: Visit) -> Response:
    """One measurement over time, drawn large and as a table. Raises Missing when it was never measured."""
    found = dossier(visit)
    code = visit.path["code"]
    if code not in found.trends:
        raise Missing(f"Patient/{visit.path['id']} has no measurement with the code {code}")
    return visit.page("trend.html", **shared(found), trend=found.trends[code])
