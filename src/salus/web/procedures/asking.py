"""What the form of a procedure shows and says, on the order page of a stay and on the page of a visit alike: first it
is found by words, code or pinyin initials, then it is said where, when, how soon and what for."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from salus import codes
from salus.base.errors import Invalid, Missing
from salus.base.ids import uuid7
from salus.codes import SITES
from salus.codes.tables import ICD9, SNOMED
from salus.services.procedures.catalogue import SIDES, orderable
from salus.services.procedures.orders import LONGEST, PRIORITIES, Asked
from salus.services.visits.finding import Hit, procedures_of
from salus.web.days import moment_of
from salus.web.stays import of_form
from salus.web.visit import Visit


@dataclass(frozen=True, slots=True)
class Chosen:
    """A procedure that was found; `sides`, `sites`: (code, name) of those it asks for."""

    code: str
    name: str
    kind: str
    sides: tuple[tuple[str, str], ...]
    sites: tuple[tuple[str, str], ...]


def hits(visit: Visit, text: str) -> list[Hit]:
    return procedures_of(visit.desk.store.folder).find(text, visit.language)


def chosen(visit: Visit, code: str) -> Chosen:
    """Raises Missing for a code that nobody has."""
    name = procedures_of(visit.desk.store.folder).named(ICD9, code, visit.language)
    if not name:
        raise Missing(f"'{code[:40]}' is no procedure here: choose one of the list", path="procedure")
    told = orderable(code)
    return Chosen(
        code, name, told.kind, named(SIDES if told.sided else (), visit.language), named(told.sites, visit.language)
    )


def named(places: Iterable[str], language: str) -> tuple[tuple[str, str], ...]:
    return tuple((code, SITES[code].name(language)) for code in places)


def asked(visit: Visit) -> Asked:
    """What the form says. Raises Missing, Invalid by field."""
    form = visit.form
    one = chosen(visit, form.get("code", ""))
    return Asked(
        one.code,
        one.name,
        form.get("side", ""),
        form.get("site", ""),
        moment_of(form.get("planned", ""), visit.zone, "planned"),
        form.get("priority", "routine"),
        form.get("reason", "").strip(),
    )


def offered(visit: Visit, at: str, patient: str) -> dict[str, Any]:
    """What the form shows before anything was sent: what is typed in the address, or was chosen there."""
    typed, code = visit.query.get("procedure", ""), visit.query.get("code", "")
    found = {"code": code} if code else {}
    return {
        "at": at,
        "for_whom": patient,
        "asking": chosen(visit, code) if code else None,
        "found": hits(visit, typed) if typed and not code else [],
        "wanted": typed,
        "how_soon": PRIORITIES,
        "most": LONGEST,
        "said": found,
        "slips": {},
        "form_key": uuid7(),
        "procedure_costs": of_form(visit, patient, found) if code else [],
    }


def mistaken(visit: Visit, at: str, patient: str, error: Invalid) -> dict[str, Any]:
    """The form again, with what was typed and what is wrong with it by field."""
    code = visit.form.get("code", "")
    slips = {one.path: visit.say(f"procedures.wrong.{one.path}") for one in error.issues}
    again = {"asking": chosen(visit, code), "said": dict(visit.form), "slips": slips}
    return offered(visit, at, patient) | again | {"procedure_costs": of_form(visit, patient, {"code": code})}


def part(visit: Visit, at: str, patient: str) -> Response:
    """The part of the form that is asked for: what fits as it is typed, or the fields of the one chosen."""
    typing = "procedure" in visit.query and "code" not in visit.query
    return visit.page(f"procedures/{'hits' if typing else 'new'}.html", **offered(visit, at, patient))


def where(order: Mapping[str, Any], language: str) -> str:
    """Place and side of an order, in words."""
    coded = (one for concept in order.get("bodySite", []) for one in concept.get("coding", [])[:1])
    names = [
        codes.name(one.get("system", SNOMED), one.get("code", ""), language) or one.get("display", "") for one in coded
    ]
    return ("，" if language == "zh" else ", ").join(filter(None, names))
