"""By what is settled and charged here: the rules and prices in force, whose they are, from when to when, and in which
order they are asked. What is wrong with a site's file is said here, in place of what it would say."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar

from starlette.responses import Response

from salus.base.errors import Invalid, Issue
from salus.base.words import words_of
from salus.places.settlement import Chapter, Rule, Rulebook
from salus.places.settlement.telling import rule_told
from salus.places.tariffs import Price, Tariff
from salus.services.billing.local import PRICES, RULES, USUAL, Local
from salus.ui.formats import money
from salus.web.visit import Visit

T = TypeVar("T")
WORDS = words_of("salus.web.billing")
BUILT_IN = (USUAL, "us")
SOON = timedelta(days=60)  # before a rule ends, who lays the next down should know


@dataclass(frozen=True, slots=True)
class Shown:
    """A rule as it stands: `file` is the site's own, or empty; `state` one of `rules.state.<state>`."""

    rule: Rule
    file: str
    state: str
    steps: list[tuple[str, list[str]]]


@dataclass(frozen=True, slots=True)
class Lying:
    """A site's file that lies there, over what is built in or in place of it."""

    name: str
    place: str
    instead: bool


def listing(visit: Visit) -> Response:
    """The rules and prices of a place."""
    local = Local(visit.desk.store.folder)
    place = visit.query.get("place", USUAL)
    rulebook, rule_faults = tried(lambda: local.rules(place))
    tariff, price_faults = tried(lambda: local.tariff(place))
    return visit.page(
        "billing/rules.html",
        place=place,
        places=places(local),
        files=[*lying(local, place)],
        rules=[*shown(visit, local, rulebook)] if rulebook else [],
        groups=[row for one in (rulebook.chapters if rulebook else ()) for row in one.groups if row.place == place],
        tariff=tariff,
        prices=by_kind(tariff, visit.language) if tariff else {},
        faults=[(one.path, visit.told(one.text)) for one in (*rule_faults, *price_faults)],
    )


def tried(read: Callable[[], T]) -> tuple[T | None, list[Issue]]:
    """What is read, or what is wrong with it."""
    try:
        return read(), []
    except Invalid as fault:
        return None, fault.issues


def places(local: Local) -> list[str]:
    """Those built in, and those that the site has files of."""
    found = (file.name.partition(".")[0] for kind in (RULES, PRICES) for file in (local.folder / kind).glob("*.toml"))
    return list(dict.fromkeys((*BUILT_IN, *sorted(one for one in found if one.isalpha()))))


def lying(local: Local, place: str) -> Iterator[Lying]:
    for kind in (RULES, PRICES):
        for file in local.beside(kind, place):
            yield Lying(named(file), place, False)
        for file in local.main(kind, place):
            yield Lying(named(file), place, True)


def named(file: Path) -> str:
    """
    >>> named(Path("var/settlement/cn.city.toml"))
    'settlement/cn.city.toml'
    """
    return f"{file.parent.name}/{file.name}"


def shown(visit: Visit, local: Local, rulebook: Rulebook) -> Iterator[Shown]:
    """Each rule, those that are asked first before the others."""
    for file, chapter in local.chapters(rulebook.place):
        for rule in chapter.rules:
            written = partial(money, currency=rule.currency, language=visit.language)
            steps = [*rule_told(rule, visit.language, written)]
            yield Shown(rule, named(file) if file else "", state(rulebook, chapter, rule, visit.today), steps)


def state(rulebook: Rulebook, chapter: Chapter, rule: Rule, today: date) -> str:
    if rulebook.asked_before(rule, chapter):
        return "replaced"
    if today < rule.since:
        return "coming"
    if today >= rule.until:
        return "over"
    return "ends" if rule.until - today <= SOON and not followed(chapter, rule) else "holds"


def followed(chapter: Chapter, rule: Rule) -> bool:
    """Whether others go on where it ends, for each kind of visit."""
    after = [one for one in chapter.rules if one.since == rule.until and one.group == rule.group]
    return all(any(visit in one.visit for one in after) for visit in rule.visit)


def by_kind(tariff: Tariff, language: str) -> dict[str, list[Price]]:
    """The prices by what their kind is called, each in the order in which they were written."""
    found: dict[str, list[Price]] = {}
    for one in tariff.prices:
        found.setdefault(kind_name(one.kind, language), []).append(one)
    return found


def kind_name(kind: str, language: str) -> str:
    """A kind of price in words; one of a site's own as it is written."""
    key = f"rules.kind.{kind}"
    return WORDS(key, language) if key in WORDS else kind
