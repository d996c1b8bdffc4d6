"""Whatever was written in whatever order: an erasure takes what names the patient, and nothing else changes."""

import random
from typing import Any

import pytest
from two_people import OFFICER, bodies, patient

from salus.base.errors import SalusError
from salus.privacy import SYSTEM, Purpose
from salus.records import Records, Store, erasing
from salus.records.checking import check
from salus.records.erasing import What, Wish

PEOPLE = ["anna", "berta", "carla"]
STEPS = 60


def someones(chance: random.Random, type: str, id: str) -> dict[str, Any]:
    """A resource about one of them, or about some."""
    who = chance.choice(PEOPLE)
    some = chance.sample(PEOPLE, chance.randint(1, 3))
    made: dict[str, dict[str, Any]] = {
        "Patient": {**patient(id, f"Family{chance.randint(1, 9)}"), "active": chance.random() < 0.5},
        "Condition": {"subject": {"reference": f"Patient/{who}"}, "note": [{"text": str(chance.random())}]},
        "Group": {
            "type": "person",
            "actual": True,
            "quantity": chance.randint(1, 99),
            "member": [{"entity": {"reference": f"Patient/{one}"}} for one in some],
        },
        "Practitioner": {
            "active": True,
            "extension": [{"url": "https://a.example/kin", "valueReference": {"reference": f"Patient/{who}"}}],
        },
    }
    return {**made[type], "resourceType": type, "id": id}


def step(chance: random.Random, records: Records) -> None:
    """One write: a resource, several in a transaction, or a deletion."""
    types = ["Patient", "Condition", "Condition", "Group", "Practitioner"]
    named = [(type, chance.choice(PEOPLE) if type == "Patient" else f"n{chance.randint(1, 6)}") for type in types]
    kind = chance.random()
    try:
        if kind < 0.2:
            records.delete(*chance.choice(named))
        elif kind < 0.6:
            type, id = chance.choice(named)
            records.update(type, id, someones(chance, type, id))
        else:
            entries = [
                {"resource": someones(chance, type, id), "request": {"method": "PUT", "url": f"{type}/{id}"}}
                for type, id in dict.fromkeys(named)
            ]
            records.bundle({"resourceType": "Bundle", "type": "transaction", "entry": entries})
    except SalusError:  # deleted already, or refers to who is not there (any more)
        return


@pytest.mark.parametrize("seed", range(6))
def test_an_erasure_takes_all_that_names_somebody_and_nothing_else(store: Store, records: Records, seed: int) -> None:
    chance = random.Random(seed)
    officer = store.open(OFFICER, Purpose.ADMINISTRATION)
    for who in chance.sample(PEOPLE, 2):
        for _ in range(STEPS):
            step(chance, store.open(SYSTEM, Purpose.OPERATIONS))
        before, name = bodies(store), f"Patient/{who}".encode()
        erasing.erase(officer, Wish("Patient", who, What.PATIENT), "case 2026/17")
        assert [] == erasing.finish(store)
        after = {address: body for address, body in bodies(store).items() if body}

        assert not any(name + b'"' in body for body in after.values())
        kept = {address: body for address, body in before.items() if body and name + b'"' not in body}
        kept = {address: body for address, body in kept.items() if not address.startswith(f"Patient/{who}/")}
        assert kept == {address: after[address] for address in kept}
        rewritten = after.keys() - kept.keys()
        assert all(b"erased" in after[address] for address in rewritten)
        assert store.verify()
    path = store.path
    store.close()
    assert [] == check(path).faults
