"""The views that come with Salus: whole, in both languages, and the same rows over real shapes on either way."""

import gzip
import tarfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from salus.analytics.views import rows
from salus.analytics.views.catalogue import Library
from salus.analytics.views.view import View

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
SYNTHEA = DATA / "fhir-synthea-r4-dev" / "bundles-ci10.tar.gz"
BULK = DATA / "fhir-bulk-ndjson-10"
SHIPPED = Library(Path("nowhere"))
NAMES = ["condition", "encounter", "medication_request", "observation", "patient", "procedure"]


def test_these_come_with_salus():
    assert NAMES == SHIPPED.names()


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_view_is_whole_and_has_a_title_in_both_languages(name: str):
    view = SHIPPED.view(name)

    assert [] == view.notes
    assert name == view.definition.name
    assert view.definition.title("en") != view.definition.title("zh")
    assert view.schema.names == view.names


def synthea() -> Iterator[dict[str, Any]]:
    with tarfile.open(SYNTHEA) as archive:
        for member in archive:
            file = archive.extractfile(member) if member.name.endswith(".json") else None
            if file:
                yield from (entry["resource"] for entry in orjson.loads(file.read())["entry"])


def bulk() -> Iterator[dict[str, Any]]:
    for file in sorted(BULK.glob("[A-Z]*.ndjson.gz")):
        with gzip.open(file) as opened:
            yield from map(orjson.loads, opened)


@pytest.mark.skipif(not SYNTHEA.exists() or not BULK.exists(), reason="the shared data sets are not here")
def test_shipped_views_give_the_same_rows_with_and_without_generated_code(monkeypatch: pytest.MonkeyPatch):
    resources = [*synthea(), *bulk()]
    swift = {name: list(SHIPPED.view(name).all_rows(resources)) for name in NAMES}
    monkeypatch.setattr(rows, "plain_part", lambda *all: None)
    monkeypatch.setattr(rows.swift, "items_of", lambda *all: None)
    monkeypatch.setattr(rows.swift, "condition_of", lambda *all: None)
    slow = {name: list(View(SHIPPED.view(name).definition).all_rows(resources)) for name in NAMES}

    assert slow == swift
    assert all(len(found) > 10 for found in swift.values())
    for name in NAMES:
        assert len(swift[name]) == SHIPPED.view(name).table(swift[name]).num_rows
    kinds = Counter(row[SHIPPED.view("observation").names.index("unit_system")] for row in swift["observation"])
    assert "http://unitsofmeasure.org" == kinds.most_common(1)[0][0]
