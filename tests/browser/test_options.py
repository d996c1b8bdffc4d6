"""The treatment card with a browser: by keyboard from an option to a signed order, and on a phone in Chinese."""

import pytest
from hands import complaints, is_for_everybody
from playwright.sync_api import expect

from salus.base import clock

OPTIONS = "/patients/failing/options"
SUBJECT = {"subject": {"reference": "Patient/failing"}}


@pytest.fixture
def failing(records):
    """Somebody with heart failure, in whom a beta blocker is not yet ordered."""
    coded = {"coding": [{"system": "http://snomed.info/sct", "code": "84114007"}]}
    fraction = {"coding": [{"system": "http://loinc.org", "code": "10230-1"}]}
    today = {
        "status": "final",
        "effectiveDateTime": str(clock.now().date()),
        "valueQuantity": {"value": 30, "code": "%"},
    }
    for body in (
        {"resourceType": "Patient", "id": "failing", "name": [{"text": "周明"}], "birthDate": "1950-01-01"},
        {"resourceType": "Condition", "id": "failing-heart", "code": coded} | SUBJECT,
        {"resourceType": "Observation", "id": "failing-lvef", "code": fraction} | today | SUBJECT,
    ):
        records.update(body["resourceType"], body["id"], body)
    for one in records.compartment("failing", ("MedicationRequest", "ClinicalImpression")):
        records.delete(one.type, one.id)


def test_by_keyboard_from_an_option_to_a_signed_order(look, failing):
    page = look(OPTIONS, "clinician")
    assert [] == complaints(page)
    option = page.locator("#o-salus-heart-failure-beta-blocker")
    option.locator("summary", has_text="Accept").press("Enter")
    option.get_by_label("Which medicine?").press_sequentially("carv")
    option.get_by_role("button", name="Write it as a draft").press("Enter")
    expect(page.locator("#medicine")).to_have_value("carvedilol")
    expect(page.get_by_role("heading", name="Not signed yet")).to_be_visible()
    assert [] == complaints(page)
    page.fill("#amount", "3.125")
    page.get_by_role("button", name="Screen it").click()
    page.get_by_role("button", name="Sign the order").click()
    expect(page.get_by_role("heading", name="Not signed yet")).to_have_count(0)
    page.goto(OPTIONS)
    expect(option).to_have_count(0)
    expect(page.locator(".answered.accepted")).to_contain_text("carvedilol")


def test_a_refusal_on_a_phone_in_chinese_asks_for_the_reason_and_is_undone(look, failing):
    page = look(OPTIONS, "clinician", "zh", width=360, dark=True)
    option = page.locator("#o-salus-heart-failure-beta-blocker")
    option.locator("summary", has_text="拒绝").click()
    option.get_by_role("button", name="拒绝").click()
    expect(option.get_by_role("alert")).to_contain_text("请选择理由")
    is_for_everybody(page)
    option.get_by_label("患者不同意").check()
    option.get_by_role("button", name="拒绝").click()
    expect(option.locator(".answered.refused")).to_contain_text("患者不同意")
    option.get_by_role("button", name="撤销").click()
    expect(option.locator(".answered")).to_have_count(0)
