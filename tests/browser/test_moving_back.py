"""A patient moves an appointment by mistake and takes the move back, by the keyboard alone."""

import re

from hands import Hands, is_for_everybody
from playwright.sync_api import expect


def test_a_move_is_taken_back_with_one_press(look):
    page = look("/mine/find?department=ophthalmology", "patient", width=360)
    hands = Hands(page)
    hands.tab_to("ul.times button").press("Enter")
    expect(page).to_have_url(re.compile(r"/mine/appointments/[^/]+$"))
    hands.tab_to("form[action$='/confirm'] .main").press("Enter")
    expect(page.locator("[role=status]")).to_contain_text("It is booked.")
    time = page.locator("dl.facts b").first
    booked = time.inner_text()
    hands.tab_to("a[href$='/move']").press("Enter")
    expect(page).to_have_url(re.compile("/move$"))
    page.locator("section.card", has=page.locator("ul.times")).last.locator("ul.times button").first.press("Enter")
    expect(page.locator("[role=status]")).to_contain_text("It was moved.")
    expect(time).not_to_have_text(booked)
    is_for_everybody(page)

    hands.tab_to("form[action$='/take-back'] button").press("Enter")

    expect(page.locator("[role=status]")).to_contain_text("The move was taken back")
    expect(time).to_have_text(booked)
    is_for_everybody(page)
    page.locator("form[action$='/cancel'] button").click()
    expect(page.locator("[role=status]")).to_be_visible()
