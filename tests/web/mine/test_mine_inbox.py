"""A patient reads what the house tells them, goes on to what it is about, and says what they want to be told."""

from pathlib import Path
from typing import Any

import pytest

from salus.base.settings import Settings
from salus.privacy import SYSTEM, Purpose
from salus.records import Store
from salus.services.reminders.listening import LISTENER
from salus.services.rounds import House, begin, catch_up


@pytest.fixture(autouse=True, scope="module")
def listening(ward: Store) -> None:
    begin(ward)


def tell(ward: Store, folder: Path) -> None:
    settings = Settings(folder, folder / "records.db", folder / "m", folder / "e", b"s" * 64, demo=True)
    while catch_up(House(ward, settings), [LISTENER]):
        pass


def test_a_booking_is_told_and_leads_to_its_page_until_it_is_read(phone: Any, ward: Store, tmp_path: Path):
    tell(ward, tmp_path)
    booked = phone.book("department=ent")
    tell(ward, tmp_path)

    assert "1 new" in phone.see("/mine")
    page = phone.see("/mine/inbox")
    assert f'href="{booked}"' in page and "Mark all 1 as read" in page
    assert [303, 303] == [phone.send(page, "/mine/inbox/read").status_code for _ in range(2)]
    assert "Mark all" not in phone.see("/mine/inbox") and "1 new" not in phone.see("/mine")


def test_who_wants_no_notice_of_a_kind_gets_none_and_may_want_it_again(phone: Any, ward: Store, tmp_path: Path):
    tell(ward, tmp_path)
    page = phone.see("/mine/inbox")
    others = {f"kind-{kind}": "on" for kind in ("reminder", "waiting", "bill", "result")}
    assert 303 == phone.send(page, "/mine/inbox/kinds", kinds="all", **others).status_code
    page = phone.see("/mine/inbox?saved")
    assert 'name="kind-booking">' in page and 'name="kind-bill" checked' in page and "Saved." in page
    before = page.count("<li>")

    phone.book("department=neurology")
    tell(ward, tmp_path)
    assert before == phone.see("/mine/inbox").count("<li>")

    phone.send(page, "/mine/inbox/kinds", kinds="all", **others, **{"kind-booking": "on"})
    assert 'name="kind-booking" checked' in phone.see("/mine/inbox")
    assert 422 == phone.send(page, "/mine/inbox/kinds").status_code


def test_a_grown_up_says_who_else_is_told_and_takes_it_back(phone: Any, ward: Store):
    house = ward.open(SYSTEM, Purpose.OPERATIONS)
    born = house.read("Patient", "showcase-1").json()["birthDate"]
    assert born < "2000"
    for id, patient in (("daughter", "showcase-1"), ("stranger", "showcase-2")):
        who = {"resourceType": "RelatedPerson", "id": id, "patient": {"reference": f"Patient/{patient}"}}
        house.update("RelatedPerson", id, who | {"name": [{"text": f"Somebody's {id}"}]})
    page = phone.see("/mine/inbox")
    assert "Who else is told" in page and 'name="person-daughter">' in page and "stranger" not in page

    both = {"person-daughter": "on", "person-stranger": "on"}
    assert 303 == phone.send(page, "/mine/inbox/people", people="all", **both).status_code
    page = phone.see("/mine/inbox?told")
    assert 'name="person-daughter" checked' in page and "Saved." in page
    kept = [one.json() for one in house.search("Consent", "patient=Patient/showcase-2").versions]
    assert "stranger" not in str(kept)
    assert 422 == phone.send(page, "/mine/inbox/people").status_code

    phone.send(page, "/mine/inbox/people", people="all")
    assert 'name="person-daughter">' in phone.see("/mine/inbox")
