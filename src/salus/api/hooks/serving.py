"""The ASGI application for `/cds-services`: discovery, and for each service its cards and its feedback."""

from collections.abc import Mapping
from typing import Protocol

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from salus.api.access import Identify
from salus.api.hooks.calls import Call, Feedback, FeedbackList, Json, read
from salus.base import faults
from salus.base.errors import Missing, SalusError, TooLarge, Unauthorized, Unsupported
from salus.privacy import check_may_be_advised
from salus.records import Records, Store

LARGEST = 32 * 1024 * 1024  # bytes of a request


class Service(Protocol):
    """One CDS service: which hook it answers, which data it asks for, what it says and what it does with answers."""

    id: str
    hook: str
    prefetch: Mapping[str, str]

    def named(self, language: str) -> tuple[str, str]:
        """Title and description."""

    def cards(self, records: Records, call: Call, language: str, base: str) -> list[Json]:
        """The cards for one call. Raises Lacking when the patient is neither prefetched nor in the store."""

    def heed(self, records: Records, said: Feedback) -> None:
        """Keep one feedback. Raises Missing (not our card), Invalid (a choice that it did not offer)."""


async def body_of(request: Request) -> bytes:
    """The whole body. Raises TooLarge above `LARGEST`."""
    pieces, size = [], 0
    async for piece in request.stream():
        size += len(piece)
        if size > LARGEST:
            raise TooLarge(f"More than {LARGEST} bytes: send fewer resources")
        pieces.append(piece)
    return b"".join(pieces)


def language_of(request: Request) -> str:
    """`zh` when the client asks for Chinese first, else `en`. https://www.rfc-editor.org/rfc/rfc9110#field.accept-language"""
    return "zh" if request.headers.get("accept-language", "").lower().startswith("zh") else "en"


def described(service: Service, language: str) -> Json:
    """One service in the discovery answer."""
    title, description = service.named(language)
    return {
        "hook": service.hook,
        "id": service.id,
        "title": title,
        "description": description,
        "prefetch": dict(service.prefetch),
    }


# errors


def told(fault: SalusError, language: str) -> Response:
    """An error as plain JSON: each issue with code, path and words in the caller's language."""
    issues = [{"code": one.code, "path": one.path, "text": one.text} for one in faults.issues_of(fault, language)]
    headers = {"WWW-Authenticate": "Bearer"} if isinstance(fault, Unauthorized) else None
    return JSONResponse({"error": faults.told(str(fault), language), "issues": issues}, fault.status, headers)


async def refused(request: Request, fault: Exception) -> Response:
    assert isinstance(fault, SalusError)
    return told(fault, language_of(request))


async def unserved(_: Request, fault: Exception) -> Response:
    assert isinstance(fault, HTTPException)
    return JSONResponse({"error": fault.detail, "issues": []}, fault.status_code, fault.headers)


async def broken(_: Request, fault: Exception) -> Response:
    return JSONResponse({"error": f"Something of ours broke ({type(fault).__name__})", "issues": []}, 500)


def door(store: Store, services: list[Service], identify: Identify, base: str | None = None) -> ASGIApp:
    """The door to these services. `base`: the public address for links; None takes the request's own."""
    by_id = {service.id: service for service in services}

    def records_for(request: Request) -> Records:
        actor, purpose = identify(dict(request.scope["headers"]))
        check_may_be_advised(actor)
        return store.open(actor, purpose)

    def asked(request: Request) -> Service:
        name = request.path_params["service"]
        if name not in by_id:
            raise Missing(f"'{name[:64]}' is no service here: {', '.join(by_id)} are", path="service")
        return by_id[name]

    async def discovery(request: Request) -> Response:
        return JSONResponse({"services": [described(one, language_of(request)) for one in services]})

    async def cards(request: Request) -> Response:
        records, service = records_for(request), asked(request)
        call: Call = read(await body_of(request), Call)
        if call.hook != service.hook:
            raise Unsupported(f"{service.id} answers the hook {service.hook}, not '{call.hook}'", path="hook")
        address = base if base is not None else str(request.base_url).rstrip("/")
        return JSONResponse(
            {"cards": await run_in_threadpool(service.cards, records, call, language_of(request), address)}
        )

    async def feedback(request: Request) -> Response:
        records, service = records_for(request), asked(request)
        for said in read(await body_of(request), FeedbackList).feedback:
            await run_in_threadpool(service.heed, records, said)
        return JSONResponse({})

    routes = [
        Route("/cds-services", discovery),
        Route("/cds-services/{service}", cards, methods=["POST"]),
        Route("/cds-services/{service}/feedback", feedback, methods=["POST"]),
    ]
    return Starlette(
        routes=routes, exception_handlers={SalusError: refused, HTTPException: unserved, Exception: broken}
    )
