"""A procedure by the keyboard alone: found and ordered on the ward with what it would cost, carried out by the room."""

import re

from hands import Hands, is_for_everybody
from playwright.sync_api import expect

WHO = "showcase-4"
ORDERS = f"/patients/{WHO}/orders"
HERE = {"subject": {"reference": f"Patient/{WHO}"}, "encounter": {"reference": "Encounter/stay-4"}}


def admitted(records) -> None:
    act = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP"}
    stay = {"resourceType": "Encounter", "id": "stay-4", "status": "in-progress", "class": act}
    code = {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10", "code": "K35.8"}]}
    records.update("Encounter", "stay-4", stay | {"subject": HERE["subject"]})
    records.update("Condition", "main-4", {"resourceType": "Condition", "id": "main-4", "code": code, **HERE})


def test_a_procedure_is_found_told_its_group_ordered_and_carried_out_by_keys_alone(look, records):
    admitted(records)
    page = look(ORDERS, "clinician")
    hands = Hands(page)
    hands.write("#procedure", "fqjlw")
    hands.until("#procedure-cost", "GZ19 to GD25")
    hands.until("#procedure-hits", "Laparoscopic appendectomy")
    is_for_everybody(page)
    hands.tab_to("#procedure-hits a").press("Enter")

    expect(page.locator("#procedure-new h3")).to_contain_text("Laparoscopic appendectomy")
    hands.on("#procedure-priority").type("urg")
    hands.write("#procedure-reason", "pain since yesterday")
    is_for_everybody(page)
    hands.tab_to("#procedure-new .button.main").press("Enter")

    hands.until("#procedures table", "Laparoscopic appendectomy")
    hands.until("#procedures table", "ordered")
    is_for_everybody(page)

    page = look("/procedures?show=operation", "nurse", width=360)
    one = page.get_by_role("article").filter(has_text="pain since yesterday")
    expect(one).to_contain_text("urgent")
    is_for_everybody(page)
    one.get_by_role("button", name=re.compile("^Done")).click()
    expect(page.get_by_role("article").filter(has_text="pain since yesterday")).to_have_count(0)
    page.get_by_role("link", name="Last 24 hours").click()

    done = page.get_by_role("article").filter(has_text="pain since yesterday")
    expect(done).to_contain_text("Nurse Lin Fang")
    is_for_everybody(page)
    done.get_by_role("button", name="Undo").click()
    expect(done).to_have_count(0)
