"""Imports with other processes' help: the same as without, whatever happens to the helpers."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from salus.exchange import take_in
from salus.exchange.helpers import Helpers, Lost, Order, received
from salus.exchange.taking import LARGE, helpers_for
from salus.privacy import SYSTEM, Purpose
from salus.records import Records, Store
from salus.records.checking import check

Json = dict[str, Any]


def patient(n: int) -> Json:
    return {"resourceType": "Patient", "id": f"p{n}", "name": [{"family": f"Köhler {n}"}], "birthDate": "1960-02-03"}


def lab(n: int) -> Json:
    return {
        "resourceType": "Observation",
        "id": f"o{n}",
        "meta": {"tag": [{"system": "https://a.example", "code": f"t{n % 3}"}]},
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": f"{n % 7}-1"}]},
        "subject": {"reference": f"Patient/p{n % 60}"},
        "encounter": {"reference": f"Encounter/e{n % 90}"},
        "effectiveDateTime": f"2026-03-{1 + n % 28:02}T08:00:00Z",
        "valueQuantity": {"value": n / 10, "unit": "%", "system": "http://unitsofmeasure.org", "code": "%"},
    }


def bad(n: int) -> Json:
    return lab(n) | [{"status": "done"}, {"effectiveDateTime": "soon"}, {"colour": "red"}][n % 3]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Labs before the patients that they are of; three bad rows of a thousand."""
    labs = [bad(n) if n in (120, 511, 700) else lab(n) for n in range(900)]
    made = tmp_path / "in"
    made.mkdir()
    for name, resources in (("Observation", labs), ("Patient", [patient(n) for n in range(100)])):
        lines = "".join(json.dumps(resource, ensure_ascii=False) + "\n" for resource in resources)
        (made / f"{name}.ndjson").write_text(lines, "utf-8")
    return made


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "helped.db") as opened:
        yield opened


@pytest.fixture
def records(store: Store) -> Records:
    return store.open(SYSTEM, Purpose.OPERATIONS)


def content(store: Store) -> dict[str, bytes]:
    """Every resource as it is stored, but for the time; and what some searches find."""
    records = store.open(SYSTEM, Purpose.OPERATIONS)
    found = {}
    for type in ("Observation", "Patient"):
        page = records.search(type, "_count=1000")
        found |= {v.reference: re.sub(rb'"lastUpdated":"[^"]*"', b"", v.body) for v in page.versions}
    for query in ("code=3-1&patient=p17", "date=ge2026-03-20&encounter=e8", "value-quantity=gt80", "_tag=t1"):
        ids = sorted(version.id for version in records.search("Observation", f"{query}&_count=1000").versions)
        found[query] = ",".join(ids).encode()
    found["compartment"] = ",".join(sorted(v.reference for v in records.compartment("p3"))).encode()
    return found


def test_an_import_with_helpers_stores_and_tells_the_same(tmp_path: Path, folder: Path, records: Records) -> None:
    with Store(tmp_path / "alone.db") as other:
        alone = take_in(other.open(SYSTEM, Purpose.OPERATIONS), folder, helpers=0)
        expected = content(other)
    helped = take_in(records, folder, helpers=2)

    assert 3 == helped.total.refused
    assert ["Observation.ndjson:121", "Observation.ndjson:512", "Observation.ndjson:701"] == [
        refusal.where.rpartition("/")[2] for refusal in helped.refusals
    ]
    assert (alone.rows, alone.refusals) == (helped.rows, helped.refusals)
    assert expected == content(records.store)
    assert 997 + 5 == len(expected)
    assert [] == check(records.store.path).faults


def test_a_second_import_with_helpers_changes_nothing(folder: Path, records: Records) -> None:
    take_in(records, folder, helpers=1)
    before = records.store.last_transaction()
    again = take_in(records, folder, helpers=1)

    assert (0, 997) == (again.total.stored, again.total.unchanged)
    assert before == records.store.last_transaction()


def test_what_is_new_what_changed_and_what_stays_may_come_together(records: Records, tmp_path: Path) -> None:
    some, all = tmp_path / "some.ndjson", tmp_path / "all.ndjson"
    some.write_text("".join(json.dumps(lab(n)) + "\n" for n in range(0, 300, 2)))
    changed = [lab(n) | ({"issued": "2026-04-01T08:00:00Z"} if n % 6 == 0 else {}) for n in range(300)]
    twice = lab(11) | {"status": "amended"}
    all.write_text("".join(json.dumps(body) + "\n" for body in [*changed, twice, patient(0)]))
    take_in(records, some, helpers=0)
    told = take_in(records, all, helpers=1)

    assert (302, 202, 100) == (told.total.read, told.total.stored, told.total.unchanged)
    assert "amended" == records.read("Observation", "o11").json()["status"]
    assert [2, 1] == [version.version for version in records.history("Observation", "o11").versions]
    assert 50 == len(
        records.history("Observation", "o6").versions + records.search("Observation", "_count=48").versions
    )
    assert [] == check(records.store.path).faults


def killing(helpers: list[Helpers]) -> Callable[[int, int], None]:
    def kill(done: int, total: int) -> None:
        for some in helpers:
            for helper in some._helpers:
                helper._process.kill()

    return kill


def test_an_import_goes_on_when_its_helpers_are_killed(
    folder: Path, records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[Helpers] = []
    begin = Helpers.__init__

    def noted(self: Helpers, records: Records, count: int) -> None:
        begin(self, records, count)
        begun.append(self)

    monkeypatch.setattr(Helpers, "__init__", noted)
    told = take_in(records, folder, killing(begun), helpers=1)

    assert (1000, 997, 3) == (told.total.read, told.total.stored, told.total.refused)
    assert [] == check(records.store.path).faults


def test_what_others_write_meanwhile_keeps_the_log_in_order(folder: Path, records: Records) -> None:
    def write(done: int, total: int) -> None:
        records.create("Patient", patient(0))

    take_in(records, folder, write, helpers=1)
    times = [line.at for line in reversed(records.audit(count=1000))]
    updated = [version.updated for version in records.histories("_count=1000").versions]

    assert sorted(times) == times
    assert sorted(updated, reverse=True) == updated
    assert [] == check(records.store.path).faults


def test_an_import_that_is_broken_off_leaves_no_process(folder: Path, records: Records) -> None:
    class Cancelled(Exception):
        pass

    def cancel(done: int, total: int) -> None:
        raise Cancelled

    with Helpers(records, 1) as helpers, pytest.raises(Cancelled):
        process = helpers._helpers[0]._process
        helpers.prepared([("Patient", "p1", b"{}")])
        cancel(0, 0)

    assert process.poll() is not None
    with pytest.raises(Cancelled):
        take_in(records, folder, cancel, helpers=1)
    assert 997 == take_in(records, folder, helpers=0).total.stored  # and goes on from where it stood


def test_a_helper_hands_over_the_sheet_that_would_be_made_here(records: Records) -> None:
    items = [(one["resourceType"], one["id"], json.dumps(one).encode()) for one in (patient(1), lab(1), bad(2))]
    with Helpers(records, 1) as helpers:
        sheet = helpers.prepared(items).result()

    here = records.prepared(items)
    assert [0, 0] == here.withheld == sheet.withheld
    for name in ("refused", "rows", "codes", "targets", "subjects", "bunch", "dates"):
        assert getattr(here, name) == getattr(sheet, name), name


def test_what_is_small_needs_no_helper(records: Records) -> None:
    assert 0 == helpers_for(LARGE - 1)
    with Helpers(records, 0) as helpers, pytest.raises(Lost):
        helpers.prepared([]).result()


def test_a_message_that_ends_early_is_no_message(tmp_path: Path) -> None:
    (tmp_path / "pipe").write_bytes(b"\0" * 7 + b"\5abc")
    with (tmp_path / "pipe").open("rb") as stream, pytest.raises(Lost):
        received(stream)
    assert {"terms", "form", "dictionary", "items"} == set(Order.__struct_fields__)
