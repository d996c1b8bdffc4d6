"""Two records of one person: the pairs that are likely, two of them side by side, joined or told apart."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from salus.base.errors import Conflict, Gone, Invalid, Missing, SalusError, Stale
from salus.services.reception.joining import pairs
from salus.services.reception.joining.contested import SIDES, Contest
from salus.services.reception.joining.joining import join
from salus.services.reception.joining.looking import Belongings, Look, look
from salus.services.reception.matching.candidates import escaped
from salus.services.reception.matching.matching import Match, matches
from salus.web.reception.registering import differ
from salus.web.resource import kind_name
from salus.web.telling import terms
from salus.web.telling.person import Person, full, person
from salus.web.visit import Visit
from salus.web.wrong import wrong

BESIDE = ("name", "also", "born", "sex", "number", "phone", "place", "died")
LONGEST = 64  # characters of an id
DONE = frozenset({"apart"})


@dataclass(frozen=True, slots=True)
class Beside:
    """Two people, and for each field of `BESIDE` whether both say something, and not the same."""

    one: Person
    other: Person
    differs: Mapping[str, bool]
    grade: str = ""


@dataclass(frozen=True, slots=True)
class Kind:
    """How many resources of a type each of two has, and how many of the first stay as they are."""

    name: str
    source: int
    stays: int
    target: int


def page(visit: Visit) -> Response:
    """Who is likely to be here twice; with `person` who else that one may be."""
    store, who = visit.desk.store, visit.who
    id, grade = visit.query.get("person", "")[:LONGEST], visit.query.get("grade", "same")
    grade = grade if grade in pairs.GRADES else "same"
    found, following = pairs.pairs(store, who.actor, who.purpose, grade, visit.query.get("after", ""))
    told = [told_pair(visit, one.one, one.other) for one in found]
    return visit.page(
        "reception/doubles.html",
        pairs=[one for one in told if one],
        counts=pairs.counted(store),
        grade=grade,
        grades=pairs.GRADES,
        next=f"/reception/doubles?{urlencode({'grade': grade, 'after': following})}" if following else None,
        asked=asked_of(visit, id) if id else None,
        likes=[alike(visit, id, one) for one in others(visit, id)] if id else [],
        fields=BESIDE,
        done=visit.query.get("done", "") if visit.query.get("done", "") in DONE else "",
    )


def told_pair(visit: Visit, one: str, other: str) -> Beside | None:
    """The two of a pair; None where one of them is no more."""
    try:
        return beside(asked_of(visit, one), asked_of(visit, other))
    except (Missing, Gone):
        return None


def asked_of(visit: Visit, id: str) -> Person:
    """Raises Missing, Gone."""
    return person(visit.records.read("Patient", id).json(), visit.language, visit.today)


def others(visit: Visit, id: str) -> list[Match]:
    patient = visit.records.read("Patient", id).json()
    found = matches(visit.desk.store, visit.who.actor, visit.who.purpose, patient)
    return [one for one in found if one.id != id]


def alike(visit: Visit, id: str, found: Match) -> Beside:
    return beside(asked_of(visit, id), person(found.patient, visit.language, visit.today), found.grade)


def beside(one: Person, other: Person, grade: str = "") -> Beside:
    return Beside(one, other, {name: differ(getattr(one, name), getattr(other, name)) for name in BESIDE}, grade)


def two(visit: Visit) -> Response:
    """Two records side by side. `source` is replaced by `target`."""
    source, target = (numbered(visit, visit.query.get(side, "").strip()[:LONGEST]) for side in SIDES)
    return shown(visit, source, target, {})


def numbered(visit: Visit, text: str) -> str:
    """The id of the only Patient with that number; else the text, as an id."""
    wanted = [("identifier", escaped(text)), ("_count", "2")]
    found = visit.records.search("Patient", wanted).versions if text else []
    return found[0].id if len(found) == 1 else text


def shown(visit: Visit, source: str, target: str, said: Mapping[str, str], error: SalusError | None = None) -> Response:
    """Raises Missing, Gone; what else stands against it is told on the page."""
    one, other = asked_of(visit, source), asked_of(visit, target)
    found: Look | None = None
    try:
        found = look(visit.desk.store, visit.who.actor, visit.who.purpose, source, target)
    except (Invalid, Conflict) as fault:
        error = error or fault
    return visit.page(
        "reception/two.html",
        error.status if error else 200,
        beside=beside(one, other),
        fields=BESIDE,
        look=found,
        kinds=kinds(visit, found.source, found.target) if found else [],
        contests=[(one.field, values(visit, one), one.asked) for one in found.contests] if found else [],
        said=said,
        faults=wrong(visit, "reception", error) if error else [],
    )


def kinds(visit: Visit, source: Belongings, target: Belongings) -> list[Kind]:
    """What belongs to each, by the name of its type."""
    ours, theirs = (Counter(one.moves) + Counter(one.stays) for one in (source, target))
    rows = [
        Kind(kind_name(type, visit.language), ours[type], source.stays.get(type, 0), theirs[type])
        for type in {*ours, *theirs}
    ]
    return sorted(rows, key=lambda one: one.name)


def values(visit: Visit, one: Contest) -> dict[str, str]:
    """What each side says in a field, in words."""
    return {side: value_of(visit, one.field, getattr(one, side)) for side in SIDES}


def value_of(visit: Visit, field: str, value: Any) -> str:
    if field == "name":
        return full(value[0])
    if field == "gender":
        return terms.status("sex", value, visit.language)
    if field == "deceased":
        return visit.say("reception.two.living" if not value else "reception.two.died") + (
            f" {value[:10]}" if isinstance(value, str) else ""
        )
    return terms.concept(value, visit.language) if isinstance(value, dict) else str(value)


def confirm(visit: Visit) -> Response:
    """Join them. Raises Forbidden, Missing."""
    source, target = (visit.form.get(side, "")[:LONGEST] for side in SIDES)
    choice = {name.removeprefix("choose-"): side for name, side in visit.form.items() if name.startswith("choose-")}
    try:
        join(
            visit.desk.store,
            visit.who.actor,
            visit.who.purpose,
            source,
            target,
            visit.form.get("reason", ""),
            choice,
            versions(visit),
        )
    except (Invalid, Conflict, Stale) as error:
        return shown(visit, source, target, visit.form, error)
    return visit.go(f"/reception/people/{target}?done=joined")


def versions(visit: Visit) -> tuple[int, int] | None:
    """Which versions of the two were looked at."""
    told = [visit.form.get(f"{side}-version", "") for side in SIDES]
    if not all(one.isascii() and one.isdigit() and len(one) < 10 for one in told):
        return None
    return int(told[0]), int(told[1])


def apart(visit: Visit) -> Response:
    """They are two people."""
    source, target = (visit.form.get(side, "")[:LONGEST] for side in SIDES)
    who = visit.who
    try:
        pairs.tell_apart(visit.desk.store, who.actor, who.purpose, source, target, visit.form.get("why", ""))
    except (Invalid, Conflict) as error:
        return shown(visit, source, target, visit.form, error)
    return visit.go("/reception/doubles?done=apart")
