"""The gate in a browser: by keyboard alone, on a phone in Chinese, without a violation of accessibility."""

import re

from hands import Hands, complaints, is_for_everybody, settled
from playwright.sync_api import expect

from salus.assistants.cases.gate.building import frame_of

NOTE = {
    "resourceType": "ClinicalImpression",
    "status": "completed",
    "subject": {"reference": "Patient/showcase-1"},
    "summary": "Mr Wang Jianguo, seen by Dr. Okonkwo (617-555-0123), keeps bees at Walla.",
}


def test_a_case_is_drafted_and_decided_by_keyboard_and_released(look, records):
    frame = frame_of([one.json() for one in records.compartment("showcase-1")])
    records.create("ClinicalImpression", NOTE | {"date": frame.index.isoformat()})
    page = look("/cases/gate", "curator")
    hands = Hands(page)
    hands.write("#patient", "showcase-1")
    hands.press("Enter")
    expect(page.locator(".sides").first).to_be_visible()
    assert [] == complaints(page)
    keep = page.locator("li.left > form > button[value=keep]:visible")
    while keep.count():
        with page.expect_navigation():
            keep.first.press("Enter")
        settled(page)
    page.get_by_role("button", name="Release").press("Enter")
    expect(page.locator(".top .tag")).to_have_text("Released")
    expect(page.locator(".sides > div:nth-child(2)").last).not_to_contain_text("Okonkwo")
    page.goto("/cases/gate")
    expect(page.locator("table.cards")).to_contain_text(re.compile("Released"))
    assert [] == complaints(page)


def test_the_gate_fits_a_phone_in_chinese_and_in_the_dark(look):
    page = look("/cases/gate", "curator", "zh", width=360, dark=True)
    page.fill("#patient", "showcase-2")
    page.get_by_role("button", name="起草").click()
    expect(page.locator("h1")).to_have_text("待审病例")

    is_for_everybody(page)
