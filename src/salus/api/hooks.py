"""CDS Hooks 2.0: the assistants' door for other systems. https://cds-hooks.hl7.org/2.0/

    GET  /cds-services                            what there is, and which data to send along (open: no patient in it)
    POST /cds-services/salus-diagnosis            patient-view: cards on one patient
    POST /cds-services/salus-diagnosis/feedback   what the clinician did with a card

Prefetched data are read when all of it is there, and are never stored; otherwise the patient is looked up in the store.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from salus import fhir
from salus.analytics.events import TYPES
from salus.api.access import Identify
from salus.assistants.answers import NOT_STATED, REASON_SYSTEM, Said
from salus.assistants.bedside import Bedside
from salus.assistants.diagnosis.card import card, choice_id, offered
from salus.assistants.suggestion import Suggestion
from salus.base import clock
from salus.base.errors import (
    Gone,
    Invalid,
    Issue,
    Lacking,
    Malformed,
    Missing,
    SalusError,
    TooLarge,
    Unauthorized,
    Unsupported,
)
from salus.base.words import words_of
from salus.privacy import check_may
from salus.privacy.policy import Act
from salus.records import Records, Store

SERVICE, HOOK = "salus-diagnosis", "patient-view"
LARGEST = 32 * 1024 * 1024  # bytes of a request
FOREIGN = "urn:cds-client"  # stands for the server of a client that does not name its own

# prefetch key -> FHIR query; the keys are the types that events are made of (answers to us are only in our own store)
TEMPLATES = {
    kind: f"{kind}/{{{{context.patientId}}}}" if kind == "Patient" else f"{kind}?patient={{{{context.patientId}}}}"
    for kind in sorted({*TYPES} - {"ClinicalImpression"})
}

Json = dict[str, Any]
Id = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9.\-]{1,64}$")]  # https://hl7.org/fhir/R4/datatypes.html#id
Url = Annotated[str, msgspec.Meta(pattern=r"^https?://[^\s<>\"']+$", max_length=500)]


class Context(msgspec.Struct):
    """https://cds-hooks.hl7.org/hooks/patient-view/2020SepSTU2/patient-view/"""

    userId: str
    patientId: Id
    encounterId: str | None = None


class Call(msgspec.Struct):
    """https://cds-hooks.hl7.org/2.0/#http-request_1"""

    hook: str
    hookInstance: str
    context: Context
    fhirServer: Url | None = None
    prefetch: dict[str, msgspec.Raw] = {}


class Coding(msgspec.Struct):
    code: str
    system: str = ""
    display: str = ""


class Override(msgspec.Struct):
    reason: Coding | None = None
    userComment: str = ""


class Accepted(msgspec.Struct):
    id: str


class Feedback(msgspec.Struct):
    """https://cds-hooks.hl7.org/2.0/#feedback"""

    card: str
    outcome: Literal["accepted", "overridden"]
    outcomeTimestamp: datetime
    acceptedSuggestions: list[Accepted] = []
    overrideReason: Override = msgspec.field(default_factory=Override)


class FeedbackList(msgspec.Struct):
    feedback: list[Feedback]


# reading a request


def read(body: bytes, shape: type[Any]) -> Any:
    """The request in its shape. Raises Malformed (not JSON: 400) or Invalid (422) with the path of what is wrong."""
    try:
        return msgspec.json.decode(body, type=shape)
    except msgspec.ValidationError as fault:
        text, _, path = str(fault).partition(" - at `$")
        raise Invalid(f"{text}: see https://cds-hooks.hl7.org/2.0/", path=path.strip(".`")) from fault
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        raise Malformed(f"The request is not JSON: {fault}") from fault


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


def resources_in(key: str, raw: bytes) -> Iterator[Json]:
    """The resources under one prefetch key: the one, or those of a searchset; none for null (nothing to find).

    Raises Invalid when one of them is no valid FHIR: a decision on half-read data would be worse than none.
    """
    if raw == b"null":
        return
    try:
        fhir.decode(raw)
    except SalusError as fault:
        issues = [Issue(one.code, f"prefetch.{key}.{one.path}", one.text, one.severity) for one in fault.issues]
        raise Invalid(str(fault), issues=issues) from fault
    whole = msgspec.json.decode(raw)
    found = [one["resource"] for one in whole.get("entry", [])] if whole["resourceType"] == "Bundle" else [whole]
    yield from (one for one in found if one["resourceType"] in TYPES)


def is_partial(raw: bytes) -> bool:
    """Whether a searchset has a next page, which the specification forbids and nobody here could fetch."""
    return b'"next"' in raw and any(
        link.get("relation") == "next" for link in msgspec.json.decode(raw).get("link", []) if isinstance(link, dict)
    )


def prefetched(call: Call) -> list[Json] | None:
    """All prefetched resources; None unless every template was satisfied in full and the patient is among them."""
    given = {key: bytes(raw) for key, raw in call.prefetch.items() if key in TEMPLATES}
    if TEMPLATES.keys() - given.keys() or given["Patient"] == b"null" or any(map(is_partial, given.values())):
        return None
    found = [resource for key, raw in given.items() for resource in resources_in(key, raw)]
    mine = any(one["resourceType"] == "Patient" and one.get("id") == call.context.patientId for one in found)
    return found if mine else None


# the three interactions


def services(language: str) -> Json:
    """The answer of the discovery endpoint."""
    words = words_of("salus.assistants")
    return {
        "services": [
            {
                "hook": HOOK,
                "id": SERVICE,
                "title": words("card.source", language),
                "description": words("service.description", language),
                "prefetch": TEMPLATES,
            }
        ]
    }


def suggestions(bedside: Bedside, records: Records, call: Call) -> list[Suggestion]:
    """On prefetched data if they are whole, else on the store. Raises Lacking when the patient is in neither."""
    if call.hook != HOOK:
        raise Unsupported(f"{SERVICE} answers the hook {HOOK}, not '{call.hook}'", path="hook")
    found = prefetched(call)
    if found is not None:
        check_may(records.actor, records.purpose, Act.READ, "RiskAssessment")
        server = (call.fhirServer or FOREIGN).rstrip("/")
        return bedside.suggestions_from(found, call.context.patientId, server)
    try:
        return bedside.suggestions(records, call.context.patientId)
    except (Missing, Gone) as fault:
        wanted = ", ".join(sorted(TEMPLATES.keys() - call.prefetch.keys()))
        raise Lacking(
            f"Patient/{call.context.patientId} is not in this store: prefetch in full {wanted or 'every template'}",
            path="prefetch",
        ) from fault


def taken_at(said: Feedback) -> datetime:
    """When the clinician did it; a time without a zone is UTC, and one that has not come yet is now."""
    stamp = said.outcomeTimestamp
    return min(stamp if stamp.tzinfo else stamp.replace(tzinfo=UTC), clock.now())


def why_overridden(why: Override) -> tuple[str, str]:
    """The reason's code and the words beside it; a reason that the client made up itself is words."""
    if why.reason and why.reason.system == REASON_SYSTEM:
        return why.reason.code, why.userComment
    own = why.reason.display or why.reason.code if why.reason else ""
    words = "; ".join(part for part in (own, why.userComment) if part)
    return ("" if words else NOT_STATED), words


def heed(bedside: Bedside, records: Records, said: Feedback) -> None:
    """Store one feedback as an answer. Raises Missing (not our card), Invalid (a choice it did not offer)."""
    at = taken_at(said)
    if said.outcome == "overridden":
        reason, comment = why_overridden(said.overrideReason)
        bedside.answer(records, said.card, Said("refused", reason, comment, at=at))
        return
    suggestion = bedside.find(records, said.card)
    chosen = {one.id for one in said.acceptedSuggestions}
    claims = [claim for claim in offered(suggestion) if choice_id(said.card, claim.code) in chosen]
    if not claims:
        raise Invalid(f"Card {said.card} offered none of {sorted(chosen)}", path="acceptedSuggestions")
    leading = suggestion.leading
    agreed = leading is not None and claims[0] == leading.claim
    bedside.answer(records, said.card, Said("accepted", at=at) if agreed else Said("changed", to=claims[0], at=at))


# the door


def told(fault: SalusError) -> Response:
    """An error as plain JSON: each issue with code, path and words."""
    issues = [{"code": one.code, "path": one.path, "text": one.text} for one in fault.issues]
    headers = {"WWW-Authenticate": "Bearer"} if isinstance(fault, Unauthorized) else None
    return JSONResponse({"error": str(fault), "issues": issues}, fault.status, headers)


async def refused(_: Request, fault: Exception) -> Response:
    assert isinstance(fault, SalusError)
    return told(fault)


async def unserved(_: Request, fault: Exception) -> Response:
    assert isinstance(fault, HTTPException)
    return JSONResponse({"error": fault.detail, "issues": []}, fault.status_code, fault.headers)


async def broken(_: Request, fault: Exception) -> Response:
    return JSONResponse({"error": f"Something of ours broke ({type(fault).__name__})", "issues": []}, 500)


def door(store: Store, bedside: Bedside, identify: Identify, base: str | None = None) -> ASGIApp:
    """The ASGI application for `/cds-services`. `base`: the public address for links; None takes the request's own."""

    def records_for(request: Request) -> Records:
        actor, purpose = identify(dict(request.scope["headers"]))
        return store.open(actor, purpose)

    async def discovery(request: Request) -> Response:
        return JSONResponse(services(language_of(request)))

    async def service(request: Request) -> Response:
        records = records_for(request)
        call = read(await body_of(request), Call)
        said = await run_in_threadpool(suggestions, bedside, records, call)
        address = base if base is not None else str(request.base_url).rstrip("/")
        return JSONResponse({"cards": [card(one, language_of(request), address) for one in said]})

    async def feedback(request: Request) -> Response:
        records = records_for(request)
        for said in read(await body_of(request), FeedbackList).feedback:
            await run_in_threadpool(heed, bedside, records, said)
        return JSONResponse({})

    routes = [
        Route("/cds-services", discovery),
        Route(f"/cds-services/{SERVICE}", service, methods=["POST"]),
        Route(f"/cds-services/{SERVICE}/feedback", feedback, methods=["POST"]),
    ]
    return Starlette(
        routes=routes, exception_handlers={SalusError: refused, HTTPException: unserved, Exception: broken}
    )
