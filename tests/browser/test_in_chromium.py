"""What only a browser can tell: access for all, the keyboard alone, a phone, live changes."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from salus.base import clock

SOMEONE = "/patients/showcase-1"  # who has all kinds of records
PAGES = (
    ("", "/sign-in"),
    ("clinician", "/patients"),
    ("clinician", "/patients?find=nobody-at-all"),
    ("clinician", SOMEONE),
    ("clinician", f"{SOMEONE}/trends/8480-6"),
    ("clinician", f"{SOMEONE}/suggestions"),
    ("clinician", "/resources/Patient/showcase-1"),
    ("clinician", f"{SOMEONE}/orders"),
    ("clinician", "/safety"),
    ("clinician", "/settings"),
    ("clinician", "/no-such-page"),
    ("scientist", "/models"),
    ("scientist", "/models/diabetes/1"),
    ("scientist", "/models/diabetes/use"),
    ("administrator", "/audit"),
    ("administrator", "/notices"),
    ("desk", "/reception"),
    ("desk", "/reception/register"),
    ("desk", "/reception/people/showcase-1"),
    ("desk", "/reception/people/showcase-1/book"),
    ("desk", "/reception/screen"),
    ("pharmacist", "/pharmacy"),
    ("technician", "/laboratory"),
    ("technician", "/laboratory/critical"),
    ("clinician", "/tasks"),
    ("cashier", "/billing"),
    ("auditor", "/books"),
    ("auditor", "/books/close"),
    ("auditor", "/books/reconcile"),
    ("clinician", "/quizzes"),
    ("clinician", "/quizzes/review"),
    ("administrator", "/quizzes/group"),
    ("clinician", f"{SOMEONE}/written"),
    ("clinician", "/clinic"),
    ("clinician", f"{SOMEONE}/options"),
)
WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def settled(page: Page) -> Page:
    """Wait for the assistant, where it was asked."""
    if page.locator("#suggestions").count():
        expect(page.locator("#suggestions .waiting")).to_have_count(0)
    return page


def complaints(page: Page) -> list[tuple[str, list[str]]]:
    """What axe finds wrong, with the elements."""
    found = Axe().run(page).response["violations"]
    return [(one["id"], [node["html"][:160] for node in one["nodes"][:3]]) for one in found]


@pytest.mark.parametrize(("account", "address"), PAGES)
def test_axe_finds_nothing_wrong_and_on_a_phone_nothing_is_scrolled_sideways(look, account, address):
    page = settled(look(address, account))

    assert [] == complaints(page)

    page.set_viewport_size({"width": 360, "height": 740})

    assert 0 == page.evaluate(WIDER)


@pytest.mark.parametrize(("account", "address"), [PAGES[1], PAGES[3], PAGES[10], PAGES[11], PAGES[-1]])
def test_axe_finds_nothing_wrong_in_the_dark_in_chinese_on_a_phone(look, account, address):
    page = settled(look(address, account, "zh", width=360, dark=True))

    assert [] == complaints(page)


def test_the_keyboard_alone_leads_from_sign_in_to_an_answered_suggestion(look, foretold):
    page = look("/sign-in")
    press_until(page, "button[value=clinician]")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/patients$"))
    press_until(page, "#find")
    page.keyboard.type(foretold)
    page.keyboard.press("Enter")
    expect(page.locator("table.people a")).to_have_count(1)
    press_until(page, "table.people a")
    page.keyboard.press("Enter")
    expect(page.locator(".identity h1")).to_be_visible()
    expect(page.locator(".suggestion")).to_have_count(1)
    press_until(page, ".sections .first")
    page.keyboard.press("Enter")
    press_until(page, ".suggestion .button.main", most=40)
    page.keyboard.press("Enter")

    expect(page.locator(".answered")).to_contain_text("Accepted")
    expect(page.locator(".answered button")).to_be_focused()

    page.keyboard.press("Enter")

    expect(page.locator(".answered")).to_have_count(0)


def press_until(page: Page, wanted: str, most: int = 120) -> None:
    """Press Tab until the focus is on the element wanted, and see that the focus shows."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.evaluate("wanted => document.activeElement?.matches(wanted)", wanted):
            style = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert "solid" == style
            return
    raise AssertionError(f"the keyboard never came to {wanted}")


def test_the_first_stop_of_the_keyboard_skips_to_the_content(look):
    page = look("/patients", "clinician")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")

    assert "content" == page.evaluate("document.activeElement.id")


def test_a_refusal_asks_for_a_reason_and_then_is_stored_with_it(look, foretold):
    page = settled(look(f"/patients/{foretold}", "clinician"))
    page.click(".suggestion summary:has-text('Refuse')")
    page.click("text=Refuse it")

    expect(page.locator(".suggestion [role=alert]")).to_contain_text("Say why")
    expect(page.locator("input[value=not-present]")).to_be_focused()

    page.check("input[value=already-known]")
    page.click("text=Refuse it")

    expect(page.locator(".answered")).to_contain_text("Already known")

    page.click("text=Undo")
    expect(page.locator(".answered")).to_have_count(0)


def test_each_reason_leads_to_the_record_that_it_comes_from(look, foretold):
    page = settled(look(f"/patients/{foretold}", "clinician"))
    page.locator(".reasons a").first.click()

    expect(page.locator(".identity h1")).to_be_visible()
    assert re.search(r"/resources/\w+/", page.url)
    expect(page.locator("summary", has_text="The exact record")).to_be_visible()


def test_an_open_chart_shows_a_new_result_by_itself_and_says_so(look, records):
    page = settled(look(SOMEONE, "clinician"))
    page.wait_for_timeout(300)
    records.create("Observation", potassium("showcase-1"))

    expect(page.locator(".live")).to_contain_text("Observation", timeout=8000)
    expect(page.locator("#results")).to_contain_text("6.8")
    expect(page.locator(".alarm")).to_contain_text("6.8")


def potassium(patient: str) -> dict:
    """A critical result of just now."""
    return {
        "resourceType": "Observation",
        "status": "final",
        "category": [{"coding": [{"code": "laboratory"}]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": "2823-3"}]},
        "subject": {"reference": f"Patient/{patient}"},
        "effectiveDateTime": clock.instant(clock.now()),
        "valueQuantity": {"value": 6.8, "unit": "mmol/L", "system": "http://unitsofmeasure.org", "code": "mmol/L"},
        "interpretation": [{"coding": [{"code": "HH"}]}],
    }


def test_without_scripts_the_chart_and_the_assistant_can_still_be_read(chromium, house, foretold):
    context = chromium.new_context(base_url=house, java_script_enabled=False)
    context.set_default_timeout(8000)
    page = context.new_page()
    page.goto("/sign-in")
    page.click('button[value="clinician"]')
    page.goto(f"/patients/{foretold}/suggestions")
    page.click(".suggestion .button.main")

    expect(page.locator(".identity h1")).to_be_visible()

    page.goto(f"/patients/{foretold}/suggestions")
    page.click(".answered button")
    context.close()


def test_the_printed_chart_has_no_buttons_and_no_menus(look):
    page = settled(look(SOMEONE, "clinician"))
    page.emulate_media(media="print")

    for hidden in (".head-in", ".sections", ".suggestion .buttons", ".filter"):
        expect(page.locator(hidden).first).to_be_hidden()
    expect(page.locator(".identity")).to_be_visible()
