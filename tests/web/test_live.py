"""An open chart hears of changes to its own patient, and of no other's."""

import asyncio
from pathlib import Path

from salus.privacy import SYSTEM, Purpose
from salus.records import Records, Store
from salus.web.live import Follower, Listener, heard

LI = {"resourceType": "Patient", "id": "li"}


def fever(patient: str) -> dict:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "Temperature"},
        "subject": {"reference": f"Patient/{patient}"},
    }


def listened(store: Store, write) -> list[str]:
    """What a chart of `li` hears while `write` writes."""

    async def listen() -> list[str]:
        follower, listener = Follower(store), Listener("li", asyncio.get_running_loop())
        follower.join(listener)
        await asyncio.to_thread(write, store.open(SYSTEM, Purpose.OPERATIONS))
        kinds = await asyncio.wait_for(heard(listener), 60)
        follower.leave(listener)
        return kinds

    return asyncio.run(listen())


def test_a_new_result_is_heard_once_however_many_come_together(tmp_path: Path):
    def write(records: Records) -> None:
        records.update("Patient", "li", LI)
        records.create("Observation", fever("li"))
        records.create("Observation", fever("li"))

    with Store(tmp_path / "db") as store:
        assert ["Patient", "Observation"] == listened(store, write)


def test_what_changed_after_the_page_was_made_and_before_it_listens_is_heard_too(tmp_path: Path):
    async def listen(store: Store) -> tuple[list[str], int]:
        records = store.open(SYSTEM, Purpose.OPERATIONS)
        records.update("Patient", "li", LI)
        since = store.last_transaction()
        records.create("Observation", fever("li"))
        follower, listener = Follower(store), Listener("li", asyncio.get_running_loop())
        follower.join(listener, since)
        kinds = await asyncio.wait_for(heard(listener), 60)
        follower.leave(listener)
        return kinds, listener.told - since

    with Store(tmp_path / "db") as store:
        assert (["Observation"], 1) == asyncio.run(listen(store))


def test_what_concerns_someone_else_or_is_the_assistants_own_is_not_heard(tmp_path: Path):
    def write(records: Records) -> None:
        records.update("Patient", "wang", {"resourceType": "Patient", "id": "wang"})
        records.create("Observation", fever("wang"))
        records.create(
            "RiskAssessment",
            {"resourceType": "RiskAssessment", "status": "final", "subject": {"reference": "Patient/li"}},
        )
        records.update("Patient", "li", LI)

    with Store(tmp_path / "db") as store:
        assert ["Patient"] == listened(store, write)


def test_a_store_that_closes_ends_the_following_quietly(tmp_path: Path):
    with Store(tmp_path / "db") as store:
        follower = Follower(store)
        loop = asyncio.new_event_loop()
        listener = Listener("li", loop)
        follower.join(listener)
    follower.leave(listener)
    loop.close()
