"""By what is settled and charged: a page of every rule and price, whose it is, and what is wrong with a site's file.
What was done and not charged is charged by the clerk."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from salus.base import clock
from salus.places.tariffs import shipped
from salus.privacy import SYSTEM, Purpose
from salus.records import Store
from salus.services.billing.local import take
from salus.services.rounds import begin
from salus.web.billing.ruling import kind_name

OWN = """
beside = "city"

[[group]]
place = "cn"
insurance = "city"
group = "city"

[[rule]]
id = "city-outpatient"
place = "cn"
group = "{group}"
visit = ["outpatient", "emergency"]
from = {since}
to = {until}
currency = "CNY"
title = {{ en = "City insurance", zh = "本市医保" }}
source = "Order 7 of the city"
steps = ["threshold", "bands"]
threshold = [{{ first = 12345 }}]
bands = [{{ level = [1], above = 0, share = 8250 }}, {{ level = [2, 3], above = 0, share = 7000 }}]
"""


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "records.db") as store:
        records = store.open(SYSTEM, Purpose.OPERATIONS)
        begin(store)
        records.update("Organization", "h", {"resourceType": "Organization", "id": "h", "name": "Hospital"})
        records.update("Patient", "li", {"resourceType": "Patient", "id": "li", "name": [{"text": "李梅华"}]})
        yield store


def own(ward, group: str = "city", days: int = 400) -> str:
    today = clock.now().date()
    text = OWN.format(group=group, since=today - timedelta(days=1), until=today + timedelta(days=days))
    take(text if group == "city" else text.replace('group = "city"', f'group = "{group}"', 1), ward.folder / "x.db")
    return text


def states(page: str) -> dict[str, str]:
    """Title of a rule -> what is said of it."""
    found = re.findall(r"<summary>([^<]+?) <span class=\"tag[^>]*>([^<]+)<", page)
    return dict(found)


@pytest.mark.parametrize(
    ("language", "title", "item"), [("en", "City insurance", "Haemoglobin A1c"), ("zh", "本市医保", "糖化血红蛋白")]
)
def test_a_sites_own_rule_stands_there_with_its_figures_days_source_and_file(ward, at, language, title, item):
    own(ward)
    page = at("auditor", language).get("/books/rules").text

    assert title in states(page) and "82.5%" in page and "¥123.45" in page and item in page
    assert "Order 7 of the city" in page and "settlement/cn.city.toml" in page


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_kind_of_the_built_in_prices_has_a_name(language):
    kinds = {one.kind for place in ("cn", "us") if (tariff := shipped(place)) for one in tariff.prices}

    assert [] == [kind for kind in sorted(kinds) if kind_name(kind, language) == kind]


def test_which_rules_are_asked_and_which_end_soon_is_said(ward, at):
    own(ward, "working", 30)
    page = states(at("auditor").get("/books/rules").text)

    assert ("ends soon, nothing follows", "not asked: a rule of the hospital holds", "in force") == (
        page["City insurance"],
        page["Employees, working: outpatient"],
        page["Employees, working: inpatient"],
    )


def test_a_spoiled_file_is_told_in_place_of_what_it_would_say(ward, at):
    text = own(ward)
    (ward.folder / "settlement" / "cn.city.toml").write_text(text.replace("8250", "82500"), "utf-8")
    page = at("cashier", "zh").get("/books/rules")

    assert 200 == page.status_code and "rule[0].bands[0].share" in page.text and "82500" in page.text
    assert 200 == at("cashier").get("/books/rules?place=atlantis").status_code


def test_what_the_house_did_not_hear_of_is_named_at_the_close_and_charged_by_the_clerk(ward, at):
    now = clock.instant(clock.now())
    act = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"}
    whose = {"subject": {"reference": "Patient/li"}, "serviceProvider": {"reference": "Organization/h"}}
    visit = {"status": "finished", "class": act, "period": {"start": now, "end": now}, **whose}
    ward.open(SYSTEM, Purpose.OPERATIONS).update("Encounter", "v9", {"resourceType": "Encounter", "id": "v9", **visit})
    day = at("cashier", "zh").get("/books/close").text
    asked = at("auditor", "zh").get("/books/close").text
    done = at("cashier").send_form("/books/close", "/billing/charge", source="Encounter/v9")

    assert "挂号费" in day and "Encounter/v9" in day and 'action="/billing/charge"' in day
    assert "挂号费" in asked and 'action="/billing/charge"' not in asked
    assert done.headers["location"].endswith("done=charged")
    assert "Encounter/v9" not in at("cashier").get("/books/close").text
