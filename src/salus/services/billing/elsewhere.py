"""What other hospitals counted of an insured's year, as the insurer states it: in the books, beside what we counted.

A statement says how much was counted elsewhere up to a day, each count by itself. It is posted to the same accounts as
our own bills, by the same writer that settles them, so that no bill sees half of it. One stands at a time for a card
and a year; it is never changed, but taken back by a reversal, and then another is entered. A bill keeps what it was
settled with. https://hl7.org/fhir/R4/coverageeligibilityresponse.html
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date
from itertools import count as numbers
from zoneinfo import ZoneInfo

from salus.assistants.answers import every
from salus.base import clock
from salus.base.errors import Conflict, Invalid, Missing
from salus.base.money import amount, is_known, minor
from salus.places.settlement import Year
from salus.privacy import Actor, Purpose, check_may
from salus.privacy.policy import Act
from salus.records import Records, Store, books
from salus.records.desk import Desk
from salus.services.acting import by, code_in, coded, put, referred, same_id, standing
from salus.services.billing import years
from salus.services.billing.coverages import insurer_of
from salus.services.billing.desks import submit
from salus.services.billing.names import CODES, HOUSE, Resource, billed, elsewhere_account, is_billed
from salus.services.billing.sheets import Counted

TYPE = "CoverageEligibilityResponse"
COUNT, KEY = f"{CODES}/year-count", f"{HOUSE}/elsewhere-key"
STAYS = "stays"  # a number, all others are amounts
MOST_STAYS = 366
LONGEST = 400  # characters of a reason


@dataclass(frozen=True, slots=True)
class Statement:
    """What the insurer stated. `until`: the day up to which; amounts in minor units of `currency`; `back`: why it was
    taken back, empty for one that stands."""

    id: str
    coverage: str
    until: date
    amounts: Year
    currency: str
    reason: str
    who: str
    at: str
    back: str

    @property
    def counts(self) -> dict[str, int]:
        """Only what is not nothing."""
        return {what: number for what, number in asdict(self.amounts).items() if number}


@dataclass(frozen=True, slots=True)
class Entered:
    """What a clerk has before them: which card (an id), up to which day, how much of what, in which currency, why.
    `key`: of the form, so that the same one sent twice counts once."""

    coverage: str
    until: date
    amounts: Year
    currency: str
    reason: str
    key: str


def count(store: Store, actor: Actor, purpose: Purpose, told: Entered, zone: ZoneInfo) -> Resource:
    """Post what an insurer states; what stands under the same key, if it was done already. Raises Missing (no such
    card), Invalid (a day to come, no reason, nothing or too much counted), Conflict (one stands for that year: it is
    taken back first; nobody insures by this card), Forbidden."""
    check_may(actor, purpose, Act.WRITE, TYPE)
    check(told, clock.today(zone))

    def work(desk: Desk) -> Resource:
        card = standing(desk, f"Coverage/{told.coverage}")
        if card is None:
            raise Missing(f"There is no Coverage/{told.coverage[:64]}", path="coverage")
        if not insurer_of(card):
            raise Conflict(f"No insurer pays by Coverage/{told.coverage}: nothing is counted", path="coverage")
        before = chain(desk, f"Coverage/{told.coverage}", told.until.year)
        for one in before:
            if one["identifier"][-1]["value"] == told.key:
                return one
            if one["status"] == "active":
                raise Conflict(
                    f"A statement stands for {told.until.year} already: take it back, then enter the new one",
                    path="until",
                )
        return posted(desk, card, told, len(before) + 1)

    return submit(store, actor, purpose, "count", f"Coverage/{told.coverage}", work)


def check(told: Entered, today: date) -> None:
    """Raises Invalid."""
    if told.until > today:
        raise Invalid(f"{told.until} is to come: give the day that the statement was made for", path="until")
    check_reason(told.reason)
    if not is_known(told.currency):
        raise Invalid(f"'{told.currency[:20]}' is no currency: name one of ISO 4217, such as CNY", path="currency")
    amounts = asdict(told.amounts)
    if not any(amounts.values()) or any(one < 0 for one in amounts.values()):
        raise Invalid("Nothing was counted elsewhere: give at least one amount, none below nothing", path="amount")
    if told.amounts.stays > MOST_STAYS:
        raise Invalid(f"{told.amounts.stays} stays are more than a year has days: give their number", path=STAYS)


def check_reason(text: str) -> None:
    """Raises Invalid for none."""
    if not 0 < len(text) <= LONGEST:
        raise Invalid(f"Say why, in 1 to {LONGEST} characters", path="reason")


def posted(desk: Desk, card: Resource, told: Entered, number: int) -> Resource:
    coverage, year = f"Coverage/{card['id']}", told.until.year
    id = statement_id(coverage, year, number)
    entries = years.entries(coverage, year, told.amounts, elsewhere_account(coverage, year))
    books.post(desk, f"elsewhere/{id}", told.currency, entries, f"{TYPE}/{id}")
    author = {"requestor": by(desk)} if desk.actor.reference.startswith("Practitioner/") else {}
    return put(
        desk,
        {
            "resourceType": TYPE,
            "id": id,
            "identifier": [billed(id), {"system": KEY, "value": told.key}],
            "status": "active",
            "purpose": ["benefits"],
            "patient": {"reference": referred(card, "beneficiary")},
            "servicedDate": told.until.isoformat(),
            "created": clock.instant(desk.at),
            "request": {"display": "Statement of the insurer"},
            "outcome": "complete",
            "disposition": told.reason,
            "insurer": {"reference": insurer_of(card)},
            "insurance": [{"coverage": {"reference": coverage}, "item": [item(told)]}],
        }
        | author,
    )


def item(told: Entered) -> Resource:
    """https://hl7.org/fhir/R4/coverageeligibilityresponse-definitions.html#CoverageEligibilityResponse.insurance.item"""
    benefits = [
        {"type": coded(COUNT, what)}
        | ({"usedUnsignedInt": used} if what == STAYS else {"usedMoney": amount(used, told.currency)})
        for what, used in asdict(told.amounts).items()
        if used or what == years.WHAT[0]  # the first says the currency, nothing or not
    ]
    return {"name": "Counted elsewhere", "benefit": benefits}


def take_back(store: Store, actor: Actor, purpose: Purpose, id: str, reason: str) -> Resource:
    """Take a statement back, by reversing what was posted. Bills that were settled with it stay as they are. Raises
    Missing, Invalid (no reason), Forbidden."""
    check_may(actor, purpose, Act.WRITE, TYPE)
    check_reason(reason)

    def work(desk: Desk) -> Resource:
        found = standing(desk, f"{TYPE}/{id}")
        if found is None or not is_billed(found):
            raise Missing(f"There is no {TYPE}/{id[:64]} that was entered here", path="id")
        if found["status"] == "cancelled":
            return found
        books.reverse(desk, f"elsewhere/{id}/back", f"elsewhere/{id}", f"{TYPE}/{id}")
        return put(desk, found | {"status": "cancelled", "outcome": "error", "error": [{"code": {"text": reason}}]})

    return submit(store, actor, purpose, "reverse", f"{TYPE}/{id}", work)


def statement_id(coverage: str, year: int, number: int) -> str:
    """The statements of a card and a year are numbered from 1."""
    return same_id("elsewhere", coverage, str(year), str(number))


def chain(desk: Desk, coverage: str, year: int) -> list[Resource]:
    """All statements of a card and a year, from the first."""
    return list(entered(desk, coverage, year))


def entered(desk: Desk, coverage: str, year: int) -> Iterator[Resource]:
    for number in numbers(1):
        if (found := standing(desk, f"{TYPE}/{statement_id(coverage, year, number)}")) is None:
            return
        yield found


def counted(desk: Desk, coverage: str, year: int, currency: str) -> Counted | None:
    """What stands counted elsewhere, for a bill to say."""
    stands = (statement(one) for one in chain(desk, coverage, year) if one["status"] == "active")
    return next((Counted(one.until, one.amounts) for one in stands if one.currency == currency), None)


def statements(records: Records, patient: str) -> list[Statement]:
    """All that was entered for a patient of that id, the latest first. Raises Forbidden."""
    found = every(records, TYPE, [("patient", patient), ("_count", "100")])
    return sorted((statement(one) for one in found if is_billed(one)), key=lambda one: one.at, reverse=True)


def statement(found: Resource) -> Statement:
    insurance = found["insurance"][0]
    benefits = {code_in(one["type"], COUNT): one for one in insurance["item"][0]["benefit"]}
    used = {what: one.get("usedUnsignedInt") or minor(one["usedMoney"]) for what, one in benefits.items()}
    return Statement(
        found["id"],
        referred(insurance, "coverage"),
        date.fromisoformat(found["servicedDate"]),
        Year(**used),
        benefits[years.WHAT[0]]["usedMoney"]["currency"],
        found["disposition"],
        referred(found, "requestor"),
        found["created"],
        found["error"][0]["code"]["text"] if found["status"] == "cancelled" else "",
    )
