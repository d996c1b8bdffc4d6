"""Similar cases with reasons, and what it may be: asked by findings or words in either language, or by a patient's
open problems."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

from starlette.responses import Response

from salus import codes
from salus.assistants.cases.case import Named
from salus.assistants.cases.casebook import Hits, Library, library_of
from salus.assistants.cases.differential import Differential, differential, fitting
from salus.assistants.cases.patient import query_of_patient
from salus.assistants.cases.query import Filters, Known, Query
from salus.base.errors import Invalid
from salus.codes.tables import SYSTEMS
from salus.web.chart import dossier, shared
from salus.web.visit import Visit

SEXES = ("female", "male", "other", "unknown")
SHOWN = 10
LEAST_ALIKE = 0.1  # of a case shown for a patient
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
    """Cases like a patient, and what may explain what no known diagnosis does; nothing of the patient stands in an
    address."""
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
    ranking = fitting(here, query, SHOWN) if patient else ranked(here, query, filters)
    context: dict[str, Any] = {
        "form": form,
        "patient": patient,
        "query": query,
        "hits": alike(hits) if patient and hits else hits,
        "ranked": None if fault else ranking,
        "fault": fault,
        "held": len(here),
        "institutions": here.institutions(),
        "sexes": SEXES,
        "name": naming(here, visit.language),
        "known": [called(one, here, visit.language) for one in query.known],
        "titled": lambda one: titled(one, visit.language),
        "beside": lambda one: called(one, here, visit.language),
        "chinese": bool(here.terms.chinese),
    }
    around = shared(dossier(visit)) if patient else {}
    return visit.page("cases.html", 422 if fault else 200, **around, **context)


def alike(hits: Hits) -> Hits:
    """Without cases that hardly are alike, or only say some of the same words."""
    near = (one for one in hits if one.alike >= LEAST_ALIKE and (one.reasons.shared or one.reasons.beside))
    return replace(hits, hits=tuple(near))


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


def called(known: Known, here: Library, language: str) -> str:
    """A known diagnosis in the reader's language where our tables or the loaded names have it, else as recorded."""
    first = known.code or known.concepts[0]
    name = naming(here, language)
    if known.code or not known.text:
        return name(first)
    chinese = (here.terms.chinese.get(one) for one in known.concepts if language == "zh")
    return next(filter(None, chinese), known.text)


def titled(named: Named, language: str) -> str:
    """A diagnosis or a treatment of a case: in the reader's language where its words are those of our tables."""
    system, _, code = named.code.partition("//")
    term = codes.term(system, code) if code else None
    same = term is not None and named.text in ("", term.name("en"), term.name("zh"))
    return term.name(language) if term is not None and same else named.text or named.code


def naming(here: Library, language: str) -> Callable[[str], str]:
    """What a concept is called in the reader's language."""

    def name(concept: str) -> str:
        system, _, code = concept.partition("//")
        if code:
            return codes.name(SYSTEMS.get(system, system), code, language) or f"{system} {code}"
        return here.terms.name(concept, language)

    return name
