"""Real resources: 199 Synthea patients beside the checkout, absent on a fresh machine."""

import tarfile
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import orjson
import pytest

DATA = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "fhir-synthea-r4-dev"


def bundles(archive: str, most: int) -> list[bytes]:
    file = DATA / archive
    if not file.exists():
        pytest.skip("the shared data (fhir-synthea-r4-dev) is not beside this checkout")
    with tarfile.open(file) as tar:
        members = islice((member for member in tar if member.name.endswith(".json")), most)
        return [found.read() for member in members if (found := tar.extractfile(member))]


@pytest.fixture(scope="session")
def synthea_bundles() -> list[bytes]:
    """60 of the 200 transaction bundles; benchmarks/fhir reads them all."""
    return bundles("bundles.tar.gz", 60)


@pytest.fixture(scope="session")
def ten_patients() -> list[dict[str, Any]]:
    """The resources of ten patients."""
    return [entry["resource"] for body in bundles("bundles-ci10.tar.gz", 10) for entry in orjson.loads(body)["entry"]]


@pytest.fixture
def observation() -> dict[str, Any]:
    """A small valid Observation, new for each test."""
    return {
        "resourceType": "Observation",
        "id": "weight-1",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7", "display": "Body weight"}]},
        "subject": {"reference": "Patient/li-mei"},
        "effectiveDateTime": "2026-03-01T08:30:00+08:00",
        "valueQuantity": {"value": 61.5, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"},
        "referenceRange": [{"low": {"value": 50}, "text": "usual"}],
    }


@pytest.fixture
def patient() -> dict[str, Any]:
    """A small valid Patient with primitive siblings, new for each test."""
    return {
        "resourceType": "Patient",
        "id": "li-mei",
        "name": [
            {
                "family": "李",
                "given": ["梅", None],
                "_given": [None, {"extension": [{"url": "http://example.org/gap", "valueBoolean": True}]}],
            }
        ],
        "gender": "female",
        "birthDate": "1988-02-29",
        "_birthDate": {"extension": [{"url": "http://example.org/time", "valueDateTime": "1988-02-29T11:00:00Z"}]},
    }


@pytest.fixture
def encode() -> Callable[[Any], bytes]:
    return orjson.dumps
