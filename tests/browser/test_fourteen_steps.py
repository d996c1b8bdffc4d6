"""From search to settled bill in a browser, fourteen steps by seven people, in both languages.

The clock stands at a Monday morning, so that there are times to book on every day that this is run. Between the steps
the house hears what happened, as the process of the services does.
"""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hands import settled
from playwright.sync_api import Page, expect
from starlette.applications import Starlette

from salus.assistants.bedside import Bedside
from salus.base import clock
from salus.base.settings import Settings
from salus.demo import city
from salus.exchange import take_in
from salus.privacy import SYSTEM, Purpose
from salus.records import Store
from salus.records.books import Books
from salus.services.billing.invoices import invoices_of
from salus.services.rota import LISTENERS
from salus.services.rounds import House, begin, catch_up
from salus.web import pages

MORNING = datetime(2026, 11, 23, 0, 10, tzinfo=UTC)  # ten past eight in the city
PATIENT, DOCTOR, CLINIC = "showcase-1", "demo-clinician", "general-centre"
WORDS = {
    "en": {
        "reason": "thirst for a month",
        "chief": "Thirst for a month",
        "find": "diabetes",
        "test": "HbA1c",
        "medicine": "metformin",
    },
    "zh": {
        "reason": "口渴一个月",
        "chief": "口渴1个月",
        "find": "糖尿病",
        "test": "糖化血红蛋白",
        "medicine": "对乙酰氨基酚",
    },
}


class People:
    """Everyone's own browser, and the house between them."""

    def __init__(self, look: Callable[..., Page], house: House, language: str) -> None:
        self.look, self.house, self.language = look, house, language
        self.pages: dict[str, Page] = {}
        self.steps: list[tuple[str, float]] = []

    def __getitem__(self, account: str) -> Page:
        if account not in self.pages:
            width = 390 if account == "patient" else 1280
            self.pages[account] = self.look("/settings", account, self.language, width=width)
        return self.pages[account]

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        began = time.monotonic()
        yield
        self.steps.append((name, time.monotonic() - began))

    def hear(self) -> None:
        while catch_up(self.house, LISTENERS):
            pass


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The people, as they are brought to each house."""
    folder = tmp_path_factory.mktemp("town")
    city.make(folder, people=40, years=1, end=date(2026, 11, 22))
    return folder


@pytest.fixture
def installed(town: Path, tmp_path: Path) -> Iterator[tuple[Store, Settings]]:
    """A store of its own: its time is ahead of that of the others, and nobody was there before."""
    settings = Settings(
        tmp_path, tmp_path / "db", tmp_path / "models", tmp_path / "events", b"s" * 64, port=0, demo=True
    )
    with clock.stopped_at(MORNING), Store(settings.store) as store:
        take_in(store.open(SYSTEM, Purpose.OPERATIONS), town)
        begin(store)
        yield store, settings


@pytest.fixture
def house(installed: tuple[Store, Settings], serving: Callable[[Starlette], Iterator[str]]) -> Iterator[str]:
    store, settings = installed
    yield from serving(Starlette(routes=pages(store, Bedside(store, settings.registry), settings)))


@pytest.fixture(params=["en", "zh"])
def people(look, installed: tuple[Store, Settings], request: pytest.FixtureRequest) -> People:
    return People(look, House(*installed), request.param)


def test_a_patient_comes_from_a_search_to_a_settled_bill(people: People):
    words = WORDS[people.language]
    booking = books_a_time(people, words)
    arrives_and_is_called(people, booking)
    is_seen(people, words)
    people.hear()
    is_given_medicine(people)
    is_tested(people)
    people.hear()
    pays(people)

    assert 14 == len(people.steps)
    print("\n".join(f"{took:5.2f} s  {name}" for name, took in people.steps))
    assert 0 == Books(people.house.store).trial()["CNY"].net


def books_a_time(people: People, words: dict[str, str]) -> str:
    page = people["patient"]
    with people.step("1 the patient looks for a doctor"):
        page.goto(f"/mine/find?doctor={DOCTOR}")
        expect(page.locator('button[name="at"]').first).to_be_visible()
    with people.step("2 chooses a time, which is held"):
        page.locator('button[name="at"]').first.click()
        expect(page).to_have_url(re.compile(r"/mine/appointments/[\w-]+$"))
        settled(page)
    booking = page.url.rpartition("/")[2]
    with people.step("3 says why, and books it"):
        page.fill("#reason", words["reason"])
        page.locator('form[action$="/confirm"] .main').click()
        expect(page).to_have_url(re.compile("done=booked$"))
    people.hear()
    return booking


def arrives_and_is_called(people: People, booking: str) -> None:
    desk, doctor = people["desk"], people["clinician"]
    with people.step("4 the desk checks the patient in, with a number"):
        desk.goto(f"/reception?service={CLINIC}")
        desk.locator(f'form[action$="/bookings/{booking}/check-in"] .main').click()
        expect(desk.locator("main [role=status]")).to_contain_text("001")
    with people.step("5 the doctor calls the next"):
        doctor.goto(f"/clinic?service={CLINIC}")
        doctor.locator(".call-next button").click()
        expect(doctor).to_have_url(re.compile(f"/clinic/visits/{PATIENT}/"))
        expect(settled(doctor).locator("#s-chief")).to_be_focused()


def is_seen(people: People, words: dict[str, str]) -> None:
    page = people["clinician"]
    with people.step("6 writes the note"):
        for section in ("chief", "present", "exam", "advice"):
            page.fill(f"#s-{section}", words["chief"])
    with people.step("7 finds the diagnosis"):
        page.fill("#q", words["find"])
        expect(page.locator("#found input[name=of]")).to_have_value(words["find"])
        page.locator("#found button[name=pick]").first.click()
        expect(page.locator("#diagnoses .chosen")).to_be_visible()
    with people.step("8 orders a test"):
        page.fill("#test", words["test"])
        page.press("#test", "Enter")
        expect(page.locator("#tests .chosen")).to_be_visible()
    with people.step("9 prescribes, and the prescription is screened"):
        page.fill("#medicine", words["medicine"])
        page.fill("#amount", "500")
        page.fill("#days", "14")
        page.locator('form[action$="/orders"] button.button').last.click()
        expect(page.locator('#prescription form[action$="/drop"] .chosen')).to_be_visible()
    with people.step("10 signs"):
        page.locator("#sign button.main").click()
        expect(page.locator(".answered")).to_be_visible()


def is_given_medicine(people: People) -> None:
    page = people["pharmacist"]
    with people.step("11 the pharmacist reviews, prepares and hands over"):
        page.goto("/pharmacy")
        page.locator("main td a").first.click()
        expect(page).to_have_url(re.compile(r"/pharmacy/[\w-]+$"))
        page.locator("form:has([value=accept]) button.main").click()
        page.locator('form[action$="/dispensings"] button.main').first.click()
        page.locator('form[action$="/hand-over"] button.main').first.click()
        expect(page.locator("#dispense .tag.good").first).to_be_visible()


def is_tested(people: People) -> None:
    page = people["technician"]
    with people.step("12 the laboratory takes blood and measures"):
        page.goto("/laboratory")
        page.locator('form[action="/laboratory/specimens"][method=post] button.main').first.click()
        page.locator('form[action$="/receive"] button.main').click()
        expect(page.locator('form[action$="/receive"]')).to_have_count(0)
        expect(page).to_have_url(re.compile("/laboratory/specimens/[^/?]+"))
        accession = page.url.split("/laboratory/specimens/")[1].partition("?")[0]
        page.locator('a[href^="/laboratory/orders/"]').first.click()
        page.fill("#accession", accession)
        page.locator('input[name^="value-"]').first.fill("6.4")
        page.locator('form[action$="/results"] button.main').click()
        page.locator('form[action$="/verify"] button.main').click()
        expect(page.locator(".top .tag.good")).to_be_visible()
        expect(page.locator("main")).to_contain_text("6.4")


def pays(people: People) -> None:
    page, house = people["patient"], people.house
    (bill,) = [one for one in invoices_of(house.store.open(SYSTEM, Purpose.PAYMENT), PATIENT) if one.due]
    with people.step("13 the patient reads the bill, line by line"):
        page.goto(f"/mine/bills/{bill.id}")
        expect(page.locator("main")).to_contain_text("¥1,800.00")
    with people.step("14 pays, once"):
        page.locator('form[action$="/pay"] .main').click()
        expect(page.locator("[role=status]").first).to_be_visible()
    (paid,) = [one for one in invoices_of(house.store.open(SYSTEM, Purpose.PAYMENT), PATIENT) if one.id == bill.id]
    assert ("balanced", 0, bill.total) == (paid.status, paid.due, paid.paid + paid.insurer + paid.account)
