"""What only a browser can tell: access for all, the keyboard alone, a phone, live changes."""

import re

import pytest
from hands import PATIENCE, Hands, complaints, fits_a_phone
from playwright.sync_api import expect

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
    ("desk", "/reception/doubles?person=showcase-1"),
    ("desk", "/reception/doubles/look?source=showcase-2&target=showcase-1"),
    ("desk", "/reception/joinings"),
    ("desk", "/reception/screen"),
    ("pharmacist", "/pharmacy"),
    ("technician", "/laboratory"),
    ("technician", "/laboratory/critical"),
    ("nurse", "/procedures"),
    ("clinician", "/tasks"),
    ("cashier", "/billing"),
    ("auditor", "/books"),
    ("auditor", "/books/close"),
    ("auditor", "/books/reconcile"),
    ("auditor", "/books/rules"),
    ("clinician", "/quizzes"),
    ("clinician", "/quizzes/review"),
    ("administrator", "/quizzes/group"),
    ("clinician", f"{SOMEONE}/written"),
    ("clinician", "/clinic"),
    ("clinician", f"{SOMEONE}/options"),
)


@pytest.mark.parametrize(("account", "address"), PAGES)
def test_axe_finds_nothing_wrong_and_on_a_phone_nothing_is_scrolled_sideways(look, account, address):
    page = look(address, account)

    assert [] == complaints(page)
    fits_a_phone(page)


@pytest.mark.parametrize(("account", "address"), [PAGES[1], PAGES[3], PAGES[10], PAGES[11], PAGES[-1]])
def test_axe_finds_nothing_wrong_in_the_dark_in_chinese_on_a_phone(look, account, address):
    page = look(address, account, "zh", width=360, dark=True)

    assert [] == complaints(page)


def test_the_keyboard_alone_leads_from_sign_in_to_an_answered_suggestion(look, foretold):
    page = look("/sign-in")
    hands = Hands(page)
    hands.tab_to("button[value=clinician]").press("Enter")
    expect(page).to_have_url(re.compile("/patients$"))
    hands.write("#find", foretold)
    hands.press("Enter")
    expect(page.locator("table.people a")).to_have_count(1)
    hands.tab_to("table.people a").press("Enter")
    expect(page.locator(".identity h1")).to_be_visible()
    expect(page.locator(".suggestion")).to_have_count(1)
    hands.tab_to(".sections .first").press("Enter")
    expect(page).to_have_url(re.compile("#assistant$"))
    hands.tab_to(".suggestion .button.main", most=40).press("Enter")

    expect(page.locator(".answered")).to_contain_text("Accepted")
    hands.on(".answered button")

    hands.press("Enter")

    expect(page.locator(".answered")).to_have_count(0)


def test_the_first_stop_of_the_keyboard_skips_to_the_content(look):
    page = look("/patients", "clinician")
    hands = Hands(page)
    hands.press("Tab")
    hands.on(".skip").press("Enter")

    expect(page.locator("#content")).to_be_focused()


def test_a_refusal_asks_for_a_reason_and_then_is_stored_with_it(look, foretold):
    page = look(f"/patients/{foretold}", "clinician")
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
    page = look(f"/patients/{foretold}", "clinician")
    page.locator(".reasons a").first.click()

    expect(page.locator(".identity h1")).to_be_visible()
    expect(page).to_have_url(re.compile(r"/resources/\w+/"))
    expect(page.locator("summary", has_text="The exact record")).to_be_visible()


def test_an_open_chart_shows_a_new_result_by_itself_and_says_so(look, records):
    page = look(SOMEONE, "clinician")
    page.fill("#result-name", "potassium")
    records.create("Observation", potassium("showcase-1", 6.8))

    expect(page.locator(".live")).to_contain_text("Observation")
    expect(page.locator("#results")).to_contain_text("6.8")
    expect(page.locator("#result-name")).to_have_value("potassium")
    expect(page.locator("#result-name")).to_be_focused()
    expect(page.locator(".alarm", has_text="6.8").first).to_be_visible()


def test_what_is_typed_while_the_chart_is_brought_up_to_date_stays_and_is_looked_for(look, records):
    page = look(SOMEONE, "clinician")

    def answered_late(route):
        page.locator("#result-name").press_sequentially("potas")
        route.continue_()

    page.route(f"**{SOMEONE}?*", answered_late, times=1)
    records.create("Observation", potassium("showcase-1", 6.9))

    expect(page.locator("#results-rows tbody tr")).to_have_count(1)
    expect(page.locator("#results-rows")).to_contain_text("6.9")
    expect(page.locator("#result-name")).to_have_value("potas")
    expect(page.locator("#result-name")).to_be_focused()


def potassium(patient: str, value: float) -> dict:
    """A critical result of just now."""
    return {
        "resourceType": "Observation",
        "status": "final",
        "category": [{"coding": [{"code": "laboratory"}]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": "2823-3"}]},
        "subject": {"reference": f"Patient/{patient}"},
        "effectiveDateTime": clock.instant(clock.now()),
        "valueQuantity": {"value": value, "unit": "mmol/L", "system": "http://unitsofmeasure.org", "code": "mmol/L"},
        "interpretation": [{"coding": [{"code": "HH"}]}],
    }


def test_without_scripts_the_chart_and_the_assistant_can_still_be_read(chromium, house, foretold):
    context = chromium.new_context(base_url=house, java_script_enabled=False)
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.goto("/sign-in")
    page.click('button[value="clinician"]')
    expect(page).to_have_url(re.compile("/patients$"))
    page.goto(f"/patients/{foretold}/suggestions")
    page.click(".suggestion .button.main")
    expect(page).to_have_url(re.compile(f"/patients/{foretold}#s-"))
    expect(page.locator(".identity h1")).to_be_visible()

    page.goto(f"/patients/{foretold}/suggestions")
    page.click(".answered button")
    expect(page).to_have_url(re.compile(f"/patients/{foretold}#s-"))
    expect(page.locator(".identity h1")).to_be_visible()

    page.goto(f"/patients/{foretold}/suggestions")
    expect(page.locator(".answered")).to_have_count(0)
    context.close()


def test_the_printed_chart_has_no_buttons_and_no_menus(look):
    page = look(SOMEONE, "clinician")
    page.emulate_media(media="print")

    for hidden in (".head-in", ".sections", ".suggestion .buttons", ".filter"):
        expect(page.locator(hidden).first).to_be_hidden()
    expect(page.locator(".identity")).to_be_visible()
