"""The order of the offers in question: hard limits first, then what suits, less what waiting costs; each with why."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np

from salus.assistants.recommend.departments import Department
from salus.assistants.recommend.learning import Suited
from salus.assistants.recommend.offers import Offer
from salus.assistants.recommend.routing import name
from salus.assistants.recommend.seeker import Seeker, apart
from salus.assistants.recommend.voices import Frame
from salus.assistants.suggestion import Name

A_DAY = 0.05  # log-odds that a day of waiting costs: four weeks weigh as much as the strongest liking
MOST_WHY = 3
FEWEST_SEEN = 0.05  # log-odds above the middle of the offers, to be told as a reason
YEAR = 365.25


@dataclass(frozen=True, slots=True)
class Wish:
    """Limits that somebody sets: only where their insurance is taken; no farther than so many km."""

    insured: bool = False
    within_km: float | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """An offer with its first free time, how far it is (km) and whether it takes the insurance (None: not known)."""

    offer: Offer
    score: float
    first: datetime
    days: int
    km: float | None
    insured: bool | None
    why: tuple[Name, ...]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """How many offers a hard limit kept out, and which."""

    why: Name
    count: int


def fits(one: Department, who: Seeker, today: date) -> bool:
    """Whether the department sees this person; what is not known keeps nobody out."""
    days = who.age_days(today)
    too_old = one.oldest is not None and days is not None and days / YEAR >= one.oldest + 1
    return not too_old and (not one.sex or who.sex in ("", "unknown", "other", one.sex))


def limited(
    offers: Sequence[Offer], who: Seeker, at: datetime, wish: Wish, personal: bool
) -> tuple[list[Offer], list[LeftOut]]:
    """The offers that no hard limit keeps out, and how many each limit did."""
    tests: list[tuple[str, Callable[[Offer], bool]]] = [("limit.full", lambda one: one.next(at) is not None)]
    if personal:
        tests.append(("limit.whom", lambda one: fits(one.department, who, at.date())))
    if wish.insured and personal:
        tests.append(("limit.insured", lambda one: bool(who.insurance & one.insurance)))
    if wish.within_km is not None and personal:
        most = wish.within_km
        tests.append(("limit.far", lambda one: (apart(who.home, one.at) or 0.0) <= most))
    left, out = list(offers), []
    for key, holds in tests:
        kept = [one for one in left if holds(one)]
        if len(kept) < len(left):
            out.append(LeftOut(name(key, count=len(left) - len(kept)), len(left) - len(kept)))
        left = kept
    return left, out


def ranked(suited: Suited, offers: Sequence[Offer], who: Seeker, need: str, at: datetime) -> list[Row]:
    """The personal order of offers that have room."""
    if not offers:
        return []
    frame = Frame(suited.learned, offers)
    said = suited.hybrid.said(frame.voices(who, need), bool(who.booked))
    costs = np.where(frame.places >= 0, suited.prices[frame.places], 0.0)
    waits = np.array([waited(one, at) for one in offers])
    total = sum(said.values()) - costs - A_DAY * waits
    lead = {voice: row[0] - row[0].mean() for voice, row in said.items()}
    made = []
    for n, one in enumerate(offers):
        loud = sorted((voice for voice in lead if lead[voice][n] > FEWEST_SEEN), key=lambda voice: -lead[voice][n])
        made.append(row_of(one, float(total[0, n]), who, at, [reason(voice, one, who) for voice in loud][:MOST_WHY]))
    return sorted(made, key=lambda one: (-one.score, one.offer.id))


def plain(offers: Sequence[Offer], at: datetime) -> list[Row]:
    """The order that regards nobody: who is free first; then by the id."""
    made = [row_of(one, 0.0, None, at, [name("why.soonest")]) for one in offers]
    return sorted(made, key=lambda one: (one.first, one.offer.id))


def waited(one: Offer, at: datetime) -> int:
    """Days until the first free time."""
    first = one.next(at)
    return (first.date() - at.astimezone(first.tzinfo).date()).days if first else 0


def row_of(one: Offer, score: float, who: Seeker | None, at: datetime, why: Sequence[Name]) -> Row:
    first = one.next(at)
    assert first is not None  # offers without room were left out
    known = who is not None and bool(who.insurance) and bool(one.insurance)
    insured = bool(who.insurance & one.insurance) if who and known else None
    return Row(one, score, first, waited(one, at), apart(who.home, one.at) if who else None, insured, tuple(why))


def reason(voice: str, one: Offer, who: Seeker) -> Name:
    """Why a voice speaks for an offer, in words."""
    if voice == "own":
        return name("why.own", count=who.booked.count(one.id))
    if voice == "words":
        return name("why.words", focus=one.focus or one.department.name)
    return name(f"why.{voice}")
