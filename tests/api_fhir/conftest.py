"""A door over an empty store, and a client of it without a network."""

import asyncio
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import httpx
import orjson
import pytest
from starlette.types import Message, Scope

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


# --- asked of several ---


class Wards:
    """The same question to several stores, as the same person."""

    def __init__(self, stores: list[Store], actor: Actor, purpose: Purpose) -> None:
        self.stores = stores
        self.doors = [fhir.door(store, lambda headers: (actor, purpose)) for store in stores]
        self.loop = asyncio.new_event_loop()

    def ask(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> list[dict[str, Any]]:
        """What each tells: status, headers, text."""
        return [self.loop.run_until_complete(asked(one, method, path, body, headers or {})) for one in self.doors]

    def close(self) -> None:
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()


async def asked(app: Any, method: str, path: str, body: Any, headers: dict[str, str]) -> dict[str, Any]:
    """What is told, with moments, made-up ids and cursors taken out."""
    place, _, query = path.partition("?")
    sent = body if isinstance(body, bytes) else b"" if body is None else orjson.dumps(body)
    named = {"content-type": "application/fhir+json", "host": "ward"} | headers
    scope: Scope = {
        "type": "http",
        "method": method,
        "path": f"/fhir{place}",
        "query_string": query.encode(),
        "headers": [(name.encode(), text.encode()) for name, text in named.items()],
    }
    told: list[Message] = []
    gone = asyncio.Event()

    async def receive() -> Message:
        if not gone.is_set():
            gone.set()
            return {"type": "http.request", "body": sent}
        return await asyncio.Future()

    async def send(message: Message) -> None:
        told.append(message)

    await app(scope, receive, send)
    text = b"".join(message.get("body", b"") for message in told[1:]).decode("utf-8", "replace")
    lines = [(name.decode(), plain(value.decode())) for name, value in told[0]["headers"] if name != b"content-length"]
    return {"status": told[0]["status"], "headers": lines, "text": plain(text)}


PASSING = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    r"|20[0-9-]{8}T[0-9:.]+(Z|[+-][0-9:]+)"
    r"|\w{3}, [0-9]{2} \w{3} [0-9]{4} [0-9:]{8} GMT"
    r"|(?<=_cursor=)[^\"&]*"
)


def plain(text: str) -> str:
    return PASSING.sub("*", text)


@pytest.fixture(scope="session")
def wards_of() -> type[Wards]:
    """For the same questions to several stores."""
    return Wards
