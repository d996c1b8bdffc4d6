"""One POST to an address that was checked: no redirect is followed, the answer's body is not read.

HTTP/1.1 over one connection that ends with it (https://www.rfc-editor.org/rfc/rfc9112). The connection goes to the
address by number, the certificate is held against the name.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from salus.base.errors import Invalid
from salus.base.outbound import Destination, Rules, addresses

Resolve = Callable[[str, int], Awaitable[list[str]]]
Headers = Sequence[tuple[str, str]]
MOST_HEAD = 32 << 10  # bytes of an answer's head
INTERIM = 5  # answers of 1xx before the real one


class Undelivered(Exception):
    """In a word or two, why: "timeout", "answered 500". Never with what was sent."""


@cache
def _lookers() -> ThreadPoolExecutor:
    """Threads of their own: a name server that does not answer holds up nothing else."""
    return ThreadPoolExecutor(32, thread_name_prefix="salus-dns")


async def resolved(host: str, port: int) -> list[str]:
    """The addresses of a host, by the machine's own resolver. Raises OSError."""
    found = await asyncio.get_running_loop().run_in_executor(
        _lookers(), lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    )
    return [str(row[4][0]) for row in found]


async def post(
    to: Destination,
    headers: Headers,
    body: bytes,
    rules: Rules,
    timeout: float,
    resolve: Resolve = resolved,
    tls: ssl.SSLContext | None = None,
) -> int:
    """The status of the answer, 200 to 299. Raises Undelivered for any other end, within `timeout` seconds."""
    try:
        async with asyncio.timeout(timeout):
            there = addresses(to.host, await resolve(to.host, to.port), rules)
            status = await _asked(to, there, request(to, headers, body), tls)
    except TimeoutError:
        raise Undelivered(f"no answer within {timeout:g} s") from None
    except Invalid as fault:
        raise Undelivered(str(fault)) from None
    except ssl.SSLError as fault:
        raise Undelivered(f"its certificate does not hold ({fault.reason})") from None
    except (OSError, EOFError, ValueError) as fault:
        raise Undelivered(f"no connection ({type(fault).__name__})") from None
    if not 200 <= status < 300:
        hint = "; redirects are not followed" if 300 <= status < 400 else ""
        raise Undelivered(f"answered {status}{hint}")
    return status


async def _asked(to: Destination, there: list[str], message: bytes, tls: ssl.SSLContext | None) -> int:
    """Speak to the first address that takes the connection."""
    context = (tls or trusted()) if to.tls else None
    for n, address in enumerate(there):
        try:
            reader, writer = await asyncio.open_connection(
                address, to.port, ssl=context, server_hostname=to.host if context else None, limit=MOST_HEAD
            )
        except ssl.SSLError:
            raise
        except OSError:
            if n + 1 == len(there):
                raise
            continue
        try:
            writer.write(message)
            await writer.drain()
            return await _answered(reader)
        finally:
            writer.transport.abort()
    raise OSError("no address")


async def _answered(reader: asyncio.StreamReader) -> int:
    for _ in range(INTERIM):
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError:
            raise ValueError("the head has no end") from None
        version, _, rest = head.partition(b" ")
        if not version.startswith(b"HTTP/1.") or not rest[:3].isdigit():
            raise ValueError("this is not HTTP/1.1")
        if not rest.startswith(b"1"):
            return int(rest[:3])
    raise ValueError("it never comes to the point")


@cache
def trusted() -> ssl.SSLContext:
    """The machine's certificate authorities; `SSL_CERT_FILE` names others. https://docs.python.org/3/library/ssl.html"""
    return ssl.create_default_context()


def request(to: Destination, headers: Headers, body: bytes) -> bytes:
    """The message. Raises Invalid for a header that would begin another one."""
    given = [("Host", to.name), ("Content-Length", str(len(body))), ("Connection", "close"), *headers]
    for name, value in given:
        check_header(name, value)
    lines = "".join(f"{name}: {value}\r\n" for name, value in given)
    return f"POST {to.path} HTTP/1.1\r\n{lines}\r\n".encode("latin-1") + body


def check_header(name: str, value: str) -> None:
    """Raises Invalid without saying the value: it may be a secret. https://www.rfc-editor.org/rfc/rfc9110#section-5.5

    >>> check_header("Authorization", "Bearer abc")
    """
    if not name.isascii() or not name or any(letter in '()<>@,;:\\"/[]?={} \t' or letter < "!" for letter in name):
        raise Invalid(f"'{name[:40]}' is not the name of a header")
    if not value.isascii() or not value.isprintable() or value != value.strip():
        raise Invalid(f"The value of the header {name[:40]} has other than plain characters: leave them out")
