"""Where payment providers send their notices: `POST /payments/{provider}/notices`, with a `Payment-Signature`.

Nobody signs in here: what counts is the signature over the exact bytes. What was taken is answered by 200, however
often it is sent; what was altered by 403, what is of no order of ours by 404.
"""

from collections.abc import Mapping

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from salus.base.errors import Missing, SalusError, TooLarge
from salus.records import Store
from salus.services.billing.payments import Provider, noticed
from salus.services.billing.payments.port import Notice

LARGEST = 64 << 10  # bytes of a notice
SIGNATURE = "payment-signature"


def door(store: Store, providers: Mapping[str, Provider]) -> ASGIApp:
    """The door for the notices of these providers."""

    async def notices(request: Request) -> Response:
        name = request.path_params["provider"]
        if name not in providers:
            raise Missing(f"There is no payment provider {name[:40]!r} here", path="provider")
        notice = Notice(await body_of(request), request.headers.get(SIGNATURE, ""))
        payment = await run_in_threadpool(noticed, store, providers[name], notice)
        return JSONResponse({"payment": payment.id, "status": payment.status.name.lower()})

    routes = [Route("/payments/{provider}/notices", notices, methods=["POST"])]
    return Starlette(routes=routes, exception_handlers={SalusError: refused, Exception: broken})


async def body_of(request: Request) -> bytes:
    """Raises TooLarge."""
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > LARGEST:
            raise TooLarge(f"More than {LARGEST} bytes: a notice is shorter")
    return body


async def refused(_: Request, fault: Exception) -> Response:
    assert isinstance(fault, SalusError)
    return JSONResponse({"error": str(fault)}, fault.status)


async def broken(_: Request, fault: Exception) -> Response:
    return JSONResponse({"error": f"Something of ours broke ({type(fault).__name__})"}, 500)
