"""What is written comes whole, in order, and in few pieces."""

import asyncio

from salus.api.corking import MOST, Corked

PIECES = [b"head", b"body", b"x" * (3 * MOST), b"", b"tail"]


class Telling(asyncio.Protocol):
    """Writes the pieces when somebody comes, then closes."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        corked = Corked(transport, asyncio.get_running_loop())
        for piece in PIECES:
            corked.write(piece)
        assert not corked.is_closing()
        corked.close()
        assert transport.is_closing()


async def heard() -> bytes:
    server = await asyncio.get_running_loop().create_server(Telling, "127.0.0.1", 0)
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        found = await reader.read()
        writer.close()
    return found


def test_pieces_come_in_order_and_before_the_end() -> None:
    assert b"".join(PIECES) == asyncio.run(heard())


class Counting(asyncio.Transport):
    """A transport that notes how it is written to."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written.append(bytes(data))


async def sent(*pieces: bytes) -> list[bytes]:
    counting = Counting()
    corked = Corked(counting, asyncio.get_running_loop())
    for piece in pieces:
        corked.write(piece)
    before = list(counting.written)
    await asyncio.sleep(0)
    return [*before, b"|", *counting.written[len(before) :]]


def test_head_and_body_leave_together_when_the_loop_comes_round() -> None:
    assert [b"|", b"headbody"] == asyncio.run(sent(b"head", b"body"))


def test_much_is_not_held_back() -> None:
    large = b"x" * MOST

    assert [b"head" + large, b"|", b"tail"] == asyncio.run(sent(b"head", large, b"tail"))
