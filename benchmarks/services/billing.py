"""Billing: visits charged and bills issued through the store, each with the year of its insured, then counted again.

Run: `python benchmarks/services/billing.py [--people 500] [--visits 6] [--store URL]`. Each visit has registration, a
consultation, a test and two medicines; people are billed beside each other, one's visits one after the other. What
comes of it is compared with a count in plain Python that knows neither the store nor the engine of the rules.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

from salus.base import clock
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records import Store
from salus.records.books import Books
from salus.services.billing.charging import charge
from salus.services.billing.invoices import issue, replayed
from salus.services.billing.names import CODES

NOW = datetime(2026, 5, 4, 8, tzinfo=UTC)
CASHIER = Actor("Practitioner/cashier", Role.CASHIER)
AT_ONCE = 16
THRESHOLD, EDGE = 180_000, 2_000_000  # fen: employees, working, at a hospital of level 3
SHARES = (70, 60)  # % below and above the edge
Resource = dict[str, Any]


def resource(kind: str, id: str, /, **body: Any) -> tuple[str, str, Resource]:
    return kind, id, {"resourceType": kind, "id": id, **body}


def concept(system: str, code: str) -> Resource:
    return {"coding": [{"system": system, "code": code}]}


def ref(name: str) -> Resource:
    return {"reference": name}


def person(id: str) -> list[tuple[str, str, Resource]]:
    card = {
        "status": "active",
        "type": concept(f"{CODES}/insurance", "employee"),
        "beneficiary": ref(f"Patient/{id}"),
        "payor": [ref("Organization/fund")],
    }
    return [resource("Patient", id, birthDate="1985-02-03", gender="female"), resource("Coverage", f"c{id}", **card)]


def visit(person: str, n: int, tablets: int) -> list[tuple[str, str, Resource]]:
    """What is done at a visit; the second medicine is covered but for 10 %."""
    id, who = f"{person}-{n}", {"subject": ref(f"Patient/{person}")}
    where = {"context": ref(f"Encounter/{id}")}
    act = {"class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"}}
    times = {"start": "2026-05-04T01:00:00Z", "end": "2026-05-04T01:20:00Z"}
    made = [
        resource(
            "Encounter",
            id,
            status="finished",
            **act,
            period=times,
            serviceProvider=ref("Organization/h"),
            **who,
        ),
        resource(
            "ServiceRequest",
            id,
            status="completed",
            intent="order",
            code=concept("http://loinc.org", "33762-6"),
            encounter=ref(f"Encounter/{id}"),
            authoredOn="2026-05-04T01:10:00Z",
            **who,
        ),
    ]
    for atc, many in (("A10BA02", tablets), ("A10BK03", tablets // 2)):
        given = {"value": many, "code": "{tbl}", "system": "http://unitsofmeasure.org"}
        what = concept("http://www.whocc.no/atc", atc)
        body = {"status": "completed", "medicationCodeableConcept": what, "quantity": given, **who, **where}
        made.append(resource("MedicationDispense", f"{id}-{atc}", whenHandedOver="2026-05-04T02:00:00Z", **body))
    return made


def expected(visits: list[int]) -> tuple[int, int, int]:
    """(total, insurer's, patient's) of a person's visits by hand, in fen."""
    open_, counted, total, insurer = THRESHOLD, 0, 0, 0
    for tablets in visits:
        total += 100 + 5000 + 22000 + 20 * tablets + 430 * (tablets // 2)
        second = 430 * (tablets // 2)
        covered = 5000 + 20 * tablets + (20000 - half_up(20000 * 10)) + (second - half_up(second * 10))  # 限价, 乙类
        own = min(open_, covered)
        open_ -= own
        low, high = counted, counted + covered - own
        below = max(0, min(high, EDGE) - low)
        insurer += half_up(below * SHARES[0]) + half_up((high - low - below) * SHARES[1])
        counted = high
    return total, insurer, total - insurer


def half_up(hundredths: int) -> int:
    return (hundredths + 50) // 100


def timed(name: str, count: int, work: Callable[[], object]) -> None:
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(f"{name}: {count / wall:,.0f}/s, {count / cpu:,.0f} a CPU-second ({count:,} in {wall:.1f} s)", flush=True)


def bill_all(store: Store, drawn: dict[str, list[int]]) -> None:
    for people in [list(drawn)[n : n + 20] for n in range(0, len(drawn), 20)]:
        rows = [row for id in people for row in person(id)]
        rows += [row for id in people for n, many in enumerate(drawn[id]) for row in visit(id, n, many)]
        records = store.open(SYSTEM, Purpose.OPERATIONS)
        for future in [records.updating(type, id, body) for type, id, body in rows]:
            future.result()
    done = [f"{type}/{id}" for who, visits in drawn.items() for n, many in enumerate(visits)
            for type, id, _ in visit(who, n, many)]  # fmt: skip
    bills = sum(map(len, drawn.values()))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        timed(
            "charged",
            len(done),
            lambda: list(pool.map(lambda name: charge(store, SYSTEM, Purpose.PAYMENT, name), done)),
        )
        timed("issued", bills, lambda: list(pool.map(lambda who: in_turn(store, who, len(drawn[who])), drawn)))


def in_turn(store: Store, who: str, visits: int) -> None:
    for n in range(visits):
        issue(store, CASHIER, Purpose.PAYMENT, f"{who}-{n}")


def compare(store: Store, drawn: dict[str, list[int]]) -> None:
    """Books and bills against the count. Raises AssertionError."""
    books, records = Books(store), store.open(SYSTEM, Purpose.PAYMENT)
    by_hand = {who: expected(visits) for who, visits in drawn.items()}
    owed: dict[str, int] = {}
    page = records.search("Invoice", "_count=500")
    bills = list(page.versions)
    while page.next:
        page = records.search("Invoice", page.next)
        bills += page.versions
    for one in bills:
        invoice = one.json()
        made, who = replayed(invoice), invoice["subject"]["reference"].partition("/")[2]
        account = f"{invoice['account']['reference']}/{invoice['id']}"
        assert made.pays("insured") == books.balance(account, "CNY").net
        owed[who] = owed.get(who, 0) + made.pays("insured")
    assert owed == {who: patient for who, (_, _, patient) in by_hand.items()}
    assert sum(insurer for _, insurer, _ in by_hand.values()) == books.balance("Organization/fund", "CNY").net
    assert 0 == books.trial()["CNY"].net and len(bills) == sum(map(len, drawn.values()))
    print(f"equal to the count by hand: {len(bills):,} bills, {sum(total for total, _, _ in by_hand.values()):,} fen")


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("--people", type=int, default=500)
    asked.add_argument("--visits", type=int, default=10)
    asked.add_argument("--store", default="")
    told, draw = asked.parse_args(), Random(11)
    drawn = {f"p{n}": [draw.randrange(2, 400) for _ in range(told.visits)] for n in range(told.people)}
    with (
        tempfile.TemporaryDirectory() as folder,
        clock.stopped_at(NOW),
        Store(told.store or str(Path(folder) / "billing.db")) as store,
    ):
        records = store.open(SYSTEM, Purpose.OPERATIONS)
        for id in ("h", "fund"):
            records.update("Organization", id, {"resourceType": "Organization", "active": True, "name": id})
        bill_all(store, drawn)
        compare(store, drawn)


if __name__ == "__main__":
    main()
