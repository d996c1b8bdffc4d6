"""Similar cases with a browser: asked by keyboard, on a screen and on a phone, in both languages."""

import pytest
from hands import is_for_everybody
from playwright.sync_api import expect

from salus.assistants.cases.case import Case, Finding, Named
from salus.assistants.cases.casebook import library_of
from salus.assistants.cases.terms import load_terms

SEIZURE, SMALL, DRUG = "HP:0001250", "HP:0000252", (Named("ATC//N03AX09", "Lamotrigine"),)


@pytest.fixture
def held(installed, tmp_path):
    library = library_of(installed[1].store)
    names = tmp_path / "names.tsv"
    names.write_text(f"subject_id\ttranslation_language\ttranslation_value\n{SEIZURE}\tzh\t癫痫发作\n", "utf-8")
    load_terms(names, library.index.folder)
    findings = (Finding(SEIZURE), Finding(SMALL, "absent"), Finding("HP:0002069"))
    library.add(
        Case(f"c{at}", findings, diagnoses=(Named("ICD10//G40.9", "Epilepsy"),), treatments=DRUG, outcome="improved")
        for at in range(7)
    )
    yield library
    library.remove(f"c{at}" for at in range(7))


@pytest.mark.parametrize(
    ("language", "width", "asked", "said"),
    [("en", 1280, "seizures, microcephaly", "Contradicts:"), ("zh", 360, "癫痫发作，HP:0000252", "矛盾：")],
)
def test_cases_are_asked_for_and_read_by_everyone(look, held, language, width, asked, said) -> None:
    page = look("/cases", "clinician", language, width=width)
    is_for_everybody(page)
    page.fill("#case-find", asked)
    page.press("#case-find", "Enter")
    expect(page.get_by_text(said).first).to_be_attached()
    page.locator("summary").first.click()

    is_for_everybody(page)
