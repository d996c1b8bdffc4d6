"""Whom is this for? Somebody chooses to act for a child of theirs, or for themselves again."""

from dataclasses import dataclass

from starlette.responses import Response

from salus.services.family.children import Child, child_of, children_of, guardians_of, note
from salus.web import session
from salus.web.mine.house import related
from salus.web.signin import kept
from salus.web.telling.person import Person, person
from salus.web.visit import Visit

MYSELF = "me"


@dataclass(frozen=True, slots=True)
class Choice:
    """One whom somebody may act for; `chosen`: whom they act for now."""

    person: Person
    youth: bool
    chosen: bool


def choices(visit: Visit) -> list[Choice]:
    """The children whom somebody may act for today, the youngest first."""
    account, desk = visit.account, visit.desk
    if account is None:
        return []
    found = children_of(desk.store, account.actor, visit.today, desk.settings.country)
    return [choice(visit, one) for one in found]


def choice(visit: Visit, one: Child) -> Choice:
    youth = one.actor.guardian is not None and one.actor.guardian.youth
    chosen = visit.child is not None and visit.child.id == one.id
    return Choice(person(one.patient, visit.language, visit.today), youth, chosen)


def page(visit: Visit) -> Response:
    """The choice; and, for a child's own account, who may act for it."""
    return visit.page("mine/for.html", choices=choices(visit), guardians=guardians(visit), over="over" in visit.query)


def guardians(visit: Visit) -> list[str]:
    """Who may act for the one who is signed in, as people say it."""
    account, desk = visit.account, visit.desk
    if account is None or visit.child is not None:
        return []
    found = guardians_of(desk.store, account.actor, visit.today, desk.settings.country)
    return [person(one, visit.language, visit.today).name + related(visit, one) for one in found]


def choose(visit: Visit) -> Response:
    """From now on for them. Raises Missing for who is no child of theirs: nothing is told of other children."""
    account, desk, who = visit.account, visit.desk, visit.form.get("who", "")
    response = visit.go("/mine")
    if account is None or who == MYSELF:
        response.delete_cookie(session.FOR, path="/", httponly=True)
        return response
    child = child_of(desk.store, account.actor, who, visit.today, desk.settings.country)
    note(desk.store, account.actor, child)
    kept(visit, response, session.FOR, session.chosen(desk.settings.secret, account, child.id))
    return response
