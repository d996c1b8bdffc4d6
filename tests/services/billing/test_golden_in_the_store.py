"""Golden bills (`tests/places/golden`) from charge to books: of three groups in four of each table one, with the visits
before it. What was done is charged again, what was issued is issued again, and the fen are those of the file."""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from random import Random

from salus.base import clock
from salus.base.money import amount
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records import books
from salus.records.books import Books, Entry
from salus.services.billing import local
from salus.services.billing.charging import charge
from salus.services.billing.invoices import cancel, issue, replayed
from salus.services.billing.names import INSURANCE, LEVEL, PERSONAL, Resource
from salus.services.billing.sheets import sheet_of

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "places"))

from golden_cases import PAYERS, TABLES, YEAR, Book, Case, Line, read

CASHIER = Actor("Practitioner/cashier", Role.CASHIER)
ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
LOINC = "http://loinc.org"
CLASSES = {"outpatient": "AMB", "emergency": "EMER", "inpatient": "IMP"}
CURRENCY = {"cn": "CNY", "us": "USD"}
USUAL = "2026-05-04"
FREE = ("registration", "consultation", "consultation-emergency", "bed-day")


@cache
def book(table: str) -> Book:
    return read(table)


def visits_of(table: str, last: Case) -> list[Case]:
    """A case and those it comes after, the first first."""
    by_number = {one.number: one for one in book(table).cases}
    found = [last]
    while found[0].after:
        found.insert(0, by_number[found[0].after])
    return found


def chosen(table: str) -> Iterator[Case]:
    """Of three groups in four the one in the middle that is on the usual day."""
    for n, cases in enumerate(book(table).groups.values()):
        usual = [one for one in cases if one.day == USUAL and one.bill]
        if usual and n % 4:
            yield usual[len(usual) // 2]


def code_of(line: Line) -> str:
    return f"{line.cover}-{line.own}-{line.amount}-{line.limit}"


def tariff(place: str, lines: set[Line]) -> str:
    """Each line of the bills as a test with such a price; the visit itself costs nothing."""
    head = [f'place = "{place}"', f'currency = "{CURRENCY[place]}"', 'zone = "UTC"', 'source = "Golden bills"']
    days = ['kind = "laboratory"', "from = 2025-01-01", "to = 2029-01-01"]
    prices = []
    for one in lines:
        limit = "" if one.limit is None else f", limit = {one.limit}"
        cover = f'price = {one.amount}, cover = "{one.cover}", own = {one.own}{limit}'
        prices.append(f'    {{ code = "{code_of(one)}", en = "Test", zh = "检验", unit = "1", {cover} }},')
    free = [f'    {{ code = "{one}", en = "Visit", zh = "就诊", unit = "{unit(one)}", price = 0 }},' for one in FREE]
    tests = ["[[list]]", f'system = "{LOINC}"', *days, "price = [", *prices, "]"]
    system = 'system = "https://salus.example/fhir/CodeSystem/charge"'
    return "\n".join([*head, *tests, "[[list]]", system, *days, "price = [", *free, "]"])


def unit(code: str) -> str:
    return "d" if code == "bed-day" else "1"


class Insured:
    """Somebody with a card, and the visits of one golden case and of those before it."""

    def __init__(self, table: str, visits: list[Case]) -> None:
        self.visits, self.place = visits, table[:2]
        self.id = f"{table}-{visits[-1].number}"
        self.year = {name: value for name, value in visits[0].year if value}
        self.to_issue = [self.encounter(one) for one in visits]

    def encounter(self, case: Case) -> str:
        return f"{self.id}-{case.number}"

    @property
    def card(self) -> str:
        return f"Coverage/c-{self.id}"

    @property
    def currency(self) -> str:
        return CURRENCY[self.place]

    def resources(self) -> Iterator[Resource]:
        insurance, sex, age = self.visits[0].who
        birth = f"{int(self.visits[0].day[:4]) - age}-01-01"
        yield {"resourceType": "Patient", "id": self.id, "birthDate": birth, "gender": sex}
        card = {"resourceType": "Coverage", "id": f"c-{self.id}", "status": "active", **self.of("beneficiary")}
        if held := self.visits[-1].account:
            card["extension"] = [{"url": PERSONAL, "valueMoney": amount(held, self.currency)}]
        yield card | {"type": concept(INSURANCE, insurance), "payor": [ref("Organization/fund")]}
        for case in self.visits:
            yield from self.deeds(case)

    def deeds(self, case: Case) -> Iterator[Resource]:
        encounter, at = self.encounter(case), f"{case.day}T06:00:00Z"
        yield {
            "resourceType": "Encounter", "id": encounter, "status": "finished", **self.of("subject"),
            "class": {"system": ACT, "code": CLASSES[case.kind]}, "period": {"start": at, "end": at},
            "serviceProvider": ref(f"Organization/{self.place}-{case.level}"),
        }  # fmt: skip
        for n, line in enumerate(case.bill, 1):
            yield {
                "resourceType": "ServiceRequest", "id": f"{encounter}-{n}", "status": "completed", "intent": "order",
                "code": concept(LOINC, code_of(line)), **self.of("subject"), "authoredOn": at,
                "encounter": ref(f"Encounter/{encounter}"),
            }  # fmt: skip

    def of(self, element: str) -> Resource:
        return {element: ref(f"Patient/{self.id}")}


def concept(system: str, code: str) -> Resource:
    return {"coding": [{"system": system, "code": code}]}


def ref(name: str) -> Resource:
    return {"reference": name}


def admitted(ward, people: list[Insured]) -> list[str]:
    """Everybody and everything that was done is in the store, and their years in the books; names of what was done."""
    for place in CURRENCY:
        lines = {line for one in people if one.place == place for case in one.visits for line in case.bill}
        local.take(tariff(place, lines), ward.place)
    houses = [house(place, level) for place in CURRENCY for level in (1, 2, 3)]
    found = [*houses, *(made for one in people for made in one.resources())]
    records = ward.store.open(SYSTEM, Purpose.OPERATIONS)
    for future in [records.updating(one["resourceType"], one["id"], one) for one in found]:
        future.result()
    for one in people:
        if one.year:
            ward.at_desk(
                lambda desk, one=one: books.post(desk, f"before/{one.id}", one.currency, before(one), "before")
            )
    return [
        f"{one['resourceType']}/{one['id']}" for one in found if one["resourceType"] in ("Encounter", "ServiceRequest")
    ]


def house(place: str, level: int) -> Resource:
    made = {"resourceType": "Organization", "id": f"{place}-{level}", "active": True, "name": "House"}
    return made | {"address": [{"country": place.upper()}], "extension": [{"url": LEVEL, "valueInteger": level}]}


def before(one: Insured) -> list[Entry]:
    year = one.visits[0].day[:4]
    return [Entry(f"{one.card}/{year}/{what}", f"memo/{year}", value) for what, value in one.year.items()]


def lived(ward, people: list[Insured], done: list[str], draw: Random) -> dict[str, Resource]:
    """Bills are issued in any order but that of one insured's visits; between them things are asked once more, and some
    bills cancelled and made again."""
    made: dict[str, Resource] = {}
    waiting = [one for one in people for _ in one.visits]
    draw.shuffle(waiting)
    for one in waiting:
        encounter = one.to_issue.pop(0)
        made[encounter] = issued(ward, encounter)
        if draw.random() < 0.2:
            cancel(ward.store, CASHIER, Purpose.PAYMENT, made[encounter]["id"], "typed twice")
            made[encounter] = issued(ward, encounter)
        again = draw.choice(list(made))
        charge(ward.store, SYSTEM, Purpose.PAYMENT, draw.choice(done))
        assert made[again] == issued(ward, again)
    return made


def issued(ward, encounter: str) -> Resource:
    return issue(ward.store, CASHIER, Purpose.PAYMENT, encounter)


def check(ward, one: Insured, made: dict[str, Resource]) -> None:
    """Every payer of every visit, and the years in the books."""
    for case in one.visits:
        invoice = made[one.encounter(case)]
        settlement = sheet_of(invoice).settled.settlement
        assert case.pays == {payer: settlement.pays(payer) for payer in PAYERS}, (one.id, case)
        assert settlement == replayed(invoice)
        owner = invoice["account"]["reference"]
        assert case.pays["insured"] == ward.net(f"{owner}/{invoice['id']}", one.currency), (one.id, case)
    ends = {case.day[:4]: case for case in one.visits}
    for year, case in ends.items():
        assert case.year_after == {what: ward.net(f"{one.card}/{year}/{what}", one.currency) for what in YEAR}, one.id
    assert sum(case.pays["account"] for case in one.visits) == ward.net(f"{one.card}/account", one.currency)


def test_golden_bills_come_to_the_same_fen_through_the_store_in_any_order_of_retries(file_ward):
    people = [Insured(table, visits_of(table, one)) for table in TABLES for one in chosen(table)]
    assert 100 <= sum(len(one.visits) for one in people)
    done = admitted(file_ward, people)
    for name in done:
        charge(file_ward.store, SYSTEM, Purpose.PAYMENT, name)
    made = lived(file_ward, people, done, Random(5))
    for one in people:
        check(file_ward, one, made)

    assert {0} == {trial.net for trial in Books(file_ward.store).trial().values()}


def test_a_year_ends_in_the_books_as_it_does_in_the_golden_bills(file_ward):
    """The threshold used up on the last day of a year, again that day, and a visit on the first of the next."""
    people = []
    for table in TABLES:
        for title, cases in book(table).groups.items():
            if title.startswith("A year ends"):
                people += [Insured(table, cases[n : n + 3]) for n in range(0, len(cases), 3)]
    turns = [one for one in people if one.visits[0].day == "2025-12-31"]
    assert 12 == len(turns)
    with clock.stopped_at(datetime(2026, 1, 2, tzinfo=UTC)):
        done = admitted(file_ward, turns)
        for name in done:
            charge(file_ward.store, SYSTEM, Purpose.PAYMENT, name)
        made = lived(file_ward, turns, done, Random(6))
    for one in turns:
        check(file_ward, one, made)
