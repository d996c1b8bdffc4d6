"""Notices come in by HTTP from whoever knows the secret, and from nobody else."""

import asyncio
from typing import Any

import httpx
import pytest

from salus.api.payments import LARGEST, door
from salus.services.billing.payments import pay, signing

House = Any


@pytest.fixture
def client(house: House) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(door(house.store, {"simulated": house.bank, "cash": house.cash}))
    return httpx.AsyncClient(transport=transport, base_url="https://hospital.example")


async def sent(client: httpx.AsyncClient, body: bytes, signature: str, provider: str = "simulated") -> httpx.Response:
    return await client.post(f"/payments/{provider}/notices", content=body, headers={"payment-signature": signature})


def test_a_notice_is_taken_however_often_it_is_sent_and_an_altered_one_is_not(house: House, client: httpx.AsyncClient):
    house.issue("i1", 12_000)
    house.bank.chosen.append("late")
    made = pay(house.store, *house.li, "i1", house.bank, "k")
    notice = signing.signed(house.bank.secret, house.bank.look(made.id))

    async def all() -> list[tuple[int, str]]:
        tries = [
            (notice.body, "0" * 64, "simulated"),
            (notice.body.replace(b"12000", b"92000"), notice.signature, "simulated"),
            (notice.body, notice.signature, "gold"),
            (notice.body, notice.signature, "cash"),
            (b"x" * (LARGEST + 1), notice.signature, "simulated"),
            (notice.body, notice.signature, "simulated"),
            (notice.body, notice.signature, "simulated"),
        ]
        answers = [await sent(client, *one) for one in tries]
        return [(one.status_code, one.json().get("status", "")) for one in answers]

    assert [(403, ""), (403, ""), (404, ""), (403, ""), (413, ""), (200, "settled"), (200, "settled")] == asyncio.run(
        all()
    )
    assert house.net("money/simulated") == 12_000
