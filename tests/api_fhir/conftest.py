"""A door over an empty store, and a client of it without a network."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import httpx
import pytest

from salus.api import fhir
from salus.base.errors import Unauthorized
from salus.fhir import decode
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records import Store

PEOPLE = {
    b"system": (SYSTEM, Purpose.OPERATIONS),
    b"clinician": (Actor("Practitioner/doc", Role.CLINICIAN), Purpose.TREATMENT),
    b"nurse": (Actor("Practitioner/nurse", Role.NURSE), Purpose.TREATMENT),
    b"desk": (Actor("Practitioner/desk", Role.DESK), Purpose.OPERATIONS),
    b"administrator": (Actor("Practitioner/admin", Role.ADMINISTRATOR), Purpose.ADMINISTRATION),
    b"research": (Actor("Device/research", Role.SYSTEM), Purpose.RESEARCH),
    b"eva": (Actor("Patient/eva", Role.PATIENT, "eva"), Purpose.PATIENT_REQUEST),
}
BASE = "http://ward/fhir"


def identify(headers: Mapping[bytes, bytes]) -> tuple[Actor, Purpose]:
    try:
        return PEOPLE[headers[b"authorization"]]
    except KeyError:
        raise Unauthorized("Say who you are") from None


class Client:
    """`ask("GET", "/Patient/1", who="nurse", if_match=...)`: path or whole address; headers by name."""

    headers: Mapping[str, str] = {"authorization": "system", "content-type": "application/fhir+json"}

    def __init__(self, store: Store) -> None:
        self._transport = httpx.ASGITransport(fhir.door(store, identify))
        self.loop = asyncio.new_event_loop()

    def __call__(self, method: str, path: str, body: Any = None, who: str = "system", **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        given = {"content": body} if isinstance(body, bytes | str) else {"json": body} if body is not None else {}
        told = {**self.headers, "authorization": who, **named}
        return self.loop.run_until_complete(self.send(method, path.removeprefix(BASE), told, given))

    async def send(self, method: str, path: str, headers: dict[str, str], given: dict[str, Any]) -> httpx.Response:
        async with httpx.AsyncClient(transport=self._transport, base_url="http://ward") as client:
            answer = await client.request(method, f"/fhir{path}", headers=headers, **given)
        if answer.content and answer.headers["content-type"].startswith("application/fhir+json"):
            decode(answer.content)  # whatever is answered is valid FHIR itself
        return answer

    def close(self) -> None:
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()


@pytest.fixture
def store(new_place: Callable[[], str]) -> Iterator[Store]:
    with Store(new_place()) as opened:
        yield opened


@pytest.fixture(scope="session")
def client_of() -> Callable[[Store], Client]:
    """For stores that a whole file of tests shares."""
    return Client


@pytest.fixture
def ask(store: Store) -> Iterator[Client]:
    client = Client(store)
    yield client
    client.close()
