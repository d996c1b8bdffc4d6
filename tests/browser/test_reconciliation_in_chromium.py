"""A day is reconciled in a browser: by the keyboard alone, on a phone, in both languages, open to all."""

from datetime import date, timedelta

import pytest
from hands import Hands, is_for_everybody
from playwright.sync_api import expect

HEAD = "order,reference,kind,amount,currency,time,status"


@pytest.mark.parametrize(("language", "back"), [("en", 2), ("zh", 3)])
def test_the_keyboard_alone_looks_first_repairs_and_explains_on_a_phone(look, language, back):
    page = look("/books/reconcile", "auditor", language, width=360)
    day = date.fromisoformat(page.locator("#day").input_value()) - timedelta(days=back)  # before that of the page
    page.goto(f"/books/reconcile?party=simulated+CNY&day={day}")
    is_for_everybody(page)

    line = f"strange-{language},S-{language},payment,7.00,CNY,{day}T10:00:00+08:00,paid"
    told = f"{HEAD}\n{line}\nrubbish\n".encode()
    page.locator("#sent").set_input_files({"name": "day.csv", "mimeType": "text/csv", "buffer": told})
    hands = Hands(page)
    hands.tab_to("form[enctype] button.main").press("Enter")
    expect(page.locator("#d-0")).to_contain_text(f"strange-{language}")
    is_for_everybody(page)

    hands.tab_to("#repair").press("Enter")
    expect(page.locator("h1 .tag.warn")).to_be_visible()
    is_for_everybody(page)

    hands.write("#text-0", "of the canteen")
    hands.tab_to("button[value=explain]").press("Enter")
    expect(page.locator("#d-0 .tag.good")).to_be_visible()
    expect(page.locator("#d-0")).to_contain_text("of the canteen")
    is_for_everybody(page)
