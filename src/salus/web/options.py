"""What guidelines offer one patient: each pathway with its options, why, on whose word, and what safety says."""

from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from salus.assistants.treatment.guidelines.applying import Applied, Weighed, flat
from salus.assistants.treatment.guidelines.background import Background
from salus.assistants.treatment.guidelines.offers import Offered
from salus.assistants.treatment.guidelines.shelf import known_of, options, plans
from salus.assistants.treatment.guidelines.terms import terms
from salus.base.errors import SalusError
from salus.codes.terminology import Terminology
from salus.privacy import Role
from salus.web.chart import dossier, shared
from salus.web.visit import Visit


@dataclass(frozen=True, slots=True)
class Told:
    """A pathway as it is shown; `fault`: why it could not be applied, in the words of the error."""

    id: str
    title: str
    applied: Applied | None = None
    offered: tuple[Offered, ...] = ()
    fault: str = ""

    @property
    def state(self) -> str:
        return self.applied.state if self.applied else "fault"

    @property
    def not_now(self) -> list[Weighed]:
        """Options that do not apply, of a pathway that does."""
        every = flat(self.applied.actions) if self.applied and self.state == "applies" else []
        return [one for one in every if one.state == "not" and one.medicine is None]


def listing(visit: Visit) -> Response:
    """The pathways that apply first, then those that cannot be told; those that do not are named."""
    id = visit.path["id"]
    background = known_of(visit.records, id)
    terminology = terms(visit.records)
    found = [told(visit, plan, background, terminology) for plan in plans(visit.records)]
    context: dict[str, Any] = {
        "patient": id,
        "may_order": visit.who.actor.role is Role.CLINICIAN,
        "shown": sorted((one for one in found if one.state != "not"), key=lambda one: ORDER.index(one.state)),
        "silent": [one for one in found if one.state == "not"],
        "unread": background.unread,
    }
    return visit.page("options.html", **shared(dossier(visit)), **context)


ORDER = ("applies", "unknown", "fault")


def told(visit: Visit, plan: dict[str, Any], background: Background, terminology: Terminology) -> Told:
    """One pathway over the patient. A site's own that cannot be applied is told, and hides none of the others."""
    try:
        applied, offered = options(plan, background, visit.desk.prescribing, terminology)
    except SalusError as fault:
        return Told(plan["id"], plan.get("title", plan["id"]), fault=str(fault))
    return Told(plan["id"], applied.title.in_(visit.language), applied, tuple(offered))
