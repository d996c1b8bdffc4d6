"""The safety screen: 15 medicines against 300,000 pairs in process, and order-sign over HTTP.

    python benchmarks/treatment/screen.py [PAIRS]

The pairs beyond those shipped are made up (drawn with seed 7) and only there to fill the tables.
"""

import asyncio
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx

from salus.api import hooks
from salus.api.access import grant, identify_by
from salus.api.hooks.ordering import Ordering
from salus.assistants.treatment.options import Treatment
from salus.assistants.treatment.prescribing import Prescribing
from salus.assistants.treatment.screen import Knowledge, screen
from salus.assistants.treatment.screen.knowledge import knowledge_of, shipped_table
from salus.assistants.treatment.screen.orders import order_of
from salus.assistants.treatment.screen.person import person_of
from salus.assistants.treatment.screen.rules import Interaction, Table
from salus.assistants.treatment.site import Shelf
from salus.base import clock
from salus.codes.drugs import INGREDIENTS
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records import Store

SECRET = b"a secret of at least thirty-two bytes"
MEDICINES, ROUNDS, OBSERVATIONS = 15, 2000, 500
Json = dict[str, Any]


def filled(pairs: int) -> Knowledge:
    """The shipped rules, and so many pairs of substances that do not exist under one rule of their own."""
    draw, names = random.Random(7), [f"substance {n}" for n in range(2000)]
    row = Interaction(between=(), and_=(), tier="inform", source="fda-label", en="made up", zh="虚构")
    known = knowledge_of([shipped_table(), Table(interactions={"made-up": row})])
    made_up: dict[tuple[str, str], tuple[str, ...]] = {}
    while len(made_up) < pairs:
        one, other = sorted(draw.sample(names, 2))
        made_up[one, other] = ("made-up",)
    return replace(known, pairs={**known.pairs, **made_up})


def order(name: str, id: str, status: str = "active") -> Json:
    dosage = {
        "timing": {"repeat": {"frequency": 2, "period": 1, "periodUnit": "d"}},
        "doseAndRate": [{"doseQuantity": {"value": 10, "code": "mg"}}],
    }
    return {
        "resourceType": "MedicationRequest",
        "id": id,
        "status": status,
        "intent": "order",
        "medicationCodeableConcept": {"text": f"{name} 10 MG Oral Tablet"},
        "subject": {"reference": "Patient/p"},
        "dosageInstruction": [dosage],
    }


def patient() -> list[Json]:
    """Somebody of 70 with 500 measurements."""
    about = {"resourceType": "Patient", "id": "p", "gender": "male", "birthDate": "1956-01-01"}
    codes = ("2160-0", "2823-3", "777-3", "29463-7", "8302-2")
    measured = [
        {
            "resourceType": "Observation",
            "id": f"o{n}",
            "status": "final",
            "code": {"coding": [{"system": "http://loinc.org", "code": codes[n % len(codes)]}]},
            "subject": {"reference": "Patient/p"},
            "effectiveDateTime": str((clock.now() - timedelta(days=n % 300)).date()),
            "valueQuantity": {"value": 90 + n % 10, "code": ("umol/L", "mmol/L", "10*9/L", "kg", "cm")[n % len(codes)]},
        }
        for n in range(OBSERVATIONS)
    ]
    return [about, *measured]


def spread(seconds: list[float]) -> str:
    cuts = statistics.quantiles(seconds, n=100)
    return f"p50 {1000 * cuts[49]:.2f} ms, p95 {1000 * cuts[94]:.2f} ms, p99 {1000 * cuts[98]:.2f} ms"


def timed(act: Callable[[int], object], rounds: int) -> list[float]:
    found = []
    for n in range(rounds):
        began = time.perf_counter()
        act(n)
        found.append(time.perf_counter() - began)
    return found


def in_process(pairs: int) -> None:
    real, knowledge = list(INGREDIENTS), filled(pairs)
    draw, now, who = random.Random(11), clock.now(), person_of(patient(), clock.now())
    lists = [draw.sample(real, MEDICINES) for _ in range(ROUNDS)]

    def once(n: int) -> object:
        orders = [order_of(order(name, str(at)), at < 3, now) for at, name in enumerate(lists[n])]
        return screen(orders, who, knowledge)

    print(
        f"15 medicines, 3 of them proposed, against {knowledge.counts['pairs']:,} pairs: {spread(timed(once, ROUNDS))}"
    )


def over_http(folder: Path) -> None:
    draw, names = random.Random(13), list(INGREDIENTS)[:400]
    with Store(folder / "records.db") as store:
        records = store.open(SYSTEM, Purpose.OPERATIONS)
        for one in [*patient(), *(order(name, f"m{n}") for n, name in enumerate(names[:12]))]:
            records.update(one["resourceType"], one["id"], one)
        prescribing = Prescribing(store, Shelf(folder / "knowledge"))
        app = hooks.door(
            store, [Ordering("order-sign", Treatment(prescribing, folder / "models"))], identify_by(SECRET)
        )
        token = grant(SECRET, Actor("Practitioner/1", Role.CLINICIAN), Purpose.TREATMENT, timedelta(hours=1))

        async def ask() -> list[float]:
            transport, found = httpx.ASGITransport(app), []
            async with httpx.AsyncClient(transport=transport, base_url="https://salus.example") as client:
                for _ in range(300):
                    drafts = [order(name, f"d{n}", "draft") for n, name in enumerate(draw.sample(names, 3))]
                    bundle = {"resourceType": "Bundle", "type": "collection"}
                    entries = {"entry": [{"resource": one} for one in drafts]}
                    context = {"userId": "Practitioner/1", "patientId": "p", "draftOrders": bundle | entries}
                    body = {"hook": "order-sign", "hookInstance": "x", "context": context}
                    began = time.perf_counter()
                    answer = await client.post(
                        "/cds-services/salus-order-sign", json=body, headers={"Authorization": f"Bearer {token}"}
                    )
                    found.append(time.perf_counter() - began)
                    assert answer.status_code == 200, answer.text
            return found

        print(f"order-sign, 3 drafts beside 12 orders and {OBSERVATIONS} measurements: {spread(asyncio.run(ask()))}")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        over_http(Path(place))
    in_process(int(sys.argv[1]) if len(sys.argv) > 1 else 300_000)
