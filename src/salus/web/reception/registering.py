"""Somebody new: what is said of them, and beside it everybody who is known and looks like them, to be told apart."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from salus.base.errors import Conflict, Invalid
from salus.services.reception.matching.matching import Match
from salus.services.reception.registering import Doubled, Form, described, register
from salus.web.telling.person import Person, person
from salus.web.visit import Visit
from salus.web.wrong import wrong

FIELDS = ("name", "also", "sex", "born", "identity", "phone")
LEAST = 1.0  # bits that a field must say for or against, to be named as a reason


@dataclass(frozen=True, slots=True)
class Like:
    """Somebody known: how probable it is that they are the one, and (words, speaks for it) of what speaks."""

    person: Person
    grade: str
    probability: float
    why: tuple[tuple[str, bool], ...]
    other: Mapping[str, bool]


def form(visit: Visit) -> Response:
    """Empty, or with the name that nobody was found under."""
    return shown(visit, {"name": visit.query.get("name", "")[:100]})


def save(visit: Visit) -> Response:
    said = Form(**{field: visit.form.get(field, "") for field in FIELDS if field in visit.form})
    despite = visit.form.get("despite", "")
    try:
        made = register(visit.desk.store, visit.who.actor, visit.who.purpose, said, despite)
    except Doubled as error:
        return doubled(visit, said, error)
    except (Invalid, Conflict) as error:
        return shown(visit, visit.form, faults=wrong(visit, "reception", error), status=error.status)
    return visit.go(f"/reception/people/{made['id']}?done=registered")


def doubled(visit: Visit, said: Form, error: Doubled) -> Response:
    """The new one beside those who are known."""
    today = visit.today
    typed = person(described(said, today) | {"id": ""}, visit.language, today)
    likes = [like(visit, one, typed) for one in error.found]
    return shown(visit, visit.form, likes=likes, typed=typed, status=error.status)


def like(visit: Visit, found: Match, typed: Person) -> Like:
    told = person(found.patient, visit.language, visit.today)
    spoken = [(field, level, found.speaks[field]) for field, level in found.levels.items()]
    why = tuple(
        (visit.say(f"reception.like.{field}.{level}"), bits > 0) for field, level, bits in spoken if abs(bits) >= LEAST
    )
    other = {name: differ(getattr(told, name), getattr(typed, name)) for name in ("name", "born", "phone")}
    other["sex"] = differ(told.gender.replace("unknown", ""), typed.gender.replace("unknown", ""))
    return Like(told, found.grade, found.probability, why, other)


def differ(one: str, other: str) -> bool:
    """What is not known of one of them is no difference."""
    return bool(one and other) and one != other


def shown(
    visit: Visit,
    said: Mapping[str, str],
    faults: list[tuple[str, str]] | None = None,
    likes: list[Like] | None = None,
    typed: Person | None = None,
    status: int = 200,
) -> Response:
    context: dict[str, Any] = {"said": said, "faults": faults or [], "likes": likes or [], "typed": typed}
    return visit.page("reception/register.html", status, **context)
