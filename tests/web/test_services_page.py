"""A patient says what they need: what cannot wait first, then department and doctors with why, or the way out."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from salus.assistants.recommend import learning
from salus.assistants.recommend.learning import Suited
from salus.assistants.recommend.services import SERVICES, SUITED
from salus.privacy import SYSTEM, Purpose
from salus.records import Store


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory, clinics_of: Callable[[Path, int], None]) -> Iterator[Store]:
    """A city of 30 people with its clinics."""
    folder = tmp_path_factory.mktemp("clinics")
    clinics_of(folder, 30)
    with Store(folder / "records.db") as store:
        yield store


@pytest.fixture(scope="module")
def suited(ward: Store) -> Suited:
    """What the bookings of the ward tell."""
    return learning.learn(learning.people(ward.open(SYSTEM, Purpose.OPERATIONS)))


@pytest.fixture
def learned(suited: Suited, tmp_path: Path) -> None:
    """It lies where the pages look for it."""
    suited.save(tmp_path / SERVICES / SUITED)


def test_words_lead_to_a_department_and_to_doctors_each_with_why(learned, at):
    page = at("patient").send_form("/services", "/services", need="my blood pressure is high").text

    for said in ("Cardiology", "ordered for you", "Why this:", "km from your district", "in ", "from: blood pressure"):
        assert said in page
    assert "urgent" not in page.split("</style>")[1]
    assert 'value="my blood' not in page and ">my blood pressure is high</textarea>" in page


@pytest.mark.parametrize(
    ("language", "need", "said"),
    [
        ("en", "chest pain and sweating", ("This cannot wait", 'href="tel:120"', "You said: chest pain, sweat.")),
        ("zh", "不想活了", ("不能等待", 'href="tel:12356"', 'href="tel:120"')),
    ],
)
def test_what_cannot_wait_shows_whom_to_call_and_no_doctor(at, language, need, said):
    page = at("patient", language).send_form("/services", "/services", need=need).text

    assert all(one in page for one in said)
    assert 'class="offer"' not in page
    assert 'name="despite"' in page
    gone_on = at("patient", language).send_form("/services", "/services", need=need, despite="on").text
    assert 'class="offer"' in gone_on and said[0] in gone_on


def test_who_stops_recommendations_gets_the_order_of_everybody_and_may_start_again(learned, at):
    browser = at("patient", "zh")
    assert 303 == browser.send_form("/services", "/services/choice", personal="no").status_code
    page = browser.send_form("/services", "/services", need="血压高").text

    assert "对所有人相同" in page and "为您排序" not in page and "公里以内" not in page
    browser.send_form("/services", "/services/choice", personal="yes")
    assert "为您排序" in browser.send_form("/services", "/services", need="血压高").text
    assert 422 == browser.send_form("/services", "/services/choice", personal="maybe").status_code


def test_limits_are_kept_and_told(learned, at):
    page = at("patient").send_form("/services", "/services", need="toothache", within="3", insured="on").text

    assert "Left out:" in page and "farther than you wished" in page
    assert 'value="3" selected' in page and 'name="insured" checked' in page


def test_nothing_learned_nothing_said_and_too_much_are_told_plainly(at):
    browser = at("patient")

    assert "Nothing has been learned here yet" in browser.send_form("/services", "/services", need="toothache").text
    assert "I cannot tell" in browser.send_form("/services", "/services", need="hello").text
    for need, said in (("", "Say what you need first."), ("x" * 2001, "at most 2000 characters")):
        page = browser.send_form("/services", "/services", need=need)
        assert 422 == page.status_code and said in page.text
    assert 422 == browser.send_form("/services", "/services", need="toothache", within="4").status_code


def test_somebody_without_a_record_here_is_told_so(someone):
    page = someone("patient").get("/services").text

    assert "There is no record of yours here yet" in page
    assert "<textarea" not in page


def test_the_words_are_kept_nowhere(learned, at, ward):
    at("patient").send_form("/services", "/services", need="zebra stripes on my toothache")

    lines = [f"{line.act} {line.what}" for line in ward.audit()]
    assert lines and not [line for line in lines if "zebra" in line]
