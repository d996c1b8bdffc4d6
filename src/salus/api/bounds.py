"""How much of a connection one client may take: so long a head, so long a time for a request to come in.

uvicorn with httptools bounds neither: a head without end fills the memory, and a thousand requests that come a byte a
minute leave no connection for anybody else. https://www.rfc-editor.org/rfc/rfc6585#section-5 (431),
https://www.rfc-editor.org/rfc/rfc9110#section-15.5.9 (408)
"""

from asyncio import Transport
from asyncio.events import TimerHandle
from typing import cast

import orjson
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from salus import fhir
from salus.api.corking import Corked
from salus.base.errors import Issue

MOST_HEAD = 64 << 10  # bytes of a request line with its headers
PATIENCE = 20.0  # seconds for a request to come in, and one more for each
SLOWEST = 10_000  # bytes of it

REFUSALS = {
    408: ("Request Timeout", f"The request came too slowly: send it in {PATIENCE:g} s, {SLOWEST} bytes/s or more"),
    431: ("Request Header Fields Too Large", f"The head of the request is longer than {MOST_HEAD} bytes: shorten it"),
}  # fmt: skip


def refusal(status: int) -> bytes:
    """A whole HTTP answer, after which the connection ends."""
    reason, text = REFUSALS[status]
    body = orjson.dumps(fhir.outcome([Issue("too-long" if status == 431 else "timeout", "", text)]))
    head = f"HTTP/1.1 {status} {reason}\r\ncontent-type: application/fhir+json; charset=utf-8\r\n"
    return f"{head}content-length: {len(body)}\r\nconnection: close\r\n\r\n".encode() + body


class Bounded(HttpToolsProtocol):
    """One connection. What is asked in time and in bounds is served as ever."""

    _timer: TimerHandle | None = None
    _in_head = True
    _head = 0  # bytes of the head so far
    _received = 0  # bytes of the request so far
    _began = 0.0

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        super().connection_made(cast(Transport, Corked(transport, self.loop)))
        self._begin()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._received += len(data)
        if self._in_head:
            self._head += len(data)
        super().data_received(data)
        if self._in_head and self._head > MOST_HEAD:
            self._refuse(431)
        elif self._received and self._timer is None:  # what comes whole needs no clock
            self._begin()

    def on_headers_complete(self) -> None:
        self._in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._end()

    def _begin(self) -> None:
        self._began = self.loop.time()
        self._timer = self.loop.call_later(PATIENCE, self._look)

    def _end(self) -> None:
        """The request is here: how long its answer takes is our matter."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._in_head, self._head, self._received = None, True, 0, 0

    def _look(self) -> None:
        left = self._began + PATIENCE + self._received / SLOWEST - self.loop.time()
        if left > 0:
            self._timer = self.loop.call_later(left, self._look)
        else:
            self._refuse(408)

    def _refuse(self, status: int) -> None:
        self._end()
        if self.transport.is_closing():
            return
        if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
            self.transport.write(refusal(status))
        self.transport.close()
