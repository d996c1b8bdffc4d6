"""Similar cases with reasons, and what it may be: asked by findings or words in either language, or by a patient's
open problems."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

from starlette.responses import Response

from salus import codes
from salus.assistants.cases.differential import Differential, differential
from salus.assistants.cases.library import Library, library_of
from salus.assistants.cases.patient import query_of_patient
from salus.assistants.cases.query import Filters, Query
from salus.base.errors import Invalid
from salus.codes.tables import SYSTEMS
from salus.web.chart import dossier, shared
from salus.web.visit import Visit

SEXES = ("female", "male", "other", "unknown")
SHOWN = 10
LONGEST = 2000  # characters of a question


@dataclass(frozen=True, slots=True)
class Form:
    """What was typed, as it was typed."""

    find: str = ""
    sex: str = ""
    low: str = ""
    high: str = ""
    since: str = ""
    until: str = ""
    institution: str = ""

    @property
    def narrowed(self) -> bool:
        return any((self.sex, self.low, self.high, self.since, self.until, self.institution))


@lru_cache(4)
def opened(store: Path | str) -> Library:
    """Kept open: its segments are read once."""
    return library_of(store)


def library(visit: Visit) -> Library:
    return opened(visit.desk.settings.store)


def listing(visit: Visit) -> Response:
    """The page to ask at, with what was found. A field that cannot be read is said, and nothing is searched."""
    form = Form(**{name: visit.query.get(name, "").strip()[:LONGEST] for name in Form.__slots__})
    here = library(visit)
    query = here.ask(form.find) if form.find else Query()
    return shown(visit, form, query)


def of_patient(visit: Visit) -> Response:
    """Cases like a patient's open problems; nothing of the patient stands in an address."""
    query = query_of_patient(visit.records, visit.path["id"], library(visit).terms)
    return shown(visit, Form(), query, patient=visit.path["id"])


def shown(visit: Visit, form: Form, query: Query, patient: str = "") -> Response:
    here, fault = library(visit), ""
    filters = Filters()
    try:
        filters = chosen(form)
    except ValueError:
        fault = visit.say("cases.wrong")
    hits = here.search(query, filters, SHOWN) if query and not fault else None
    context: dict[str, Any] = {
        "form": form,
        "patient": patient,
        "query": query,
        "hits": hits,
        "ranked": ranked(here, query, filters) if query.concepts() and not fault else None,
        "fault": fault,
        "held": len(here),
        "institutions": here.institutions(),
        "sexes": SEXES,
        "name": naming(here, visit.language),
        "chinese": bool(here.terms.chinese),
    }
    around = shared(dossier(visit)) if patient else {}
    return visit.page("cases.html", 422 if fault else 200, **around, **context)


def ranked(here: Library, query: Query, filters: Filters) -> Differential | None:
    """The ranking, where a finding of the ontology was understood; by codes alone knowledge says nothing."""
    if not any(one.startswith("HP:") for one in query.concepts()):
        return None
    try:
        return differential(here, query, filters, SHOWN)
    except Invalid:
        return None


def chosen(form: Form) -> Filters:
    """Raises ValueError for what is no age or date, or no sex that we know."""
    if form.sex not in ("", *SEXES):
        raise ValueError(form.sex)
    low, high = (float(one) if one else None for one in (form.low, form.high))
    since, until = (date.fromisoformat(one) if one else None for one in (form.since, form.until))
    return Filters((low, high), form.sex or None, (since, until), form.institution or None)  # type: ignore[arg-type]  # looked at above


def naming(here: Library, language: str) -> Callable[[str], str]:
    """What a concept is called in the reader's language."""

    def name(concept: str) -> str:
        system, _, code = concept.partition("//")
        if code:
            return codes.name(SYSTEMS.get(system, system), code, language) or f"{system} {code}"
        return here.terms.name(concept, language)

    return name
