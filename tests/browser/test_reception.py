"""At the front desk with the keyboard alone: found, taken in, called; the wall shows it by itself."""

from hands import Hands, complaints, fits_a_phone
from playwright.sync_api import expect


def test_by_keyboard_somebody_is_found_taken_in_and_called_and_the_wall_shows_it(look):
    wall = look("/reception/screen", "desk", "zh")
    expect(wall.locator("#board")).to_be_visible()
    page = look("/reception", "desk", "zh")
    hands = Hands(page)
    hands.write("#find-person", "王建国")
    hands.press("Enter")
    expect(page.locator("table.people")).to_be_visible()
    hands.tab_to("table.people a[href$='showcase-1']").press("Enter")
    hands.write("#reason", "咳嗽")
    hands.press("Tab", "4", "Tab", "Enter")
    expect(page.locator(".note[role=status]")).to_contain_text("001")
    fits_a_phone(page)
    page.set_viewport_size({"width": 1280, "height": 850})
    hands.tab_to("form[action='/reception/call'] .button").press("Enter")
    expect(page.locator("#called-h + form + table .turn-number")).to_have_text("001")
    expect(wall.locator(".wall-number")).to_have_text("001")
    expect(wall.locator(".wall-who")).to_have_text("王*国")


def test_a_wall_that_was_answered_wrongly_once_comes_back_by_itself_and_an_old_one_says_so(look):
    wall = look("/reception/screen", "desk", "zh")
    expect(wall.locator(".stale")).to_be_hidden()
    wall.locator(".stale").evaluate("one => one.getAnimations().forEach(each => each.finish())")
    expect(wall.locator(".stale")).to_be_visible()
    wall.route("**/reception/screen?service=*", lambda route: route.fulfill(status=502, body="<p>bad gateway</p>"))
    wall.evaluate("htmx.trigger('#kept', 'sse:changed')")
    expect(wall.locator("#board")).to_have_count(0)
    wall.unroute("**/reception/screen?service=*")
    wall.evaluate("htmx.trigger('#kept', 'sse:changed')")
    expect(wall.locator("#board h2")).to_be_visible()
    expect(wall.locator(".stale")).to_be_hidden()


def test_those_who_look_the_same_stand_beside_the_new_one_for_everybody(look):
    page = look("/reception/register", "desk")
    page.fill("#name", "王建国")
    page.press("#name", "Enter")
    expect(page.locator("#likes-h")).to_be_visible()
    assert [] == complaints(page)
    fits_a_phone(page)


def test_the_waiting_list_is_joined_and_left_by_keyboard_and_reads_on_a_phone(look):
    page = look("/reception/people/showcase-1/wait?service=cardiology-centre", "desk", "zh")
    hands = Hands(page)
    hands.tab_to("[name=day-sat]").press("Space")
    expect(page.locator("[name=day-sat]")).to_be_checked()
    assert [] == complaints(page)
    hands.tab_to("form[action$='/wait'] .button.main").press("Enter")
    expect(page.locator("#line-h + table")).to_contain_text("王建国")
    assert [] == complaints(page)
    fits_a_phone(page)
    hands.tab_to("#line-h + table summary").press("Enter")
    hands.tab_to("form[action$='/leave'] .button").press("Enter")
    expect(page.locator(".note[role=status]")).to_contain_text("已退出候补")
    expect(page.locator(".empty")).to_be_visible()
