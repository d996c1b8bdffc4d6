"""The door: from ASGI to an interaction and back. https://asgi.readthedocs.io/en/latest/specs/www.html

Every answer that is not a success is an OperationOutcome; a fault of ours says no more than that it is one.
"""

import asyncio
import atexit
import gc
import logging
import re
import sys
from collections.abc import Awaitable, Callable, Generator, Mapping
from functools import cache, partial

from starlette.types import ASGIApp, Receive, Scope, Send

from salus import fhir
from salus.api.access import Identify
from salus.api.fhir import asking
from salus.api.fhir.asking import Answer, Ask
from salus.api.fhir.bundle import bundle
from salus.api.fhir.capabilities import capabilities
from salus.api.fhir.create import create
from salus.api.fhir.delete import delete, delete_where
from salus.api.fhir.history import history
from salus.api.fhir.operations import OPERATIONS, operation
from salus.api.fhir.operations.graphql import graphql
from salus.api.fhir.patch import patch, patch_where
from salus.api.fhir.read import read
from salus.api.fhir.search import compartment_search, search, search_by_form
from salus.api.fhir.telling import in_chinese
from salus.api.fhir.topics import PLACE, topics
from salus.api.fhir.update import update, update_where
from salus.api.fhir.vread import vread
from salus.base.errors import Malformed, Missing, NotAcceptable, SalusError, TooLarge, WrongMedia, WrongMethod
from salus.records import Records, Store
from salus.ui.language import spoken

LOG = logging.getLogger(__name__)
PREFIX = "/fhir"
HOST = re.compile(r"[A-Za-z0-9._~-]{1,255}(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:[0-9]{1,5})?")  # RFC 3986, 3.2.2
MOST_BYTES = 64 << 20  # of a request's body
SELDOM = 50_000  # things made between two looks for reference cycles
SWITCH = 0.0005  # seconds; a read must not wait for 5 ms each time a thread that imports has the interpreter
Interaction = Callable[[Records, Ask], Awaitable[Answer]]

# What a path means, by its number of pieces and a fixed word in it: then the interaction by method.
PATHS: dict[tuple[int, str], dict[str, Interaction]] = {
    (0, ""): {"GET": search, "POST": bundle},
    (1, ""): {"GET": search, "POST": create, "PUT": update_where, "PATCH": patch_where, "DELETE": delete_where},
    (1, "_history"): {"GET": history},
    (1, "_search"): {"POST": search_by_form},
    (2, "_history"): {"GET": history},
    (2, "_search"): {"POST": search_by_form},
    (2, ""): {"GET": read, "PUT": update, "PATCH": patch, "DELETE": delete},
    (3, ""): {"GET": compartment_search},
    (3, "_history"): {"GET": history},
    (4, "_history"): {"GET": vread},
    (4, "_search"): {"POST": search_by_form},
}
OWN_MEDIA = (graphql, search_by_form, patch, patch_where)  # they judge the Content-Type themselves
WORDS = {1: 0, 2: 1, 3: 2, 4: 2}  # where in a path of so many pieces a fixed word stands
JSONS = ("application/fhir+json", "application/json", "text/json", "json", "application/*", "*/*", "")
XMLS = ("application/fhir+xml", "application/xml", "text/xml", "xml")
OF_OPERATIONS = (
    *JSONS, "application/fhir+ndjson", "application/ndjson", "application/x-ndjson", "ndjson", "text/csv", "csv",
    "application/vnd.apache.parquet", "parquet", "text/event-stream",
)  # fmt: skip


def door(store: Store, identify: Identify) -> ASGIApp:
    """An ASGI application for /fhir; `identify` says who asks and what for, or raises Unauthorized."""
    stay_awake()

    async def enter(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        headers = dict(scope["headers"])
        ask = Ask("", [], "", headers, "")
        try:
            ask = asked(scope, headers)
            answer = await served(store, identify, ask, receive)
        except SalusError as fault:
            answer = asking.of_fault(fault)
        except Exception as fault:  # the last line: nothing of it may reach the client, nor a body the log
            LOG.error("%s %s failed: %s", ask.method, "/".join(ask.parts[:1]), type(fault).__name__, exc_info=False)
            answer = asking.BROKEN
        if b"zh" in headers.get(b"accept-language", b"") and spoken(None, ask.header("accept-language"), "en") == "zh":
            answer = await asyncio.to_thread(in_chinese, answer)
        if ask.xml:
            answer = await asyncio.to_thread(asking.as_xml, answer)
        await told(answer.pretty() if ask.option("_pretty") == "true" else answer, scope["method"], receive, send)

    return enter


@cache
def stay_awake() -> None:
    """Let nothing in this process hold the interpreter for long: neither a thread that imports nor the collector of
    garbage, which need not look again and again at what is here for good (modules, definitions).
    """
    sys.setswitchinterval(SWITCH)
    gc.collect()
    gc.freeze()
    gc.set_threshold(SELDOM, *gc.get_threshold()[1:])  # a request makes many small things and no cycles
    atexit.register(gc.unfreeze)  # at the end all may go; DuckDB complains of what stays


def asked(scope: Scope, headers: Mapping[bytes, bytes]) -> Ask:
    """The request in our words, still without its body. Raises Malformed for a Host that cannot stand in links."""
    path = scope["path"].removeprefix(PREFIX).strip("/")
    method = "GET" if scope["method"] == "HEAD" else scope["method"]
    host = headers.get(b"host", b"localhost").decode("latin-1")
    if not HOST.fullmatch(host):
        raise Malformed(f"Host is {host[:60]!r}: send a name or an address, and a port", path="Host")
    query = scope["query_string"].decode("latin-1")
    return Ask(
        method, path.split("/") if path else [], query, headers, f"{scope.get('scheme', 'http')}://{host}{PREFIX}"
    )


async def served(store: Store, identify: Identify, ask: Ask, receive: Receive) -> Answer:
    """Raises SalusError with what stands in the way."""
    check_accept(ask)
    if ask.parts == ["metadata"] and ask.method == "GET":
        return await capabilities(store, ask)
    interaction = chosen(ask)
    actor, purpose = identify(ask.headers)
    records = store.open(actor, purpose)
    ask.still = partial(identify, ask.headers)  # no ring of references: those wait for the collector
    if ask.method in ("POST", "PUT", "PATCH"):
        if interaction not in OWN_MEDIA:
            check_content(ask)
        ask.body = await body(ask, receive)
        if ask.body and interaction not in OWN_MEDIA and media(ask.header("content-type") or "") in XMLS:
            ask.body = await asyncio.to_thread(fhir.xml.read, ask.body)
    return await interaction(records, ask)


def chosen(ask: Ask) -> Interaction:
    """Raises Missing for a path that leads nowhere, WrongMethod."""
    count = len(ask.parts)
    if ask.parts[:1] == [PLACE] and count < 3:
        if ask.method != "GET":
            raise WrongMethod(
                "Topics are files of the installation: GET them; a site's own stand in its folder `topics`"
            )
        return topics
    is_operation = bool(ask.parts) and ask.parts[-1].startswith("$")
    if count and ask.parts[0] not in fhir.RESOURCE_TYPES and not (is_operation and is_place(ask)) and not of_all(ask):
        raise Missing(f"'{ask.parts[0][:80]}' is not a resource type of FHIR R4", path=ask.parts[0][:80])
    if is_operation:
        return operation(ask)
    word = ask.parts[WORDS[count]] if count in WORDS else ""
    word = "_search" if count == 4 and ask.parts[3] == "_search" else word
    table = PATHS.get((count, word)) or PATHS.get((count, ""))
    if table is None or (word.startswith("_") and (count, word) not in PATHS):
        raise Missing(f"/{'/'.join(ask.parts)[:120]} leads nowhere: GET /metadata says what is here")
    if ask.method not in table:
        raise WrongMethod(f"{ask.method[:10]} is not served at this address: use {', '.join(table)}")
    return table[ask.method]


def is_place(ask: Ask) -> bool:
    """Whether an operation may stand there: at the system, or at what is no R4 type but has operations here."""
    return len(ask.parts) == 1 or any(ask.parts[0] in found.types for found in OPERATIONS.values() if found.types)


def of_all(ask: Ask) -> bool:
    """Whether the path is a word about all types together, such as /_history."""
    return len(ask.parts) == 1 and ask.parts[0].startswith("_") and (1, ask.parts[0]) in PATHS


def check_accept(ask: Ask) -> None:
    """Notes whether XML is wanted first. Raises NotAcceptable for what is no form that we write.

    https://hl7.org/fhir/R4/http.html#mime-type
    """
    wanted = ask.option("_format") or ask.header("accept") or ""
    if wanted in ("", "*/*", asking.JSON):
        return
    served = OF_OPERATIONS if ask.parts and ask.parts[-1].startswith("$") else JSONS
    fitting = [media(part) for part in wanted.split(",") if media(part) in (*served, *XMLS) and of_r4(part)]
    if not fitting:
        raise NotAcceptable(f"'{wanted[:80]}' is not served: ask for {asking.JSON} or {asking.XML} (FHIR R4)")
    ask.xml = fitting[0] in XMLS


def check_content(ask: Ask) -> None:
    """Raises WrongMedia for what is not FHIR R4 as JSON or XML in UTF-8."""
    said = ask.header("content-type") or asking.JSON
    charset = parameter(said, "charset")
    if media(said) not in (*JSONS[:3], *XMLS[:3]) or not of_r4(said) or charset not in (None, "utf-8", "utf8"):
        raise WrongMedia(f"Content-Type {said[:80]} is not read: send {asking.JSON} or {asking.XML} in UTF-8 (FHIR R4)")


def media(text: str) -> str:
    """
    >>> media("application/fhir+json; fhirVersion=4.0"), media("application/fhir json")
    ('application/fhir+json', 'application/fhir+json')
    """
    return text.partition(";")[0].strip().lower().replace(" ", "+")  # a plus in an address is a space


def parameter(text: str, name: str) -> str | None:
    """A parameter of a media type, in lower case.

    >>> parameter('application/json; Charset="UTF-8"', "charset")
    'utf-8'
    """
    pairs = (part.partition("=") for part in text.split(";")[1:])
    return next((value.strip().strip('"').lower() for key, _, value in pairs if key.strip().lower() == name), None)


def of_r4(text: str) -> bool:
    return parameter(text, "fhirversion") in (None, "4.0")


async def body(ask: Ask, receive: Receive) -> bytes:
    """The body. Raises TooLarge as soon as it is known."""
    length = ask.header("content-length") or ""
    if length.isascii() and length.isdigit() and int(length[:18]) > MOST_BYTES:
        raise TooLarge(f"The body has {length[:18]} bytes; {MOST_BYTES} are the most: send it in parts")
    pieces, size, more = [], 0, True
    while more:
        message = await receive()
        piece = message.get("body", b"")
        more = message.get("more_body", False)
        size += len(piece)
        if size > MOST_BYTES:
            raise TooLarge(f"The body has more than {MOST_BYTES} bytes: send it in parts")
        pieces.append(piece)
    return b"".join(pieces)


async def told(answer: Answer, method: str, receive: Receive, send: Send) -> None:
    if answer.live is not None and method != "HEAD":
        return await answer.live(receive, send)
    if answer.more is not None:
        return await told_in_pieces(answer, answer.more, method, receive, send)
    headers = [*answer.headers, (b"content-length", str(len(answer.body)).encode())]
    if answer.body and not any(name == b"content-type" for name, _ in answer.headers):
        headers.append(asking.CONTENT)
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if method == "HEAD" else answer.body})


async def left(receive: Receive) -> None:
    """Comes back when the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def told_in_pieces(answer: Answer, more: Generator[bytes], method: str, receive: Receive, send: Send) -> None:
    """As it is made, as long as somebody listens. What fails on the way cuts the connection, so that nobody takes a
    part for the whole."""
    gone = asyncio.ensure_future(left(receive))
    try:
        await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
        piece: bytes | None = None if method == "HEAD" else answer.body
        while piece is not None and not gone.done():
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            piece = await asyncio.to_thread(next, more, None)
        await send({"type": "http.response.body", "body": b""})
    except Exception as fault:  # the server logs what we raise: nothing of a body
        LOG.error("a table was cut off: %s", type(fault).__name__)
        raise ConnectionError("cut off, for the reason above") from None
    finally:
        gone.cancel()
        await asyncio.to_thread(more.close)
