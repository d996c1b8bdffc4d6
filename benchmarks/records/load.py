"""Servers in processes of their own, and clients that load them: what the HTTP benchmarks share.

A client writes prepared requests to kept-alive connections with as little work as can be, so that the one process of
clients is not what is measured. CPU seconds are the server's own, of all its processes, from /proc.
"""

import asyncio
import os
import socket
import subprocess
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
PATIENCE = 60.0  # seconds for a server to begin


@dataclass(slots=True)
class Server:
    """A running server. `address`: host and port; `more`: CPU seconds of a database's own processes so far."""

    process: subprocess.Popen[bytes]
    address: tuple[str, int]
    more: Callable[[], float] = float

    def cpu(self) -> float:
        """CPU seconds of the process and its children so far, and of the database."""
        return sum(map(cpu_of, family(self.process.pid))) + self.more()


@dataclass(slots=True)
class Outcome:
    """What came back: how many answers of which status, milliseconds each took, seconds in all."""

    took: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)
    wall: float = 0.0
    cpu: float = 0.0

    def at(self, share: float) -> float:
        """Milliseconds within which this share of the answers came."""
        return sorted(self.took)[min(int(len(self.took) * share), len(self.took) - 1)]

    @property
    def per_cpu(self) -> float:
        return len(self.took) / self.cpu

    @property
    def per_second(self) -> float:
        return len(self.took) / self.wall


def family(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(one for child in children for one in family(int(child)))]


def cpu_of(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / TICKS  # its own, and of children that have ended


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
    return port


@contextmanager
def serving(command: Sequence[str], port: int, more: Callable[[], float] = float) -> Iterator[Server]:
    """Run a command until it listens on `port`; end it afterwards."""
    process = subprocess.Popen(command)
    try:
        wait_for(process, port)
        yield Server(process, ("127.0.0.1", port), more)
    finally:
        process.terminate()
        process.wait()


def wait_for(process: "subprocess.Popen[bytes]", port: int) -> None:
    end = time.monotonic() + PATIENCE
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if process.poll() is not None or time.monotonic() > end:
                raise SystemExit(f"{process.args!r} does not listen on port {port}") from None
            time.sleep(0.05)


def request(method: str, path: str, token: str = "", body: bytes = b"", media: str = "application/fhir+json") -> bytes:
    """The bytes of a request."""
    told = [f"{method} {path} HTTP/1.1", "Host: ward"]
    if token:
        told.append(f"Authorization: Bearer {token}")
    if body:
        told += [f"Content-Type: {media}", f"Content-Length: {len(body)}"]
    return "\r\n".join([*told, "", ""]).encode() + body


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, sent: bytes) -> tuple[int, bytes]:
    """Status and body of one answer; it must have a Content-Length."""
    writer.write(sent)
    head = await reader.readuntil(b"\r\n\r\n")
    _, found, rest = head.lower().partition(b"\r\ncontent-length:")
    length = int(rest.partition(b"\r\n")[0]) if found else 0
    return int(head[9:12]), await reader.readexactly(length)


def closed_loop(server: Server, requests: Sequence[bytes], clients: int) -> Outcome:
    """Each of so many clients sends its next request as soon as it has the answer to the last."""

    async def drive() -> Outcome:
        outcome, waiting = Outcome(), iter(requests)

        async def client() -> None:
            reader, writer = await asyncio.open_connection(*server.address)
            for sent in waiting:
                await one(outcome, reader, writer, sent, time.perf_counter())
            writer.close()

        await measured(outcome, server, [client() for _ in range(clients)])
        return outcome

    return asyncio.run(drive())


def open_loop(server: Server, requests: Sequence[bytes], rate: float, clients: int = 32) -> Outcome:
    """`rate` requests a second at fixed times, whether the answers have come or not; each is timed from when it was
    due."""

    async def drive() -> Outcome:
        outcome, waiting = Outcome(), enumerate(requests)
        begin = time.perf_counter() + 0.2

        async def client() -> None:
            reader, writer = await asyncio.open_connection(*server.address)
            for n, sent in waiting:
                due = begin + n / rate
                await asyncio.sleep(due - time.perf_counter())
                await one(outcome, reader, writer, sent, due)
            writer.close()

        await measured(outcome, server, [client() for _ in range(clients)])
        return outcome

    return asyncio.run(drive())


async def one(
    outcome: Outcome, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, sent: bytes, since: float
) -> None:
    status, _ = await ask(reader, writer, sent)
    outcome.took.append((time.perf_counter() - since) * 1000)
    outcome.statuses[status] = outcome.statuses.get(status, 0) + 1


async def measured(outcome: Outcome, server: Server, clients: Sequence[Awaitable[None]]) -> None:
    began, spent = time.perf_counter(), server.cpu()
    await asyncio.gather(*clients)
    outcome.wall, outcome.cpu = time.perf_counter() - began, server.cpu() - spent
