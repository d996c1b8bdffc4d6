"""The assistant's panel: suggestions, and the clinician's answer to each."""

from collections.abc import Callable
from typing import Any

from starlette.responses import Response

from salus import codes
from salus.assistants.answers import REASONS, Said
from salus.assistants.suggestion import Claim, Name, Suggestion, why_not
from salus.base.errors import Invalid, Missing
from salus.base.words import words_of
from salus.privacy import Role
from salus.web.chart import dossier, shared
from salus.web.telling.cards import Figure, entries
from salus.web.visit import Visit


def panel(visit: Visit) -> Response:
    """All suggestions for a patient: the part that the chart loads, or a page of its own without scripts."""
    told = visit.desk.bedside.suggestions(visit.records, visit.path["id"], visit.language)
    if visit.by_htmx:
        return visit.page("suggestions.html", suggestions=told, **forms(visit))
    return visit.page("assistant.html", **shared(dossier(visit)), suggestions=told, **forms(visit))


def forms(visit: Visit) -> dict[str, Any]:
    """What the answer forms offer; only a clinician answers."""
    said = words_of("salus.assistants")
    return {
        "patient": visit.path["id"],
        "may_answer": visit.who.actor.role is Role.CLINICIAN,
        "reasons": [(code, said(f"reason.{code}", visit.language)) for code in REASONS],
        "conditions": sorted(codes.CONDITIONS.values(), key=lambda term: term.name(visit.language)),
        "why_not": why_not,
        "qualities": qualities(visit.desk.bedside.models(), visit.language),
        "changeable": {one.name for one in visit.desk.bedside.deployed() if one.task.features.changeable},
        "fault": "",
        "wanted": "",
        "acted": False,  # then the focus goes to what can be done next, not to the top of the page
    }


def qualities(models: list[dict[str, Any]], language: str) -> dict[str, Figure]:
    """name/version -> the chief figure that was measured of it."""
    return {f"{one.name}/{one.version}": one.chief for one in entries(models, language) if one.chief}


def otherwise(visit: Visit) -> Response:
    """What would have to be measured otherwise for the model to say otherwise. It is no advice, and says so."""
    bedside, identity = visit.desk.bedside, visit.path["suggestion"]
    told = [one[visit.language] for one in bedside.alternatives(visit.records, identity)]
    shown = bedside.find(visit.records, identity)
    return visit.page("otherwise.html", **shared(dossier(visit)), told=told, suggestion=shown)


def answer(visit: Visit) -> Response:
    """Store accept, change or refuse, and show the suggestion as it stands then; a form half filled comes back."""
    form = visit.form
    verdict = form.get("verdict", "")

    def act() -> None:
        said = Said(
            verdict,  # type: ignore[arg-type]  # what is no verdict is refused
            form.get("reason", ""),
            form.get("comment", ""),
            claim(form.get("to", "")),
        )
        visit.desk.bedside.answer(visit.records, visit.path["suggestion"], said)

    return acted(visit, act, verdict)


def undo(visit: Visit) -> Response:
    """Take the answer back."""
    return acted(visit, lambda: visit.desk.bedside.undo(visit.records, visit.path["suggestion"]), "")


def acted(visit: Visit, act: Callable[[], object], verdict: str) -> Response:
    """Do it and show the suggestion again; with what is wrong beside the form when the answer was incomplete."""
    fault = ""
    try:
        act()
    except Invalid:
        fault = visit.say(f"answer.wrong.{verdict}" if verdict in ("changed", "refused") else "answer.wrong")
    if not visit.by_htmx and not fault:
        return visit.go(f"/patients/{visit.path['id']}#s-{visit.path['suggestion']}")
    again = the_one(visit)
    context = forms(visit) | {"fault": fault, "wanted": verdict if fault else "", "acted": True}
    if visit.by_htmx:
        return visit.page("suggestion.html", 422 if fault else 200, suggestion=again, **context)
    return visit.page("assistant.html", 422, **shared(dossier(visit)), suggestions=[again], **context)


def the_one(visit: Visit) -> Suggestion:
    """The suggestion named in the address. Raises Missing when the assistant would not say it any more."""
    told = visit.desk.bedside.suggestions(visit.records, visit.path["id"], visit.language)
    found = next((one for one in told if one.id == visit.path["suggestion"]), None)
    if found is None:
        raise Missing("The record has changed since: the assistant says something else now. Load the chart again")
    return found


def claim(text: str) -> Claim | None:
    """What `system|code` of our tables claims; None for nothing we know.

    >>> claim("http://snomed.info/sct|44054006").name.zh, claim("")
    ('2型糖尿病', None)
    """
    system, _, code = text.partition("|")
    known = codes.tables.term(system, code)
    return Claim(system, code, Name(known.en, known.zh)) if known else None
