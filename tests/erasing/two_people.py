"""Two people, one of whom will be forgotten: what is known of them, and where it may be left."""

from pathlib import Path
from typing import Any

import orjson

from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records import Records, Store

OFFICER = Actor("Practitioner/officer", Role.ADMINISTRATOR)
LOINC = "http://loinc.org"
PHONES = ["13977770001", "13977770002"]
SECRET = ["li-forgotten", "Qiuqiuqiu", "Zhangzhang", *PHONES, "OLDADDRESS", "SECRETNOTE", "MRN-66077"]


def patient(id: str, family: str, **more: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "id": id, "name": [{"family": family, "given": ["An"]}], **more}


def observation(id: str, of: str, day: int = 1, note: str = "") -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "code": {"coding": [{"system": LOINC, "code": "8302-2"}]},
        "subject": {"reference": f"Patient/{of}"},
        "effectiveDateTime": f"2026-01-{day:02}",
        "valueQuantity": {"value": 150 + day, "unit": "cm", "system": "http://unitsofmeasure.org", "code": "cm"},
        **({"note": [{"text": note}]} if note else {}),
    }


def put(records: Records, *resources: dict[str, Any]) -> None:
    for resource in resources:
        records.update(resource["resourceType"], resource["id"], resource)


def fill(records: Records) -> None:
    """Two patients with several versions, a group of both, what is about one of them only, and a mix-up set right."""
    phone = [{"system": "phone", "value": "13977770001"}]
    mrn = [{"system": "urn:mrn", "value": "MRN-66077"}]
    put(
        records,
        patient("li-forgotten", "Qiuqiuqiu", telecom=phone, identifier=mrn, address=[{"city": "OLDADDRESS"}]),
        patient("wang", "Wang", gender="female"),
        patient("li-forgotten", "Zhangzhang", telecom=[{"system": "phone", "value": "13977770002"}]),
        observation("mine", "li-forgotten", 3, "SECRETNOTE"),
        observation("hers", "wang", 4),
        observation("mixed", "li-forgotten", 5, "SECRETNOTE two"),
        observation("mixed", "wang", 5),
        {
            "resourceType": "Group",
            "id": "both",
            "type": "person",
            "actual": True,
            "member": [
                {"entity": {"reference": "Patient/li-forgotten", "display": "Qiuqiuqiu An"}},
                {"entity": {"reference": "Patient/wang"}},
            ],
        },
        {
            "resourceType": "Provenance",
            "id": "who-measured",
            "target": [{"reference": "Observation/mine"}],
            "recorded": "2026-01-03T00:00:00Z",
            "agent": [{"who": {"reference": "Practitioner/1"}}],
        },
        {"resourceType": "Binary", "id": "scan", "contentType": "text/plain", "data": "U0VDUkVU"},
        {
            "resourceType": "DocumentReference",
            "id": "letter",
            "status": "current",
            "subject": {"reference": "Patient/li-forgotten"},
            "content": [{"attachment": {"url": "Binary/scan"}}],
        },
    )
    entries = [
        {"resource": {**observation("x", who, 6 + n)}, "request": {"method": "POST", "url": "Observation"}}
        for n, who in enumerate(["li-forgotten", "wang"] * 2)
    ]
    for entry in entries:
        del entry["resource"]["id"]
    records.bundle({"resourceType": "Bundle", "type": "transaction", "entry": entries})
    records.search("Patient", "phone=13977770002")
    records.read("Patient", "li-forgotten")


def traces(folder: Path, words: list[str] = SECRET) -> dict[str, list[str]]:
    """Which of these words stand in which files."""
    found = {
        path.relative_to(folder).as_posix(): [word for word in words if word.encode() in path.read_bytes()]
        for path in folder.rglob("*")
        if path.is_file()
    }
    return {name: words for name, words in found.items() if words}


def bodies(store: Store) -> dict[str, bytes]:
    """Every version that can be read, by its address."""
    records = store.open(SYSTEM, Purpose.OPERATIONS)
    pages, params = [], "_count=1000"
    page = records.histories(params)
    pages += page.versions
    while page.next:
        page = records.histories(page.next)
        pages += page.versions
    return {f"{v.reference}/{v.version}": v.body for v in pages}


def json(body: bytes) -> Any:
    return orjson.loads(body)
