"""A doctor's visit in a browser: by the keyboard alone, for everybody, on a phone; nothing typed is lost."""

import re
import time
from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records import Store
from salus.services.reception import queue
from salus.services.reception.arriving import walk_in

DESK = Actor("Practitioner/desk", Role.DESK)
CLINIC = "cardiology-central"
WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
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


class Hands:
    """A doctor at the keyboard: every key is counted, and how long each step of the page takes."""

    def __init__(self, page: Page) -> None:
        self.page, self.keys, self.slowest = page, 0, 0.0

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)
            self.keys += 1

    def type(self, text: str) -> None:
        self.page.keyboard.type(text)
        self.keys += len(text)

    def tab_to(self, wanted: str, most: int = 60) -> None:
        for _ in range(most):
            if self.page.evaluate("wanted => document.activeElement?.matches(wanted)", wanted):
                return
            self.press("Tab")
        raise AssertionError(f"the keyboard never came to {wanted}")

    def until(self, selector: str, text: str) -> None:
        began = time.monotonic()
        expect(self.page.locator(selector).first).to_contain_text(re.compile(text, re.IGNORECASE))
        self.slowest = max(self.slowest, time.monotonic() - began)


def follow_up(page: Page) -> Hands:
    """A visit for high blood pressure by keys alone: template, note, a diagnosis, a test, a medicine, the signature."""
    hands = Hands(page)
    hands.press("Enter")  # the focus is on "Call the next patient"
    hands.until(".identity h1", "Wang")
    hands.press("Shift+Tab", "Shift+Tab")
    hands.type("Follow")  # a select goes to what begins so
    hands.press("Tab", "Enter")
    hands.until("#s-present", "Stable since")
    hands.tab_to("#s-chief")
    hands.tab_to("#s-exam")
    hands.press("Control+End")
    hands.type(" BP 146/92, heart regular, no oedema.")
    hands.tab_to("#q")
    hands.type("gxy")
    hands.until("#found", "I10")
    hands.press("Enter")
    hands.until("#diagnoses .chosen", "I10")
    hands.tab_to("#test")
    hands.type("Potassium")
    hands.press("Enter")
    hands.until("#tests .chosen", "Potassium")
    hands.tab_to(".renew")
    hands.press("Enter")
    hands.until("#prescription .chosen", "in all")
    hands.until("#sign", "Nothing is missing")
    hands.tab_to("#sign button")
    hands.press("Enter")
    hands.until(".answered", "Signed")
    return hands


def test_a_follow_up_is_written_and_signed_by_the_keyboard_in_under_four_minutes(look, arrived):
    page = look(arrived("showcase-1"), "clinician")
    hands = follow_up(page)

    assert hands.keys < MOST_KEYS and hands.keys * A_KEY < MOST, f"{hands.keys} keys"
    assert [] == Axe().run(page).response["violations"]
    page.set_viewport_size({"width": 360, "height": 740})
    assert 0 == page.evaluate(WIDER)


@pytest.mark.parametrize(("language", "dark"), [("en", False), ("zh", True)])
def test_the_queue_and_the_visit_are_open_to_everybody_and_fit_a_phone(look, arrived, language, dark):
    page = look(arrived("showcase-5"), "clinician", language, dark=dark)
    assert [] == Axe().run(page).response["violations"]
    page.locator(".call-next button").click()
    page.fill("#q", "高血压")
    expect(page.locator("#found")).to_contain_text("I10")
    expect(page.locator("#suggestions .waiting")).to_have_count(0)
    assert [] == Axe().run(page).response["violations"]
    page.set_viewport_size({"width": 360, "height": 740})
    assert 0 == page.evaluate(WIDER)


def test_what_is_typed_is_kept_by_itself_and_another_window_is_told_of(look, arrived):
    page = look(arrived("showcase-2"), "clinician")
    page.locator(".call-next button").click()
    page.fill("#s-chief", "cough since Monday")
    expect(page.locator("#kept")).to_contain_text("Draft kept", timeout=6000)
    page.reload()
    expect(page.locator("#s-chief")).to_have_value("cough since Monday")

    other = page.context.new_page()
    other.goto(page.url)
    other.fill("#s-chief", "cough since Sunday")
    expect(other.locator("#kept")).to_contain_text("version 2", timeout=6000)
    page.fill("#s-chief", "cough since Friday")
    expect(page.locator("#kept")).to_contain_text("another window", timeout=6000)
    expect(page.locator("#kept")).to_contain_text("cough since Sunday")
    page.get_by_role("button", name="Keep what stands here").click()
    expect(page.locator("#s-chief")).to_have_value("cough since Friday")
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
        page.locator(".call-next button").click()
        for section in ("present", "exam", "advice"):
            page.fill(f"#s-{section}", f"{section} written")
        page.fill("#q", "gxy")
        expect(page.locator("#found")).to_contain_text("I10")
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
    page.locator(".call-next button").click()
    page.fill("#q", "gxy")
    expect(page.locator("#found")).to_contain_text("I10")
    page.keyboard.press("Enter")
    page.focus("#test")
    page.keyboard.type("Potassium", delay=40)
    expect(page.locator("#diagnoses .chosen")).to_contain_text("I10")

    expect(page.locator("#test")).to_be_focused()
    expect(page.locator("#test")).to_have_value("Potassium")

    page.focus("#q")
    page.keyboard.type("2xtnb")
    expect(page.locator("#found")).to_contain_text("E11")
    page.keyboard.press("Enter")
    expect(page.locator("#diagnoses .chosen")).to_contain_text("E11")
    expect(page.locator("#q")).to_be_focused()
