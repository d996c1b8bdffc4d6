"""What has changed on disk is refused and named; everything else stays readable."""

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import httpx
import pytest

from salus.api import fhir
from salus.base.errors import Damaged
from salus.privacy import SYSTEM, Purpose
from salus.records import Records, Store


def patient(**more: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "active": True, **more}


def flipped(body: bytes, place: int) -> bytes:
    return body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :]


def damage(store: Store, id: str, places: list[int]) -> None:
    """Flip one bit of a stored body in each of these places, as a bad disk does."""
    with sqlite3.connect(store.path) as connection:
        (body,) = connection.execute("SELECT body FROM resource WHERE id=?", (id,)).fetchone()
        for place in places:
            body = flipped(body, place)
        connection.execute("UPDATE resource SET body=? WHERE id=?", (body, id))
    connection.close()


def stored(store: Store, id: str) -> bytes:
    with store.readers.one() as reader:
        found: bytes = reader.connection.execute("SELECT body FROM resource WHERE id=?", (id,)).fetchone()[0]
    return found


def test_every_flipped_bit_of_a_body_is_noticed(store: Store, records: Records) -> None:
    records.update("Patient", "a", patient(name=[{"family": "Maier"}], birthDate="1950-01-01"))
    whole = stored(store, "a")
    with store.readers.one() as reader:
        passed = []
        for place in range(8 * len(whole)):
            body = bytearray(whole)
            body[place // 8] ^= 1 << place % 8
            try:
                passed.append(reader.press.expanded(reader.connection, 0, bytes(body)))
            except Damaged:
                continue

    assert {records.read("Patient", "a").body} >= set(passed)  # a bit that means nothing may flip


@pytest.mark.parametrize("new_place", ["sqlite"], indirect=True)
def test_a_damaged_body_is_named_and_the_others_stay_readable(store: Store, records: Records) -> None:
    for id in ("a", "b"):
        records.update("Patient", id, patient())
        records.update("Patient", id, patient(gender="male"))
    damage(store, "a", [20])
    asks = [
        lambda: records.read("Patient", "a"),
        lambda: records.vread("Patient", "a", 2),
        lambda: records.history("Patient", "a"),
        lambda: records.search("Patient", "_id=a"),
        lambda: records.update("Patient", "a", patient(gender="female")),
        lambda: records.delete("Patient", "a"),
    ]
    for ask in asks:
        with pytest.raises(Damaged, match=r"Patient/a version 2 is damaged.*salus restore"):
            ask()

    assert "male" == records.read("Patient", "b").json()["gender"]
    assert "active" in records.vread("Patient", "a", 1).json()
    assert 3 == records.update("Patient", "b", patient(gender="other")).version


@pytest.mark.parametrize("new_place", ["sqlite"], indirect=True)
def test_a_damaged_dictionary_damages_what_it_presses_and_nothing_else(store: Store, records: Records) -> None:
    records.update("Patient", "a", patient())
    with sqlite3.connect(store.path) as connection:
        connection.execute("UPDATE resource SET form=7 WHERE id='a'")
    connection.close()
    records.update("Patient", "b", patient())

    with pytest.raises(Damaged, match="Patient/a version 1"):
        records.read("Patient", "a")
    assert "b" == records.read("Patient", "b").id


@pytest.mark.parametrize(
    ("what", "spoil", "told"),
    [
        ("zeroes", lambda data: bytes(len(data)), "not a store, or no longer one.*salus restore"),
        ("something else", lambda data: b"%PDF-1.4" + data[8:], "not a store"),
        ("nothing", lambda data: b"", "not a store"),
        ("its first half", lambda data: data[: len(data) // 2], "cut off.*salus restore"),
    ],
)
def test_a_file_that_is_no_store_any_more_is_refused_in_words(tmp_path: Path, what: str, spoil: Any, told: str) -> None:
    path = tmp_path / "records.db"
    with Store(path) as store:
        store.open(SYSTEM, Purpose.OPERATIONS).create("Patient", patient())
    spoiled = spoil(path.read_bytes())
    path.write_bytes(spoiled)

    with pytest.raises(Damaged, match=told):
        Store(path)
    assert spoiled == path.read_bytes()  # nothing was laid over what may still be saved


def test_damaged_pages_are_told_in_words_by_reads_and_writes(tmp_path: Path) -> None:
    path = tmp_path / "records.db"
    with Store(path) as store:
        records = store.open(SYSTEM, Purpose.OPERATIONS)
        for n in range(200):
            records.update("Patient", f"p{n}", patient())
    data = bytearray(path.read_bytes())
    with sqlite3.connect(path) as connection:
        (root,) = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name='resource_id'").fetchone()
    connection.close()
    data[(root - 1) * 4096 : root * 4096] = bytes(4096)
    path.write_bytes(data)

    with Store(path) as store:
        records = store.open(SYSTEM, Purpose.OPERATIONS)
        with pytest.raises(Damaged, match="file of the store is damaged"):
            records.read("Patient", "p1")
        for _ in range(2):
            with pytest.raises(Damaged, match="file of the store is damaged"):
                records.update("Patient", "p1", patient(gender="male"))
        assert 200 == store.last_transaction()


@pytest.mark.parametrize("new_place", ["sqlite"], indirect=True)
def test_over_http_a_damaged_body_is_named_and_others_are_served(store: Store, records: Records) -> None:
    for id in ("a", "b"):
        records.update("Patient", id, patient())
    damage(store, "a", [20])

    async def talk() -> list[httpx.Response]:
        door = fhir.door(store, lambda headers: (SYSTEM, Purpose.OPERATIONS))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(door), base_url="http://ward/fhir") as client:
            return [await client.get(f"/Patient/{id}") for id in ("a", "b")]

    damaged, whole = asyncio.run(talk())
    (issue,) = damaged.json()["issue"]

    assert (500, 200) == (damaged.status_code, whole.status_code)
    assert "Patient/a version 1 is damaged on disk" in issue["diagnostics"]
