"""The whole treatment card: in process, as a page, at order-select and at order-sign, by the app as it is served.

    python benchmarks/treatment/card.py [ROUNDS]

One person of 70 with heart failure, atrial fibrillation, hypertension and diabetes, 13 orders and 506 measurements;
five pathways, and the models of the registry at SALUS_REGISTRY where one is named (copied, and sealed anew).
"""

import asyncio
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
from screen import order, patient, spread
from starlette.types import ASGIApp

from salus.api.access import grant
from salus.app import app
from salus.assistants.treatment.options import Treatment
from salus.assistants.treatment.prescribing import Prescribing
from salus.assistants.treatment.site import shelf_of
from salus.base import clock
from salus.base.settings import Settings
from salus.codes.drugs import INGREDIENTS
from salus.learning.effects.kept import EffectRegistry
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records import Store
from salus.web.accounts import ACCOUNTS
from salus.web.session import SESSION, opened

SECRET = b"a secret of at least thirty-two bytes" * 2
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
NAMES = ("bisoprolol", "carvedilol", "metoprolol", "simvastatin", "spironolactone", "empagliflozin")
Json = dict[str, Any]
Ask = Callable[[int], Awaitable[httpx.Response]]


def coded(system: str, code: str) -> Json:
    return {"code": {"coding": [{"system": system, "code": code}]}}


def somebody() -> list[Json]:
    today = {"status": "final", "effectiveDateTime": str(clock.now().date())}
    problems = [
        {"resourceType": "Condition", "id": f"c{code}", **coded("http://snomed.info/sct", code), **SUBJECT}
        for code in PROBLEMS
    ]
    results = [
        {"resourceType": "Observation", "id": f"r{code}", "valueQuantity": {"value": value, "code": unit}}
        | coded("http://loinc.org", code)
        | today
        | SUBJECT
        for code, value, unit in MEASURED
    ]
    taken = [order(name, f"m{n}") for n, name in enumerate(list(INGREDIENTS)[40:400:30])]
    return [*patient(), *problems, *results, *taken]


def call(hook: str, name: str) -> Json:
    drafts = [order(one, f"d{n}", "draft") for n, one in enumerate((name, "paracetamol", "apixaban"))]
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": one} for one in drafts]}
    context = {"userId": "Practitioner/1", "patientId": "p", "draftOrders": bundle}
    return {"hook": hook, "hookInstance": "x", "context": context}


async def timed(ask: Ask, rounds: int) -> str:
    found = []
    for n in range(rounds + 10):
        began = time.perf_counter()
        answer = await ask(n)
        found.append(time.perf_counter() - began)
        assert answer.status_code == 200, answer.text[:500]
    return spread(found[10:])


async def asked(served: ASGIApp, rounds: int) -> None:
    token = grant(SECRET, Actor("Practitioner/1", Role.CLINICIAN), Purpose.TREATMENT, timedelta(hours=1))
    bearer, kept = {"Authorization": f"Bearer {token}"}, {SESSION: opened(SECRET, ACCOUNTS["clinician"])}
    transport = httpx.ASGITransport(served)
    async with httpx.AsyncClient(transport=transport, base_url="https://salus.example", cookies=kept) as client:
        for hook in ("order-select", "order-sign"):

            async def ordered(n: int, hook: str = hook) -> httpx.Response:
                body = call(hook, NAMES[n % len(NAMES)])
                return await client.post(f"/cds-services/salus-{hook}", json=body, headers=bearer)

            print(f"{hook}, 3 drafts: {await timed(ordered, rounds)}")

        async def page(n: int) -> httpx.Response:
            return await client.get("/patients/p/options")

        print(f"the page of options: {await timed(page, rounds)}")


def in_process(settings: Settings, rounds: int) -> None:
    with Store(settings.store) as store:
        records = store.open(SYSTEM, Purpose.OPERATIONS)
        for one in somebody():
            records.update(one["resourceType"], one["id"], one)
        treatment = Treatment(Prescribing(store, shelf_of(settings.store)), settings.registry, settings.secret)
        found, busy = [], []
        for _ in range(rounds + 10):
            began, worked = time.perf_counter(), time.thread_time()
            card = treatment.options(records, "p")
            found.append(time.perf_counter() - began)
            busy.append(time.thread_time() - worked)
    print(f"{len(card.options)} options, {len(card.medicines)} medicines, {len(card.benefits)} estimates")
    print(f"the card in process: {spread(found[10:])}; of its thread {spread(busy[10:])}")


def main(rounds: int, folder: Path) -> None:
    settings = Settings(folder, folder / "records.db", folder / "models", folder / "events", SECRET, demo=True)
    if from_ := os.environ.get("SALUS_REGISTRY"):
        shutil.copytree(from_, settings.registry)
        sealing = EffectRegistry(settings.registry, SECRET)
        for name in sealing.names():
            sealing.sign(name, sealing.versions(name)[-1])
    served = app(settings)  # first, for it says how memory is swept
    in_process(settings, rounds)
    asyncio.run(asked(served, rounds))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 300, Path(place))
