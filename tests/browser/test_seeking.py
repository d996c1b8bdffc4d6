"""A patient at the phone looks for help: the page is whole, reachable by keyboard, and nothing in it is barred."""

import pytest
from hands import is_for_everybody
from playwright.sync_api import expect

from salus.assistants.recommend import learning
from salus.assistants.recommend.services import SERVICES, SUITED
from salus.privacy import SYSTEM, Purpose


@pytest.mark.parametrize(
    ("language", "dark", "need"), [("en", False, "my blood pressure is high"), ("zh", True, "血压高")]
)
def test_a_need_is_typed_and_doctors_come_with_why(look, installed, language, dark, need):
    store, settings = installed
    suited = learning.learn(learning.people(store.open(SYSTEM, Purpose.OPERATIONS)))
    suited.save(settings.folder / SERVICES / SUITED)
    page = look("/services", "patient", language, width=360, dark=dark)
    page.keyboard.press("Tab")
    page.fill("#need", need)
    page.press("#need", "Tab")
    page.locator("main form button.main").click()

    expect(page.locator("article.offer").first).to_be_visible()
    expect(page.locator("article.offer li").first).to_be_visible()
    is_for_everybody(page)


def test_what_cannot_wait_stands_first_with_a_number_to_touch(look):
    page = look("/services", "patient", "zh", width=360)
    page.fill("#need", "胸口疼，出冷汗")
    page.locator("main form button.main").click()

    expect(page.get_by_role("alert")).to_contain_text("不能等待")
    expect(page.locator("a.call")).to_have_attribute("href", "tel:120")
    expect(page.locator("article.offer")).to_have_count(0)
    is_for_everybody(page)
    page.get_by_role("button", name="医生已排除").click()
    expect(page.locator("article.offer").first).to_be_visible()


def test_recommendations_are_stopped_and_started_again(look):
    page = look("/services", "patient", "en", width=360)
    page.get_by_role("button", name="Stop recommending for me").click()
    expect(page.get_by_role("status")).to_contain_text("Your choice is kept.")
    expect(page.locator("#choice")).to_contain_text("the same for everybody")
    is_for_everybody(page)
    page.get_by_role("button", name="Recommend for me again").click()
    expect(page.locator("#choice")).to_contain_text("You may stop that at any time")
