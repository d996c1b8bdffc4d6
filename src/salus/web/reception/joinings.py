"""The joinings that were done, and one of them undone: what was written since is shown first."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from starlette.responses import Response

from salus.base.errors import Conflict, Gone, Invalid, Missing, SalusError
from salus.privacy.policy import check_may_join
from salus.services.reception.joining.kept import JOINED, Joining, joining, joinings
from salus.services.reception.joining.parting import part, written_since
from salus.web.reception.doubles import asked_of
from salus.web.resource import kind_name
from salus.web.telling.person import Person
from salus.web.visit import Visit
from salus.web.wrong import wrong

GIVE = "give-"
DONE = frozenset({"parted"})


@dataclass(frozen=True, slots=True)
class Row:
    """A joining and its two people, as far as they are there."""

    it: Joining
    source: Person | None
    target: Person | None

    @property
    def can_part(self) -> bool:
        return self.it.stage == JOINED


def page(visit: Visit) -> Response:
    """Those done here, the latest first."""
    check_may_join(visit.who.actor, visit.who.purpose)
    found, following = joinings(visit.desk.store, cursor=visit.query.get("after") or None)
    return visit.page(
        "reception/joinings.html",
        rows=[row(visit, one) for one in found],
        next=f"/reception/joinings?after={quote(following, safe='')}" if following else None,
        done=visit.query.get("done", "") if visit.query.get("done", "") in DONE else "",
    )


def row(visit: Visit, it: Joining) -> Row:
    return Row(it, known(visit, it.source), known(visit, it.target))


def known(visit: Visit, id: str) -> Person | None:
    try:
        return asked_of(visit, id)
    except (Missing, Gone):
        return None


def one(visit: Visit) -> Response:
    return shown(visit, {})


def shown(visit: Visit, said: Mapping[str, str], error: SalusError | None = None) -> Response:
    """One joining, and what was written since. Raises Missing, Forbidden."""
    store, who = visit.desk.store, visit.who
    since = [
        (found.reference, kind_name(found.reference.partition("/")[0], visit.language), found.fixed)
        for found in written_since(store, who.actor, who.purpose, visit.path["id"])
    ]
    return visit.page(
        "reception/joined.html",
        error.status if error else 200,
        row=row(visit, joining(store, visit.path["id"])),
        since=since,
        said=said,
        faults=wrong(visit, "reception", error) if error else [],
    )


def undo(visit: Visit) -> Response:
    """Part them again. Raises Missing, Forbidden."""
    give = [name.removeprefix(GIVE) for name in visit.form if name.startswith(GIVE)]
    store, who = visit.desk.store, visit.who
    try:
        part(store, who.actor, who.purpose, visit.path["id"], visit.form.get("reason", ""), give)
    except (Invalid, Conflict) as error:
        return shown(visit, visit.form, error)
    return visit.go("/reception/joinings?done=parted")
