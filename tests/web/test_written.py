"""The page of what a record's notes say."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from salus.privacy import SYSTEM, Purpose
from salus.records import Store

PAGE = "/patients/p/written"


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Store]:
    note = "<b>Fever</b>, no chest pain. Father had stroke. Allergic to penicillin."
    rows = [
        {"resourceType": "Patient", "id": "p", "name": [{"text": "周明"}]},
        {"resourceType": "Patient", "id": "q", "name": [{"text": "李"}]},
        {
            "resourceType": "Condition",
            "id": "c",
            "subject": {"reference": "Patient/p"},
            "recordedDate": "2026-03-01",
            "note": [{"text": note}],
        },
    ]
    with Store(tmp_path / "records.db") as opened:
        records = opened.open(SYSTEM, Purpose.OPERATIONS)
        for body in rows:
            records.update(body["resourceType"], body["id"], body)
        yield opened


def test_findings_stand_marked_in_the_notes_with_words_not_colours_alone(at) -> None:  # type: ignore[no-untyped-def]
    page = at("clinician").get(PAGE).text

    assert '&lt;b&gt;<mark class="is">Fever</mark>&lt;/b&gt;' in page
    assert '<mark class="not">chest pain</mark> <small class="says">denied</small>' in page
    assert '<mark class="not">stroke</mark> <small class="says">a relative</small>' in page
    assert '<small class="says">allergy</small>' in page
    assert '<a href="#note-1">Fever</a>' in page and 'id="note-1"' in page


def test_the_page_speaks_chinese_and_the_chart_leads_to_it(at) -> None:  # type: ignore[no-untyped-def]
    nurse = at("nurse", "zh")

    assert "病历文字中的表现" in nurse.get("/patients/p").text
    assert '<small class="says">否认</small>' in nurse.get(PAGE).text
    assert "本病历没有文字记录" in nurse.get("/patients/q/written").text
