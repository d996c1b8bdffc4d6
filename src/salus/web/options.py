"""The treatment card of one patient: each option with why, on whose word, what safety says and what is expected of it;
and the clinician's answer to each."""

from typing import Any

from starlette.responses import Response

from salus.assistants.treatment.drafting import names
from salus.assistants.treatment.options import Card, Said, telling
from salus.assistants.treatment.options.answers import LONGEST, REASONS
from salus.base.errors import Invalid
from salus.base.words import words_of
from salus.privacy import Role
from salus.web.chart import dossier, shared
from salus.web.visit import Visit


def listing(visit: Visit) -> Response:
    """The options, with the answers that stand."""
    return shown(visit, visit.desk.treatment.options(visit.records, visit.path["id"]))


def shown(visit: Visit, card: Card, fault: str = "", wanted: tuple[str, str] = ("", "")) -> Response:
    """The whole page; `fault`: what is wrong with an answer, `wanted`: the option and the verdict that it was."""
    say, done = (words_of(f"salus.assistants.{name}") for name in ("treatment", "treatment.behaviour"))
    context: dict[str, Any] = {
        "patient": visit.path["id"],
        "may_order": visit.who.actor.role is Role.CLINICIAN,
        "card": card,
        "shown": [one for one in card.pathways if one.state != "not"],
        "silent": [one for one in card.pathways if one.state == "not"],
        "says": telling,
        "did": lambda key, **slots: done(key, visit.language, **slots),
        "reasons": [(code, say(f"refusal.{code}", visit.language)) for code in REASONS],
        "names": names(visit.language),
        "longest": LONGEST,
        "fault": fault,
        "wanted": wanted,
        "signed": visit.query.get("signed", ""),
    }
    return visit.page("options.html", 422 if fault else 200, **shared(dossier(visit)), **context)


def answer(visit: Visit) -> Response:
    """Store the answer. What is to be ordered opens in the order form, where it is screened and signed."""
    form, key = visit.form, visit.form.get("option", "")
    verdict = form.get("verdict", "")
    try:
        said = Said(verdict, form.get("reason", ""), form.get("comment", ""), form.get("medicine", ""))  # type: ignore[arg-type]  # what is no verdict is refused
        given = visit.desk.treatment.answer(visit.records, visit.path["id"], key, said)
    except Invalid:
        fault = visit.say(f"options.wrong.{verdict}" if verdict in ("changed", "refused") else "options.wrong")
        return shown(visit, visit.desk.treatment.options(visit.records, visit.path["id"]), fault, (key, verdict))
    if given.order:
        return visit.go(f"/patients/{visit.path['id']}/orders?draft={given.order.partition('/')[2]}#new-h")
    return back(visit)


def undo(visit: Visit) -> Response:
    """Take an answer back; its order is cancelled while it is a draft."""
    visit.desk.treatment.undo(visit.records, visit.path["id"], visit.form.get("option", ""))
    return back(visit)


def back(visit: Visit) -> Response:
    return visit.go(f"/patients/{visit.path['id']}/options#{visit.form.get('mark', '')[:200]}")
