"""A small real store with two people in it, and a browser's worth of HTTP without a network."""

import asyncio
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from salus.assistants.bedside import Bedside
from salus.base.settings import Settings
from salus.privacy import SYSTEM, Purpose
from salus.records import Store
from salus.web import pages

TAGS = {"tag": [{"system": "https://salus.example/tags", "code": "synthetic"}]}
LI = {
    "resourceType": "Patient",
    "id": "li",
    "meta": TAGS,
    "identifier": [{"system": "https://salus.example/mrn", "value": "81004217"}],
    "name": [
        {"text": "李梅华", "family": "李", "given": ["梅华"]},
        {"text": "Li Meihua", "family": "Li", "given": ["Meihua"]},
    ],
    "gender": "female",
    "birthDate": "1952-03-14",
}
WANG = {"resourceType": "Patient", "id": "wang", "name": [{"family": "Wang", "given": ["Wei"]}], "gender": "male"}
LOINC, SNOMED = "http://loinc.org", "http://snomed.info/sct"


@pytest.fixture(scope="module", autouse=True)
def any_day(same_morning: None) -> None:
    """On another day there may be no price, no doctor, or midnight."""


def coded(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}


def observed(id: str, loinc: str, value: float, unit: str, day: str, category: str = "laboratory") -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "category": [coded("http://terminology.hl7.org/CodeSystem/observation-category", category)],
        "code": coded(LOINC, loinc),
        "subject": {"reference": "Patient/li"},
        "effectiveDateTime": f"{day}T08:30:00+08:00",
        "valueQuantity": {"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit},
    }


def of_li() -> list[dict[str, Any]]:
    """What the chart of Li shows."""
    subject = {"reference": "Patient/li"}
    signs = [
        observed(f"hr-{month}", "8867-4", 70 + 5 * month, "/min", f"2026-{month:02}-10", "vital-signs")
        for month in range(1, 9)
    ]
    pressure = observed("bp", "85354-9", 0, "mm[Hg]", "2026-08-10", "vital-signs")
    del pressure["valueQuantity"]
    pressure["component"] = [
        {"code": coded(LOINC, code), "valueQuantity": {"value": value, "code": "mm[Hg]", "unit": "mmHg"}}
        for code, value in (("8480-6", 152), ("8462-4", 84))
    ]
    return [
        *signs,
        pressure,
        observed("a1c", "4548-4", 8.5, "%", "2026-08-10"),
        observed("na", "2951-2", 140, "mmol/L", "2026-08-10"),
        {
            "resourceType": "Condition",
            "id": "t2dm",
            "clinicalStatus": coded("http://terminology.hl7.org/CodeSystem/condition-clinical", "active"),
            "code": coded(SNOMED, "44054006"),
            "subject": subject,
            "onsetDateTime": "2018-01-02",
        },
        {
            "resourceType": "AllergyIntolerance",
            "id": "penicillin",
            "criticality": "high",
            "code": {"text": "Penicillin <V>"},
            "patient": subject,
        },
        {
            "resourceType": "MedicationRequest",
            "id": "metformin",
            "status": "active",
            "intent": "order",
            "medicationCodeableConcept": coded("http://www.whocc.no/atc", "A10BA02"),
            "subject": subject,
            "authoredOn": "2018-01-02",
            "dosageInstruction": [{"text": "500 mg bid"}],
        },
        {
            "resourceType": "Encounter",
            "id": "visit",
            "status": "finished",
            "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
            "subject": subject,
            "period": {"start": "2026-08-10T08:00:00+08:00", "end": "2026-08-10T09:00:00+08:00"},
        },
    ]


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with Store(tmp_path_factory.mktemp("web") / "salus.db") as opened:
        records = opened.open(SYSTEM, Purpose.OPERATIONS)
        for body in (LI, WANG, *of_li()):
            records.update(body["resourceType"], body["id"], body)
        yield opened


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("house")
    return Settings(folder, folder / "salus.db", folder / "models", folder / "events", b"s" * 64, demo=True)


class Browser:
    """Someone at the pages: keeps cookies, finds the token in the page before it sends a form, follows no redirect."""

    def __init__(self, app: Starlette) -> None:
        self.app, self.cookies, self.headers = app, httpx.Cookies(), httpx.Headers()

    def ask(self, method: str, address: str, headers: dict[str, str], **more: Any) -> httpx.Response:
        async def once() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(
                transport=transport, base_url="http://salus.example", cookies=self.cookies
            ) as client:
                answer = await client.request(method, address, headers={**self.headers, **headers}, **more)
                self.cookies = client.cookies
                return answer

        return asyncio.run(once())

    def get(self, address: str, headers: dict[str, str] | None = None, **more: Any) -> httpx.Response:
        return self.ask("GET", address, headers or {}, **more)

    def post(self, address: str, data: dict[str, str], headers: dict[str, str] | None = None) -> httpx.Response:
        return self.ask("POST", address, headers or {}, data=data)

    def send_form(self, page: str, address: str, **fields: str) -> httpx.Response:
        token = re.search(r'name="form_token" value="([0-9a-f]+)"', self.get(page).text)
        return self.post(address, data=fields | {"form_token": token[1] if token else ""})

    def sign_in(self, account: str) -> "Browser":
        assert 303 == self.send_form("/sign-in", "/sign-in", account=account).status_code
        return self

    def speaking(self, language: str) -> "Browser":
        self.cookies.set("salus_language", language, domain="salus.example")
        return self


def house(store: Store, settings: Settings) -> Starlette:
    return Starlette(routes=pages(store, Bedside(store, settings.registry), settings))


@pytest.fixture(scope="session")
def house_of() -> Callable[[Store, Settings], Starlette]:
    """Opens the doors of another store."""
    return house


@pytest.fixture(scope="session")
def browser_of() -> type[Browser]:
    return Browser


@pytest.fixture(scope="session")
def app(store: Store, settings: Settings) -> Starlette:
    return house(store, settings)


@pytest.fixture
def someone(app: Starlette) -> Callable[..., Browser]:
    """`someone("clinician")` is a browser that has signed in; `someone()` one that has not."""

    def arrive(account: str = "", language: str = "en") -> Browser:
        browser = Browser(app).speaking(language)
        return browser.sign_in(account) if account else browser

    return arrive


@pytest.fixture
def at(ward: Store, tmp_path: Path) -> Callable[..., Browser]:
    """`at("clinician")` is someone signed in at the ward that a test module lays."""
    told = Settings(tmp_path, tmp_path / "records.db", tmp_path / "m", tmp_path / "e", b"s" * 64, demo=True)
    doors = house(ward, told)
    return lambda account, language="en": Browser(doors).speaking(language).sign_in(account)
