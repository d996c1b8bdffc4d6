"""Who may act for a child: shown at the desk, registered by what was shown as proof, ended, and that taken back."""

from dataclasses import dataclass

from starlette.responses import Response

from salus.base.errors import Conflict, Invalid, SalusError
from salus.privacy.guardian import PROOFS
from salus.services.family.relations import OFFERED, Relation, again, end, register, relations_of
from salus.web.acting import acting
from salus.web.reception.people import LONGEST, searched
from salus.web.telling.person import Person, person
from salus.web.visit import Visit
from salus.web.wrong import wrong

TOLD = ("parent", "role", "proof")
DONE = frozenset({"registered", "ended", "again"})


@dataclass(frozen=True, slots=True)
class Row:
    """A relation as it reads."""

    relation: Relation
    person: Person


def page(visit: Visit) -> Response:
    return shown(visit)


def shown(visit: Visit, error: SalusError | None = None) -> Response:
    """Who is tied to a child, and the form for another, once that one was found. Raises Missing."""
    child = person(visit.records.read("Patient", visit.path["id"]).json(), visit.language, visit.today)
    words = (visit.form.get("find") or visit.query.get("find", "")).strip()[:LONGEST]
    done = visit.query.get("done", "")
    return visit.page(
        "reception/guardians.html",
        error.status if error else 200,
        one=child,
        rows=rows(visit),
        find=words,
        found=[each for each in searched(visit, words) if each.id != child.id] if words else [],
        roles=OFFERED,
        proofs=PROOFS,
        said={name: visit.form.get(name, "") for name in TOLD},
        done=done if done in DONE else "",
        faults=wrong(visit, "guardians", error) if error else [],
    )


def rows(visit: Visit) -> list[Row]:
    found = relations_of(acting(visit), visit.path["id"], visit.today, visit.desk.settings.country)
    return [Row(one, person(one.told, visit.language, visit.today)) for one in found]


def save(visit: Visit) -> Response:
    """Tie them; what stands in the way is said, and nothing that was typed is lost."""
    form, child = visit.form, visit.path["id"]
    parent, role, proof = (form.get(name, "") for name in TOLD)
    try:
        register(acting(visit), child, parent, role, proof, visit.today, visit.desk.settings.country)
    except (Invalid, Conflict) as error:
        return shown(visit, error)
    return visit.go(f"{address(child)}?done=registered")


def stop(visit: Visit) -> Response:
    end(acting(visit), visit.path["id"], visit.path["relation"], visit.today)
    return visit.go(f"{address(visit.path['id'])}?done=ended")


def resume(visit: Visit) -> Response:
    """Take the end back."""
    try:
        again(acting(visit), visit.path["id"], visit.path["relation"], visit.today, visit.desk.settings.country)
    except Conflict as error:
        return shown(visit, error)
    return visit.go(f"{address(visit.path['id'])}?done=again")


def address(child: str) -> str:
    return f"/reception/people/{child}/guardians"
