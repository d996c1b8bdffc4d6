"""A request and an answer at the door, in our words."""

import re
from collections.abc import Awaitable, Callable, Generator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from functools import lru_cache
from http import HTTPStatus

import msgspec
import orjson
from starlette.types import Receive, Send

from salus import fhir
from salus.base.errors import Issue, Malformed, SalusError, Unsupported
from salus.records import Version, etag
from salus.records.search.query import pairs_of

JSON, XML = "application/fhir+json", "application/fhir+xml"
CONTENT = (b"content-type", b"application/fhir+json; charset=utf-8")


@dataclass(slots=True)
class Ask:
    """`parts`: the path after /fhir, by slashes. `base`: the address of /fhir, as the client knows it. `still` raises
    Unauthorized when who asks is no longer let in: for answers that go on for long."""

    method: str
    parts: list[str]
    query: str
    headers: Mapping[bytes, bytes]
    base: str
    body: bytes = b""
    still: Callable[[], object] = lambda: None
    xml: bool = False  # whether the answer shall be XML
    _said: dict[str, str] | None = None

    @property
    def said(self) -> dict[str, str]:
        """The last value of each query parameter."""
        if self._said is None:
            self._said = dict(pairs_of(self.query))
        return self._said

    def header(self, name: str) -> str | None:
        """A header's text, None where it is absent."""
        found = self.headers.get(name.encode())
        return None if found is None else found.decode("latin-1")

    def option(self, name: str) -> str | None:
        """The last value of a query parameter."""
        if name not in self.query and "%" not in self.query:
            return None
        return self.said.get(name)

    def preference(self, name: str) -> str | None:
        """What the Prefer header says of `name`; the first counts. https://www.rfc-editor.org/rfc/rfc7240"""
        for part in re.split("[,;]", self.header("prefer") or ""):
            key, _, value = part.partition("=")
            if key.strip().lower() == name:
                return value.strip().strip('"')
        return None

    def only(self, *names: str) -> None:
        """Raises Unsupported for a query parameter that is none of these."""
        for name in self.said if self.query else ():
            if name not in (*names, "_format", "_pretty"):
                raise Unsupported(f"'{name[:80]}' is not a parameter of this interaction: leave it out", path=name[:80])


@dataclass(slots=True)
class Answer:
    """`more`: what comes after the body, piece by piece, each made in a thread; closed when it is no longer heard.
    `live`: an answer that is given while it comes about, and sends itself."""

    status: int
    body: bytes = b""
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    more: Generator[bytes] | None = None
    live: Callable[[Receive, Send], Awaitable[None]] | None = None

    def pretty(self) -> "Answer":
        """The same, for people to read; what is no JSON stays as it is."""
        plain = self.body and not any(name == b"content-type" for name, _ in self.headers)
        return Answer(self.status, msgspec.json.format(self.body), self.headers) if plain else self


def as_xml(answer: Answer) -> Answer:
    """A resource as XML; what is none, or has a form of its own, stays as it is. https://hl7.org/fhir/R4/xml.html"""
    if not answer.body.startswith(b'{"resourceType"') or any(name == b"content-type" for name, _ in answer.headers):
        return answer
    try:
        body = fhir.xml.write(answer.body)
    except SalusError as fault:
        return of_fault(fault)
    return Answer(answer.status, body, [*answer.headers, (b"content-type", f"{XML}; charset=utf-8".encode())])


def of_version(version: Version, status: int = 200) -> Answer:
    """A resource with its ETag and Last-Modified. https://hl7.org/fhir/R4/http.html#versioning"""
    return Answer(status, version.body, stamps(version))


def stamps(version: Version) -> list[tuple[bytes, bytes]]:
    return [
        (b"etag", b'W/"%d"' % version.version),
        (b"last-modified", http_date(version.updated)),
    ]


@lru_cache(1024)  # all that one transaction wrote has the same
def http_date(moment: datetime) -> bytes:
    return format_datetime(moment, usegmt=True).encode()


def of_fault(fault: SalusError) -> Answer:
    """An OperationOutcome with the status of the fault. https://hl7.org/fhir/R4/operationoutcome.html"""
    headers = [MORE[fault.status]] if fault.status in MORE else []
    return Answer(fault.status, orjson.dumps(fhir.outcome(fault.issues)), headers)


MORE = {401: (b"www-authenticate", b'Bearer realm="salus"'), 503: (b"retry-after", b"1")}
BROKEN = Answer(
    500,
    orjson.dumps(
        fhir.outcome([Issue("exception", "", "Something here is broken; it was noted. Trying again will not help.")])
    ),
)


def written(ask: Ask, version: Version) -> Answer:
    """The answer to a create or update, as `Prefer` asks. https://hl7.org/fhir/R4/http.html#ops"""
    created = version.version == 1 and not version.unchanged
    status = HTTPStatus.CREATED if created else HTTPStatus.OK
    location = f"{ask.base}/{version.reference}/_history/{version.version}"
    headers = [*stamps(version), (b"location", location.encode())]
    preferred = ask.preference("return")
    if preferred == "minimal":
        return Answer(status, b"", headers)
    if preferred == "OperationOutcome":
        done = Issue("informational", "", f"{version.reference} is at version {version.version}", "information")
        return Answer(status, orjson.dumps(fhir.outcome([done])), headers)
    return Answer(status, version.body, headers)


def expected(ask: Ask) -> int | None:
    """The version that a write is for: of If-Match, or 0 for `If-None-Match: *`, which is for what is not there yet.

    None where neither is said. Raises Malformed. https://www.rfc-editor.org/rfc/rfc9110#section-13.1.2
    """
    absent = ask.header("if-none-match")
    if absent is None:
        return etag(ask.header("if-match"))
    if absent.strip() != "*" or ask.header("if-match") is not None:
        raise Malformed(f"If-None-Match is {absent[:60]}: a write takes `*`, and no If-Match", path="If-None-Match")
    return 0


def modified_since(text: str | None) -> datetime | None:
    """The moment of an If-Modified-Since header; None where it is absent. Raises Malformed."""
    if text is None:
        return None
    try:
        found = parsedate_to_datetime(text)
        return found if found.tzinfo else found.replace(tzinfo=UTC)  # "-0000" says UTC from nowhere
    except ValueError:
        raise Malformed(f"If-Modified-Since is {text[:60]}: write an HTTP date") from None
