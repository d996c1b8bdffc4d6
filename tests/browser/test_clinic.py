"""A doctor's visit in a browser: by the keyboard alone, for everybody, on a phone; nothing typed is lost."""

from collections.abc import Callable

import pytest
from hands import Hands, complaints, fits_a_phone, is_for_everybody
from playwright.sync_api import Page, expect

from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records import Store
from salus.services.reception import queue
from salus.services.reception.arriving import walk_in

DESK = Actor("Practitioner/desk", Role.DESK)
MOST = 4 * 60  # seconds that a visit may take
A_KEY = 0.28  # seconds, of somebody who types as most do
MOST_KEYS = 500


@pytest.fixture
def arrived(installed) -> Callable[[str], str]:
    """Somebody comes to the clinic; nobody else is there any more. The address of the queue."""
    store: Store = installed[0]
    records = store.open(SYSTEM, Purpose.OPERATIONS)
    clinic = next(
        one.id for one in records.search("HealthcareService", "_count=200").versions if "cardiology" in one.id
    )

    def come(patient: str) -> str:
        for one in queue.queue(store, DESK, Purpose.OPERATIONS, clinic):
            if one.stands:
                queue.leave(store, DESK, Purpose.OPERATIONS, one.id)
        walk_in(store, DESK, Purpose.OPERATIONS, f"Patient/{patient}", clinic)
        return f"/clinic?service={clinic}"

    return come


def follow_up(page: Page) -> Hands:
    """A visit for high blood pressure by keys alone: template, note, a diagnosis, a test, a medicine, the signature."""
    hands = Hands(page)
    hands.on(".call-next button").press("Enter")
    hands.until(".identity h1", "Wang")
    hands.on("#s-chief").press("Shift+Tab", "Shift+Tab")
    hands.on("#template").type("Follow")  # a select goes to what begins so
    expect(page.locator("#template option:checked")).to_contain_text("Follow")
    hands.press("Tab")
    hands.on("#template-form button").press("Enter")
    hands.until("#s-present", "Stable since")
    hands.on("#s-chief")
    hands.tab_to("#s-exam").press("Control+End")
    hands.type(" BP 146/92, heart regular, no oedema.")
    hands.write("#q", "gxy")
    found(page, "gxy", "I10")
    hands.tab_to("#found .button.main").press("Enter")
    hands.until("#diagnoses .chosen", "I10")
    hands.on("#q").sees("#q")
    hands.write("#test", "Potassium")
    hands.press("Enter")
    hands.until("#tests .chosen", "Potassium")
    hands.tab_to(".renew").press("Enter")
    hands.until("#prescription .chosen", "in all")
    hands.until("#sign", "Nothing is missing")
    hands.tab_to("#sign button").press("Enter")
    hands.until(".answered", "Signed")
    return hands


def found(page: Page, typed: str, code: str) -> None:
    """The list for all that is typed has come, not only one for its beginning."""
    expect(page.locator("#found input[name=of]")).to_have_value(typed)
    expect(page.locator("#found")).to_contain_text(code)


def called(page: Page) -> Page:
    """Call the next patient; the first section of the note has the focus."""
    page.locator(".call-next button").click()
    Hands(page).on("#s-chief")
    return page


def test_a_follow_up_is_written_and_signed_by_the_keyboard_in_under_four_minutes(look, arrived):
    page = look(arrived("showcase-1"), "clinician")
    hands = follow_up(page)

    assert hands.keys < MOST_KEYS and hands.keys * A_KEY < MOST, f"{hands.keys} keys"
    is_for_everybody(page)
    fits_a_phone(page)


@pytest.mark.parametrize(("language", "dark"), [("en", False), ("zh", True)])
def test_the_queue_and_the_visit_are_open_to_everybody_and_fit_a_phone(look, arrived, language, dark):
    page = look(arrived("showcase-5"), "clinician", language, dark=dark)
    assert [] == complaints(page)
    called(page).fill("#q", "高血压")
    found(page, "高血压", "I10")
    expect(page.locator("#suggestions .waiting")).to_have_count(0)
    assert [] == complaints(page)
    fits_a_phone(page)


def test_what_is_typed_is_kept_by_itself_and_another_window_is_told_of(look, arrived):
    page = look(arrived("showcase-2"), "clinician")
    called(page).fill("#s-chief", "cough since Monday")
    expect(page.locator("#kept")).to_contain_text("Draft kept")
    page.reload()
    expect(page.locator("#s-chief")).to_have_value("cough since Monday")

    other = page.context.new_page()
    other.goto(page.url)
    other.fill("#s-chief", "cough since Sunday")
    expect(other.locator("#kept")).to_contain_text("version 2")
    page.fill("#s-chief", "cough since Friday")
    expect(page.locator("#kept")).to_contain_text("another window")
    expect(page.locator("#kept")).to_contain_text("cough since Sunday")
    page.get_by_role("button", name="Keep what stands here").click()
    expect(page.locator("#kept")).to_contain_text("version 3")
    expect(page.locator("#s-chief")).to_have_value("cough since Friday")
    other.reload()
    expect(other.locator("#s-chief")).to_have_value("cough since Friday")
    other.close()


def test_the_printed_note_has_what_was_signed_and_no_buttons(look, arrived):
    page = look(arrived("showcase-1"), "clinician")
    follow_up(page)
    page.emulate_media(media="print")

    for hidden in (".head-in", "form", ".answered"):
        expect(page.locator(hidden).first).to_be_hidden()
    expect(page.locator(".written")).to_contain_text("BP 146/92")
    expect(page.locator(".identity")).to_be_visible()


def test_signed_at_once_after_the_last_word_it_is_signed_with_that_word(look, arrived):
    for _ in range(3):
        page = look(arrived("showcase-2"), "clinician")
        called(page)
        for section in ("present", "exam", "advice"):
            page.fill(f"#s-{section}", f"{section} written")
        page.fill("#q", "gxy")
        found(page, "gxy", "I10")
        page.keyboard.press("Enter")
        page.fill("#test", "Potassium")
        page.keyboard.press("Enter")
        page.fill("#s-chief", "the last word")
        page.locator("#sign button").click()

        expect(page.locator(".answered")).to_contain_text("Signed")
        expect(page.locator(".written")).to_contain_text("the last word")
        expect(page.locator(".written")).to_contain_text("Potassium")


def test_who_goes_on_before_the_answer_comes_is_not_pulled_back(look, arrived):
    page = look(arrived("showcase-2"), "clinician")
    called(page)
    page.fill("#q", "gxy")
    found(page, "gxy", "I10")
    page.keyboard.press("Enter")
    page.focus("#test")
    page.keyboard.type("Potassium", delay=40)
    expect(page.locator("#diagnoses .chosen")).to_contain_text("I10")

    expect(page.locator("#test")).to_be_focused()
    expect(page.locator("#test")).to_have_value("Potassium")

    page.focus("#q")
    page.keyboard.type("2xtnb")
    found(page, "2xtnb", "E11")
    page.keyboard.press("Enter")
    expect(page.locator("#diagnoses .chosen")).to_contain_text("E11")
    expect(page.locator("#q")).to_be_focused()


def test_a_press_that_does_not_get_through_is_told_and_goes_through_when_it_is_pressed_again(look, arrived):
    page = called(look(arrived("showcase-3"), "clinician"))
    page.fill("#q", "gxy")
    found(page, "gxy", "I10")
    pick = page.locator("#found .button.main")

    page.context.set_offline(True)
    pick.click()
    expect(page.locator("#cut")).to_contain_text("No connection")
    expect(page.locator("#cut")).to_be_visible()
    expect(page.locator("#q")).to_have_value("gxy")

    page.context.set_offline(False)
    pick.click()
    expect(page.locator("#diagnoses .chosen")).to_contain_text("I10")
    expect(page.locator("#cut")).to_be_hidden()
