"""A person before the screen, as every browser test shares it: nothing is done before the page can take it.

A key goes to whatever has the focus at that moment, and nobody is told when it went astray. So a test says which
element it expects to have the focus, and the hands wait until it has it, however slow the machine is.
"""

import re

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

PATIENCE = 45_000  # ms that anything may take; only a test that fails waits so long
BUSY = ".htmx-request, .htmx-swapping, .htmx-settling, .htmx-added"
FOCUSED = "wanted => document.activeElement?.matches(wanted)"
ON_TOP = """one => {
  const box = one.getBoundingClientRect();
  return one.contains(document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2));
}"""

expect.set_options(timeout=PATIENCE)


def settled(page: Page) -> Page:
    """Wait until the page is loaded and htmx has put in whatever it asked for.

    It knows nothing of a page that is still to come: expect first what only the new one has.
    """
    page.wait_for_load_state("load")
    expect(page.locator(BUSY)).to_have_count(0)
    return page


def complaints(page: Page) -> list[tuple[str, list[str]]]:
    """What axe finds wrong with a page at rest, with the elements."""
    found = Axe().run(settled(page)).response["violations"]
    return [(one["id"], [node["html"][:160] for node in one["nodes"][:3]]) for one in found]


def fits(page: Page) -> None:
    """Nothing is wider than the screen."""
    expect(settled(page).locator("html")).to_have_js_property("scrollWidth", page.viewport_size["width"])


def fits_a_phone(page: Page) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    fits(page)


def is_for_everybody(page: Page) -> None:
    assert [] == complaints(page)
    fits(page)


class Hands:
    """Somebody at the keyboard; every key is counted."""

    def __init__(self, page: Page) -> None:
        self.page, self.keys = page, 0

    def on(self, wanted: str) -> "Hands":
        """Wait until the element has the focus: by itself, as a page or an answer gives it."""
        expect(settled(self.page).locator(wanted).first).to_be_focused()
        return self

    def press(self, *keys: str) -> None:
        """What has the focus gets them: say `on` or `tab_to` before."""
        for key in keys:
            self.page.keyboard.press(key)
            self.keys += 1

    def type(self, text: str) -> None:
        self.page.keyboard.type(text)
        self.keys += len(text)

    def tab_to(self, wanted: str, most: int = 120) -> "Hands":
        """Press Tab until the element has the focus; see that the focus shows, and that nothing covers it."""
        expect(self.page.locator(wanted).locator("visible=true").first).to_be_visible()
        settled(self.page)
        for _ in range(most):
            if self.page.evaluate(FOCUSED, wanted):
                return self.sees(wanted)
            self.press("Tab")
        raise AssertionError(f"the keyboard never came to {wanted}")

    def sees(self, wanted: str) -> "Hands":
        """The focus shows on the element, and nothing covers it, as soon as the page stands still."""
        focused = self.page.locator(":focus")
        expect(focused, f"the focus on {wanted} shows").to_have_css("outline-style", "solid")
        self.page.wait_for_function(ON_TOP, arg=focused.element_handle())
        return self

    def write(self, field: str, text: str) -> None:
        """Go to an empty field and type; it holds the text afterwards."""
        self.tab_to(field).type(text)
        expect(self.page.locator(field)).to_have_value(text)

    def until(self, selector: str, text: str) -> None:
        expect(self.page.locator(selector).first).to_contain_text(re.compile(text, re.IGNORECASE))
