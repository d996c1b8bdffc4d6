"""A search that takes longer than a moment is given up, and answered by another thread, the same."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from salus.base.errors import Unsupported
from salus.privacy import SYSTEM, Purpose
from salus.records import Records, Store
from salus.records import records as records_module

OBSERVATION = {"resourceType": "Observation", "status": "final", "subject": {"reference": "Patient/p"}}
SEARCHES = ("patient=p", "code:text=hear", "code=c3&_sort=-date", "patient.name=x", "_total=accurate&_count=2")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with Store(tmp_path_factory.mktemp("moment") / "records.db") as opened:
        records = opened.open(SYSTEM, Purpose.OPERATIONS)
        records.update("Patient", "p", {"resourceType": "Patient", "id": "p", "name": [{"family": "X"}]})
        bodies = [
            {**OBSERVATION, "id": f"o{n}", "code": {"coding": [{"code": f"c{n % 5}"}], "text": "Heart rate"}}
            for n in range(300)
        ]
        records.put_many([("Observation", body["id"], orjson.dumps(body)) for body in bodies]).result()
        yield opened


@pytest.fixture
def records(store: Store) -> Records:
    return store.open(SYSTEM, Purpose.OPERATIONS)


def found(page: Any) -> tuple[list[str], int | None, str | None]:
    return [version.id for version in page.versions], page.total, page.next


@pytest.mark.parametrize("query", SEARCHES)
def test_at_once_finds_the_same(records: Records, monkeypatch: pytest.MonkeyPatch, query: str) -> None:
    monkeypatch.setattr(records_module, "MOMENT", 10.0)

    assert found(records.search("Observation", query)) == found(records.search_at_once("Observation", query))


@pytest.mark.parametrize("query", SEARCHES)
def test_what_takes_longer_is_given_up_and_nothing_is_left_open(
    records: Records, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    monkeypatch.setattr(records_module, "MOMENT", -1.0)
    given_up = [records.search_at_once("Observation", query) for _ in range(40)]

    assert None in given_up
    assert found(records.search("Observation", query)) == found(records.search("Observation", query))


def test_what_is_given_up_is_audited_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records_module, "FEW", 0)
    with Store(tmp_path / "records.db") as store:
        records = store.open(SYSTEM, Purpose.OPERATIONS)

        assert records.search_at_once("Patient", "_count=1") is None
        records.search("Patient", "_count=1")
    with Store(tmp_path / "records.db") as store:
        assert ["Patient?_count=1"] == [line.what for line in store.audit() if line.act == "search"]


def test_what_is_wrong_with_a_search_is_said_at_once(records: Records) -> None:
    with pytest.raises(Unsupported, match="colour"):
        records.search_at_once("Patient", "colour=red")
