"""A day is reconciled in a browser: by the keyboard alone, on a phone, in both languages, open to all."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
HEAD = "order,reference,kind,amount,currency,time,status"


def complaints(page: Page) -> list[tuple[str, list[str]]]:
    found = Axe().run(page).response["violations"]
    return [(one["id"], [node["html"][:120] for node in one["nodes"]]) for one in found]


def tab_to(page: Page, wanted: Locator, most: int = 150) -> None:
    """With the keyboard alone, from wherever it stands."""
    expect(wanted).to_be_visible()
    for _ in range(most):
        page.keyboard.press("Tab")
        if wanted.evaluate("one => one === document.activeElement"):
            return
    raise AssertionError("the keyboard never came there")


@pytest.mark.parametrize(("language", "back"), [("en", 2), ("zh", 3)])
def test_the_keyboard_alone_looks_first_repairs_and_explains_on_a_phone(look, language, back):
    page = look("/books/reconcile", "auditor", language, width=360)
    day = page.evaluate(
        "days => { const at = new Date(document.querySelector('#day').value); at.setUTCDate(at.getUTCDate() - days); "
        "return at.toISOString().slice(0, 10) }",
        back,
    )
    page.goto(f"/books/reconcile?party=simulated+CNY&day={day}")
    assert ([], 0) == (complaints(page), page.evaluate(WIDER))

    line = f"strange-{language},S-{language},payment,7.00,CNY,{day}T10:00:00+08:00,paid"
    told = f"{HEAD}\n{line}\nrubbish\n".encode()
    page.locator("#sent").set_input_files({"name": "day.csv", "mimeType": "text/csv", "buffer": told})
    tab_to(page, page.locator("form[enctype] button.main"))
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/books/reconcile/look"))
    expect(page.locator("#d-0")).to_contain_text(f"strange-{language}")
    assert ([], 0) == (complaints(page), page.evaluate(WIDER))

    tab_to(page, page.locator("#repair"))
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/books/reconciled/"))
    expect(page.locator("h1 .tag.warn")).to_be_visible()
    assert ([], 0) == (complaints(page), page.evaluate(WIDER))

    tab_to(page, page.locator("#text-0"))
    page.keyboard.type("of the canteen")
    tab_to(page, page.locator("button[value=explain]"))
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("done=explain"))
    expect(page.locator("#d-0 .tag.good")).to_be_visible()
    expect(page.locator("#d-0")).to_contain_text("of the canteen")
    assert [] == complaints(page)
