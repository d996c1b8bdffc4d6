"""Ordering with a browser: the findings appear under the form, a reason is asked, the order is signed."""

import re

from hands import complaints, is_for_everybody
from playwright.sync_api import Page, expect

ORDERS = "/patients/showcase-1/orders"


def filled(page: Page, medicine: str) -> Page:
    page.fill("#medicine", medicine)
    page.fill("#amount", "10")
    return page


def test_findings_appear_under_the_form_a_reason_is_asked_and_the_order_is_signed(look):
    page = look(ORDERS, "clinician")
    for medicine in ("phenelzine", "sertraline"):
        filled(page, medicine).get_by_role("button", name="Screen it").click()
        expect(page.locator("#screening .unchecked")).to_be_visible()
        assert [] == complaints(page)
        for select in page.locator("#screening select").all():
            select.select_option("no-alternative")
        page.get_by_role("button", name="Sign the order").click()
        expect(page.locator("table.cards")).to_contain_text(re.compile(medicine, re.IGNORECASE))
    page.goto("/safety")
    expect(page.locator("table.cards").first).to_contain_text("mao-with-serotonergic")


def test_without_a_reason_the_order_stays_and_says_what_is_undecided_on_a_phone_in_chinese(look):
    page = filled(look(ORDERS, "clinician", "zh", width=360, dark=True), "氟哌啶醇 + 西沙必利")
    page.get_by_role("button", name="核查").click()
    expect(page.locator("#screening .finding.grave")).not_to_have_count(0)
    page.get_by_role("button", name="签署医嘱").click()
    expect(page.locator("#screening .wrong")).to_contain_text("请为每条需要决定的提示说明理由")
    is_for_everybody(page)


def test_while_the_order_of_a_stay_is_typed_its_price_appears_and_follows_the_dose(look, records):
    who = "/patients/showcase-2"
    act = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP"}
    subject, code = {"reference": "Patient/showcase-2"}, {"system": "http://hl7.org/fhir/sid/icd-10", "code": "J18.9"}
    records.update(
        "Encounter",
        "stay-2",
        {"resourceType": "Encounter", "id": "stay-2", "status": "in-progress", "class": act, "subject": subject},
    )
    main = {"resourceType": "Condition", "id": "main-2", "code": {"coding": [code]}, "subject": subject}
    records.update("Condition", "main-2", main | {"encounter": {"reference": "Encounter/stay-2"}})
    page = look(f"{who}/orders", "clinician", width=360)
    page.fill("#medicine", "metformin")
    page.fill("#amount", "500")
    page.fill("#days", "7")
    expect(page.locator("#order-cost")).to_contain_text("¥1.40 by the tariff")
    expect(page.locator("#order-cost")).to_contain_text("never a reason to refuse")
    page.fill("#days", "14")
    expect(page.locator("#order-cost")).to_contain_text("¥2.80 by the tariff")
    is_for_everybody(page)
