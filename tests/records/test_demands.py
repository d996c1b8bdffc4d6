"""A site may demand that what is stored meets a profile."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from salus.base.errors import Invalid
from salus.base.settings import settings
from salus.codes.terminology import Package, Site
from salus.codes.terminology.packages import structure
from salus.codes.terminology.site import FOLDER
from salus.privacy import SYSTEM, Purpose
from salus.records import Records, Store
from salus.records.demands import demanded

NAMED = "urn:salus:named"
PROFILE = {"resourceType": "StructureDefinition", "url": NAMED, "kind": "resource", "type": "Patient",
           "derivation": "constraint", "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Patient",
           "differential": {"element": [{"path": "Patient"}, {"path": "Patient.name", "min": 1}]}}  # fmt: skip
LI: dict[str, Any] = {"resourceType": "Patient", "id": "li", "name": [{"text": "Li"}]}
NOBODY: dict[str, Any] = {"resourceType": "Patient", "id": "nobody"}
DEMANDS = {"Patient": (NAMED,)}


@pytest.fixture
def records(tmp_path: Path) -> Iterator[Records]:
    packed = structure(PROFILE)
    assert packed
    Site(tmp_path / FOLDER).keep_package(Package("our.ward", "1", kept={"StructureDefinition": dict([packed])}))
    with Store(tmp_path / "s.db", demanded(tmp_path / "s.db", DEMANDS)) as store:
        yield store.open(SYSTEM, Purpose.OPERATIONS)


def bundle(*resources: dict[str, Any]) -> dict[str, Any]:
    entries = [{"resource": r, "request": {"method": "PUT", "url": f"Patient/{r['id']}"}} for r in resources]
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


def test_what_does_not_meet_the_profile_is_not_stored_by_any_way(records: Records) -> None:
    for write in (
        lambda: records.create("Patient", NOBODY),
        lambda: records.update("Patient", "nobody", NOBODY),
        lambda: records.bundle(bundle(LI, NOBODY)),
    ):
        with pytest.raises(Invalid, match=r"Patient\.name is missing"):
            write()

    assert [] == records.search("Patient", "").versions


def test_a_load_refuses_what_does_not_meet_the_profile_and_takes_the_rest(records: Records) -> None:
    items = [("Patient", one["id"], orjson.dumps(one)) for one in (LI, NOBODY, LI | {"id": "wu"})]
    outcomes = records.put_many([*items, ("Basic", "b", b'{"resourceType":"Basic","id":"b","code":{"text":"a"}}')])

    assert ["created", "refused", "created", "created"] == [one.act for one in outcomes.result()]
    assert ["Patient.name"] == [issue.path for issue in outcomes.result()[1].issues]
    assert 2 == len(records.search("Patient", "").versions)


def test_what_meets_it_is_stored_and_other_types_are_free(records: Records) -> None:
    records.bundle(bundle(LI))
    records.create("Basic", {"resourceType": "Basic", "code": {"text": "a"}})

    assert 1 == len(records.search("Patient", "").versions)
    assert records.delete("Patient", "li").deleted


def test_while_the_profile_is_not_held_nothing_of_the_type_is_taken(tmp_path: Path) -> None:
    with Store(tmp_path / "s.db", demanded(tmp_path / "s.db", DEMANDS)) as store:
        records = store.open(SYSTEM, Purpose.OPERATIONS)
        with pytest.raises(Invalid, match="salus codes load"):
            records.create("Patient", LI)
    with pytest.raises(Invalid, match="Patiant"):
        demanded(tmp_path / "s.db", {"Patiant": (NAMED,)})


def test_a_site_says_so_in_its_settings(tmp_path: Path) -> None:
    file = tmp_path / "salus.toml"
    file.write_text(f'[profiles]\nPatient = ["{NAMED}"]\n')
    environment = {"SALUS_FOLDER": str(tmp_path)}

    assert DEMANDS == settings(environment, file).profiles
    assert DEMANDS == settings(environment | {"SALUS_PROFILES": f"Patient={NAMED}"}).profiles
    assert {} == settings(environment).profiles
    with pytest.raises(Invalid, match="Type=address"):
        settings(environment | {"SALUS_PROFILES": "Patient"})
