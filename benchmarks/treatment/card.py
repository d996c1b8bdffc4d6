"""The whole treatment card: in process, as a page, and at order-select and order-sign over HTTP.

    python benchmarks/treatment/card.py [ROUNDS]

One person of 70 with heart failure, atrial fibrillation, hypertension and diabetes, twelve orders and 500 measurements;
five pathways, and the effect models of the registry at SALUS_REGISTRY where one is named.
"""

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
from screen import order, patient, spread
from starlette.applications import Starlette

from salus.api import hooks
from salus.api.access import grant, identify_by
from salus.api.hooks.ordering import Ordering
from salus.assistants.bedside import Bedside
from salus.assistants.treatment.options import Treatment
from salus.assistants.treatment.prescribing import Prescribing
from salus.assistants.treatment.site import Shelf
from salus.base import clock
from salus.base.settings import Settings
from salus.codes.drugs import INGREDIENTS
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records import Store
from salus.web import pages
from salus.web.accounts import ACCOUNTS
from salus.web.session import SESSION, opened

SECRET = b"a secret of at least thirty-two bytes"
SUBJECT = {"subject": {"reference": "Patient/p"}}
PROBLEMS = ("84114007", "49436004", "38341003", "44054006")
MEASURED = (
    ("22748-8", 3.9, "mmol/L"),
    ("8480-6", 141, "mm[Hg]"),
    ("10230-1", 30, "%"),
    ("4548-4", 8.1, "%"),
    ("2160-0", 88, "umol/L"),
    ("2823-3", 4.4, "mmol/L"),
)
Json = dict[str, Any]


def somebody() -> list[Json]:
    today = str(clock.now().date())
    problems = [
        {
            "resourceType": "Condition",
            "id": f"c{code}",
            "code": {"coding": [{"system": "http://snomed.info/sct", "code": code}]},
            **SUBJECT,
        }
        for code in PROBLEMS
    ]
    results = [
        {
            "resourceType": "Observation",
            "id": f"r{code}",
            "status": "final",
            "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
            "effectiveDateTime": today,
            "valueQuantity": {"value": value, "code": unit},
            **SUBJECT,
        }
        for code, value, unit in MEASURED
    ]
    taken = [order(name, f"m{n}") for n, name in enumerate(list(INGREDIENTS)[40:400:30])]
    return [*patient(), *problems, *results, *taken]


def drafts(name: str) -> Json:
    entries = [{"resource": order(one, f"d{n}", "draft")} for n, one in enumerate((name, "paracetamol", "apixaban"))]
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


async def timed(ask: Callable[[int], Awaitable[httpx.Response]], rounds: int) -> list[float]:
    found = []
    for n in range(rounds):
        began = time.perf_counter()
        answer = await ask(n)
        found.append(time.perf_counter() - began)
        assert answer.status_code == 200, answer.text[:500]
    return found


async def asked(treatment: Treatment, app: Starlette, session: str, rounds: int) -> None:
    services: list[hooks.Service] = [Ordering(hook, treatment) for hook in ("order-select", "order-sign")]
    door = hooks.door(treatment.prescribing.store, services, identify_by(SECRET))
    token = grant(SECRET, Actor("Practitioner/1", Role.CLINICIAN), Purpose.TREATMENT, timedelta(hours=1))
    signed = {"Authorization": f"Bearer {token}"}
    names = ("bisoprolol", "carvedilol", "metoprolol", "lisinopril", "spironolactone", "empagliflozin")

    async with httpx.AsyncClient(transport=httpx.ASGITransport(door), base_url="https://salus.example") as client:
        for hook in ("order-select", "order-sign"):

            async def once(n: int, hook: str = hook) -> httpx.Response:
                context = {"userId": "Practitioner/1", "patientId": "p", "draftOrders": drafts(names[n % len(names)])}
                body = {"hook": hook, "hookInstance": "x", "context": context}
                return await client.post(f"/cds-services/salus-{hook}", json=body, headers=signed)

            await timed(once, 10)
            print(f"{hook}, 3 drafts, all layers, over HTTP: {spread(await timed(once, rounds))}")
    kept = {SESSION: session}
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://salus.example", cookies=kept
    ) as client:

        async def page(n: int) -> httpx.Response:
            return await client.get("/patients/p/options")

        await timed(page, 10)
        print(f"the page of options, over HTTP: {spread(await timed(page, rounds))}")


def main(rounds: int, folder: Path) -> None:
    registry = Path(os.environ.get("SALUS_REGISTRY", folder / "models"))
    settings = Settings(folder, folder / "records.db", registry, folder / "events", SECRET * 2, demo=True)
    with Store(settings.store) as store:
        records = store.open(SYSTEM, Purpose.OPERATIONS)
        for one in somebody():
            records.update(one["resourceType"], one["id"], one)
        treatment = Treatment(Prescribing(store, Shelf(folder / "knowledge")), registry)
        seen, busy = [], []
        for n in range(rounds + 10):
            began, worked = time.perf_counter(), time.process_time()
            card = treatment.options(records, "p")
            if n >= 10:
                seen.append(time.perf_counter() - began)
                busy.append(time.process_time() - worked)
        print(f"{len(card.options)} options, {len(card.medicines)} medicines, {len(card.benefits)} estimates")
        print(f"the card in process: {spread(seen)}; CPU {spread(busy)}")
        app = Starlette(routes=pages(store, Bedside(store, settings.registry), settings))
        asyncio.run(asked(treatment, app, opened(settings.secret, ACCOUNTS["clinician"]), rounds))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 300, Path(place))
