"""The patient's pages on a phone: for everybody, in both languages, and by the keyboard alone."""

import re
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from hands import PATIENCE, Hands, fits, is_for_everybody
from playwright.sync_api import expect

from salus.base import clock
from salus.base.settings import Settings
from salus.privacy import SYSTEM, Purpose
from salus.records import Store
from salus.services.billing.hearing import LISTENER
from salus.services.billing.invoices import Bill, invoices_of
from salus.services.rounds import House, begin, catch_up

PAGES = (
    "/mine",
    "/mine/find",
    "/mine/find?name=heart",
    "/mine/find?department=dermatology",
    "/mine/courses/new?service=orthopaedics-centre",
    "/mine/appointments",
    "/mine/waiting?service=dermatology-centre",
    "/mine/record",
    "/mine/record/trends/4548-4",
    "/mine/record/visits",
    "/mine/record/notes",
    "/mine/record/seen",
    "/mine/bills",
    "/mine/inbox",
)


@pytest.mark.parametrize("number", range(len(PAGES)), ids=PAGES)
def test_each_page_is_for_everybody_on_a_phone_in_both_languages(look, number):
    """Light and dark in turn: what axe looks at is the same in both languages, how wide it is is not."""
    page = look(PAGES[number], "patient", ("en", "zh")[number % 2], width=360, dark=number % 2 == 1)
    is_for_everybody(page)
    page.goto(f"/language/{('zh', 'en')[number % 2]}?next={quote(PAGES[number], safe='')}")

    fits(page)


@pytest.fixture
def billed(installed: tuple[Store, Settings]) -> Bill:
    """The patient was at the hospital just now, and took medicine home."""
    store, settings = installed
    records, now = store.open(SYSTEM, Purpose.OPERATIONS), clock.now()
    begin(store)
    for body in visited(clock.instant(now)):
        records.update(body["resourceType"], body["id"], body)
    while catch_up(House(store, settings), [LISTENER]):
        pass
    return invoices_of(store.open(SYSTEM, Purpose.PAYMENT), "showcase-1")[0]


def visited(now: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """What was given out, and the visit that is over."""
    subject, id = {"reference": "Patient/showcase-1"}, "billed"
    given = {"status": "completed", "subject": subject, "context": {"reference": f"Encounter/{id}"}}
    given["medicationCodeableConcept"] = {"coding": [{"system": "http://www.whocc.no/atc", "code": "A10BA02"}]}
    given["quantity"] = {"value": 60, "system": "http://unitsofmeasure.org", "code": "{tbl}"}
    visit = {"status": "finished", "subject": subject, "period": {"start": now, "end": now}}
    visit["class"] = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"}
    visit["serviceProvider"] = {"reference": "Organization/kangcheng-hospital"}
    return (
        {"resourceType": "MedicationDispense", "id": id, "whenHandedOver": now, **given},
        {"resourceType": "Encounter", "id": id, **visit},
    )


def test_a_bill_is_for_everybody_and_is_paid_by_the_keyboard(look, billed):
    is_for_everybody(look(f"/mine/bills/{billed.id}/print", "patient", "zh", width=360))
    page = look(f"/mine/bills/{billed.id}", "patient", width=360)
    is_for_everybody(page)
    Hands(page).tab_to('form[action$="/pay"] .main').press("Enter")

    expect(page.locator("[role=status]")).to_contain_text("was paid")
    is_for_everybody(page)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_keyboard_alone_finds_holds_confirms_cancels_and_takes_it_back(look, language):
    page = look("/mine", "patient", language, width=360)
    hands = Hands(page)
    steps = (
        ('a[href="/mine/find"]', r"/mine/find$"),
        ('a[href="/mine/find?department=dermatology"]', r"department=dermatology$"),
        ('button[name="at"]', r"/mine/appointments/[\w-]+$"),
    )
    for wanted, address in steps:
        hands.tab_to(wanted).press("Enter")
        expect(page).to_have_url(re.compile(address))
    is_for_everybody(page)
    hands.write("#reason", "a spot on my arm")
    for wanted, done in (('form[action$="/confirm"] .main', "booked"), ('form[action$="/cancel"] button', "cancelled")):
        hands.tab_to(wanted).press("Enter")
        expect(page).to_have_url(re.compile(f"done={done}$"))
        is_for_everybody(page)
    hands.tab_to('form[action$="/restore"] .main').press("Enter")
    expect(page).to_have_url(re.compile("done=restored$"))
    expect(page.locator("main")).to_contain_text("a spot on my arm")
    hands.tab_to('form[action$="/cancel"] button').press("Enter")
    expect(page).to_have_url(re.compile("done=cancelled$"))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_keyboard_alone_books_a_course_sees_it_as_one_cancels_it_and_takes_it_back(look, language):
    page = look("/mine/courses/new?service=orthopaedics-centre", "patient", language, width=360)
    hands, first = Hands(page), (clock.now() + timedelta(days=2)).date()
    page.fill("#from", str(first))
    page.fill("#count", "3")
    hands.tab_to('input[name="day-tue"]').press(" ")
    expect(page.locator('input[name="day-tue"]')).to_be_checked()
    hands.tab_to("form.card .main").press("Enter")
    expect(page.locator(".dates > li")).to_have_count(3)
    is_for_everybody(page)
    if page.locator('input[value="some"]').count():  # as the holidays lie
        hands.tab_to('input[value="all"]').press("ArrowDown")
        expect(page.locator('input[value="some"]')).to_be_checked()
    steps = (
        ("form.card .main", "booked"),
        ('form[action$="/cancel"] button', "cancelled"),
        ('form[action$="/restore"] .main', "restored"),
    )
    for wanted, done in steps:
        hands.tab_to(wanted).press("Enter")
        expect(page).to_have_url(re.compile(f"/mine/courses/[\\w-]+\\?done={done}$"))
        is_for_everybody(page)
    course = page.url.partition("?")[0]
    page.goto(f"{course}/move")
    hands.tab_to("form.card .main").press("Enter")
    expect(page.locator(".dates > li").first).to_be_visible()
    is_for_everybody(page)
    page.goto("/mine/appointments")
    is_for_everybody(page)
    expect(page.locator(f'a[href="{course[course.index("/mine") :]}"]')).to_be_visible()
    page.goto(course)
    hands.tab_to('form[action$="/cancel"] button').press("Enter")
    expect(page).to_have_url(re.compile("done=cancelled$"))


def test_without_scripts_a_time_is_held_and_booked(chromium, house):
    context = chromium.new_context(base_url=house, java_script_enabled=False, viewport={"width": 360, "height": 740})
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.goto("/sign-in")
    page.click('button[value="patient"]')
    expect(page).to_have_url(re.compile("/mine$"))
    page.goto("/mine/find?department=ent")
    page.locator('button[name="at"]').first.click()
    expect(page).to_have_url(re.compile(r"/mine/appointments/[\w-]+$"))
    page.click('form[action$="/confirm"] .main')

    expect(page.locator("[role=status]")).to_be_visible()

    page.click('form[action$="/cancel"] button')
    expect(page).to_have_url(re.compile("done=cancelled$"))
    context.close()
