"""At the front desk with the keyboard alone: found, taken in, called; the wall shows it by itself."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def press_until(page: Page, selector: str, most: int = 80) -> None:
    """Tab until the element has the focus."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"the keyboard never reached {selector}")


def test_by_keyboard_somebody_is_found_taken_in_and_called_and_the_wall_shows_it(look):
    wall = look("/reception/screen", "desk", "zh")
    expect(wall.locator("#board")).to_be_visible()
    page = look("/reception", "desk", "zh")
    press_until(page, "#find-person")
    page.keyboard.type("王建国")
    page.keyboard.press("Enter")
    expect(page.locator("table.people")).to_be_visible()
    press_until(page, "table.people a[href$='showcase-1']")
    page.keyboard.press("Enter")
    expect(page.locator("#reason")).to_be_visible()
    press_until(page, "#reason")
    page.keyboard.type("咳嗽")
    page.keyboard.press("Tab")
    page.keyboard.press("4")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".note[role=status]")).to_contain_text("001")
    page.set_viewport_size({"width": 360, "height": 740})
    assert 0 == page.evaluate(WIDER)
    page.set_viewport_size({"width": 1280, "height": 850})
    press_until(page, "form[action='/reception/call'] .button")
    page.keyboard.press("Enter")
    expect(page.locator("#called-h + form + table .turn-number")).to_have_text("001")
    expect(wall.locator(".wall-number")).to_have_text("001", timeout=10_000)
    expect(wall.locator(".wall-who")).to_have_text("王*国")


def test_those_who_look_the_same_stand_beside_the_new_one_for_everybody(look):
    page = look("/reception/register", "desk")
    page.fill("#name", "王建国")
    page.press("#name", "Enter")
    expect(page.locator("#likes-h")).to_be_visible()
    assert [] == [one["id"] for one in Axe().run(page).response["violations"]]
    page.set_viewport_size({"width": 360, "height": 740})
    assert 0 == page.evaluate(WIDER)


def test_the_waiting_list_is_joined_and_left_by_keyboard_and_reads_on_a_phone(look):
    page = look("/reception/people/showcase-1/wait?service=cardiology-centre", "desk", "zh")
    press_until(page, "[name=day-sat]")
    page.keyboard.press("Space")
    assert [] == [one["id"] for one in Axe().run(page).response["violations"]]
    press_until(page, "form[action$='/wait'] .button.main")
    page.keyboard.press("Enter")
    expect(page.locator("#line-h + table")).to_contain_text("王建国")
    assert [] == [one["id"] for one in Axe().run(page).response["violations"]]
    page.set_viewport_size({"width": 360, "height": 740})
    assert 0 == page.evaluate(WIDER)
    press_until(page, "#line-h + table summary")
    page.keyboard.press("Enter")
    press_until(page, "form[action$='/leave'] .button")
    page.keyboard.press("Enter")
    expect(page.locator(".note[role=status]")).to_contain_text("已退出候补")
    expect(page.locator(".empty")).to_be_visible()
