"""A mother on her phone acts for her children, and the desk registers her: for everybody, by the keyboard alone."""

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hands import Hands, is_for_everybody
from playwright.sync_api import Page, expect
from starlette.applications import Starlette

from salus.assistants.bedside import Bedside
from salus.base import clock
from salus.base.settings import Settings
from salus.demo import family
from salus.records import Store
from salus.web import pages

MORNING = datetime(2026, 11, 23, 0, 7, 11, tzinfo=UTC)  # before anybody looks, and when no time begins
BANNER = "section.acting"


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory, clinics_of: Callable[[Path, int], None]) -> Path:
    """A town in which nobody but the family does anything."""
    folder = tmp_path_factory.mktemp("town")
    with clock.stopped_at(MORNING):
        clinics_of(folder, 12)
        with Store(folder / "records.db") as store:
            family.settle(store)
    return folder


@pytest.fixture
def installed(town: Path, tmp_path: Path) -> Iterator[tuple[Store, Settings]]:
    """Each test has its own, a second try too."""
    folder = shutil.copytree(town, tmp_path / "town")
    settings = Settings(folder, folder / "records.db", folder / "m", folder / "e", b"s" * 64, port=0, demo=True)
    with Store(settings.store) as store:
        yield store, settings


@pytest.fixture
def house(installed: tuple[Store, Settings], serving: Callable[[Starlette], Iterator[str]]) -> Iterator[str]:
    store, settings = installed
    yield from serving(Starlette(routes=pages(store, Bedside(store, settings.registry), settings)))


def choose(page: Page, who: str, banner: str) -> None:
    """By the keyboard; done when the page says whom it is for now."""
    Hands(page).tab_to(f'form[action="/mine/for"] button[value="{who}"]').press("Enter")
    expect(page.locator("body")).to_contain_text(banner)


def test_a_mother_chooses_her_child_and_comes_back_by_the_keyboard(look):
    page = look("/mine", "mother", width=360)
    is_for_everybody(page)
    choose(page, family.CHILD, "You are acting for Chen Yinuo")
    is_for_everybody(page)
    Hands(page).tab_to('a[href="/mine/record"]').press("Enter")
    expect(page.locator("h1")).to_contain_text("record")
    expect(page.locator(BANNER)).to_contain_text("Chen Yinuo")
    is_for_everybody(page)
    Hands(page).tab_to(f"{BANNER} button").press("Enter")
    expect(page.locator("h1")).to_contain_text("Gao Yun")

    expect(page.locator(BANNER)).to_have_count(0)


def test_the_choice_is_for_everybody_in_chinese_in_the_dark(look):
    page = look("/mine/for", "mother", "zh", width=360, dark=True)
    is_for_everybody(page)
    choose(page, family.TEEN, "您正在为陈若溪")
    is_for_everybody(page)
    page.goto("/mine/inbox")

    is_for_everybody(page)


def test_who_has_no_child_here_is_told_what_to_do(look):
    page = look("/mine/for", "patient", width=360)
    expect(page.locator("main")).to_contain_text("front desk")

    is_for_everybody(page)


def test_the_desk_ends_a_guardian_and_takes_it_back_by_the_keyboard(look):
    page = look(f"/reception/people/{family.TEEN}/guardians?find=Gao", "desk", width=360)
    is_for_everybody(page)
    hands = Hands(page)
    hands.tab_to("details.act summary").press("Enter")
    hands.tab_to('form[action$="/end"] button').press("Enter")
    expect(page.get_by_role("status")).to_contain_text("Ended")
    Hands(page).tab_to('form[action$="/again"] button').press("Enter")
    expect(page.get_by_role("status")).to_contain_text("stands again")

    is_for_everybody(page)
