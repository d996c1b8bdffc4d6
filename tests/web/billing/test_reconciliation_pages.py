"""Clerk and auditor reconcile a day at the page: looked at first, repaired by one press, explained, taken back."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from salus.base import clock, money
from salus.base.errors import Malformed
from salus.base.settings import Settings
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records import Store, books, drafts
from salus.records.books import Books, Entry
from salus.records.desk import Desk
from salus.records.writer import Request
from salus.services.billing.payments import pay, provider_of
from salus.web.billing import statements
from salus.web.billing.record import safe
from salus.web.uploads import taken_apart

NOW = datetime(2026, 11, 23, 2, tzinfo=UTC)  # ten o'clock in the morning in Shanghai
DAY = "2026-11-23"
HEAD = "order,reference,kind,amount,currency,time,status"
LI = Actor("Patient/li", Role.PATIENT, "li"), Purpose.PATIENT_REQUEST
PARTY = "simulated CNY"


def issued(store: Store, id: str, minor: int) -> None:
    told = {
        "resourceType": "Invoice",
        "id": id,
        "status": "issued",
        "subject": {"reference": "Patient/li"},
        "account": {"reference": "Account/li"},
        "issuer": {"reference": "Organization/h"},
        "totalGross": money.amount(minor, "CNY"),
    }

    def work(desk: Desk) -> None:
        books.limit(desk, f"Account/li/{id}", "CNY", least=0)
        entries = [Entry(f"Account/li/{id}", "income/consultation", minor), Entry("Organization/fund", "income/x", 100)]
        books.post(desk, f"invoice/{id}", "CNY", entries, f"Invoice/{id}")
        desk.update(drafts.addressed(told, "Invoice", id))

    store.writer.submit(Request(work, SYSTEM, Purpose.PAYMENT, "post", "")).result()


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Store]:
    """Two bills paid through the bank yesterday, each of 100.00; it is the next morning."""
    told = Settings(tmp_path, tmp_path / "records.db", tmp_path / "m", tmp_path / "e", b"s" * 64, demo=True)
    with Store(tmp_path / "records.db") as store:
        with clock.stopped_at(NOW):
            records = store.open(SYSTEM, Purpose.OPERATIONS)
            for id, name in (("h", "Hospital"), ("fund", "City fund")):
                records.update("Organization", id, {"resourceType": "Organization", "id": id, "name": name})
            records.update("Patient", "li", {"resourceType": "Patient", "id": "li"})
            account = {"resourceType": "Account", "id": "li", "status": "active"}
            subject = {"subject": [{"reference": "Patient/li"}], "owner": {"reference": "Organization/h"}}
            records.update("Account", "li", account | subject)
            for id in ("i1", "i2"):
                issued(store, id, 10_000)
                pay(store, *LI, id, provider_of(told, "simulated"), "k")
        with clock.stopped_at(NOW + timedelta(days=1)):
            yield store


def token(page: str) -> str:
    found = re.search(r'name="form_token" value="([0-9a-f]+)"', page)
    assert found
    return found[1]


def send(browser: Any, data: bytes | None, day: str = DAY, **more: str) -> Any:
    """The form with the file, as a browser sends it."""
    page = browser.get(f"/books/reconcile?party=simulated+CNY&day={DAY}").text
    fields = {"form_token": token(page), "party": PARTY, "day": day, **more}
    files = {"sent": ("对账 day.csv", data, "text/csv")} if data is not None else {"sent": ("", b"", "text/csv")}
    return browser.ask("POST", "/books/reconcile/look", {}, data=fields, files=files)


def fetched(browser: Any) -> list[str]:
    """The lines of the bank's own statement."""
    looked = send(browser, None, **{"from": "fetch"})
    assert 303 == looked.status_code, looked.text
    name = re.search(r"file=([^&]+)", looked.headers["location"])[1]
    return [name, looked.headers["location"]]


def lines(tmp_path: Path, name: str) -> list[str]:
    return (tmp_path / "statements" / name).read_text("utf-8").splitlines()


def repaired(browser: Any, looked: str) -> Any:
    """Press the one button of the page that was looked at."""
    page = browser.get(looked).text
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))
    return browser.post("/books/reconcile", data=fields)


@pytest.fixture
def different(ward: Store, at, tmp_path: Path) -> bytes:
    """The statement with one payment of another amount, a stranger and a line that nobody can read."""
    head, first, second = lines(tmp_path, fetched(at("cashier"))[0])
    stranger = f"strange,S-1,payment,7.00,CNY,{DAY}T10:00:00+08:00,paid"
    return "\n".join([head, first.replace("100.00", "90.00"), second, stranger, "rubbish"]).encode()


def test_what_agrees_is_fetched_looked_at_and_written_down(ward, at):
    clerk = at("cashier")
    empty = clerk.get("/books/reconcile?party=simulated+CNY").text
    assert "No day was reconciled" in empty and "City fund" in empty

    _, looked = fetched(clerk)
    page = clerk.get(looked).text
    assert "Everything agrees" in page and "Write the day down" in page

    made = repaired(clerk, looked)
    assert 303 == made.status_code, made.text
    assert "Settled" in clerk.get(made.headers["location"]).text
    assert "Settled" in clerk.get("/books/reconcile?party=simulated+CNY").text


def test_a_file_is_looked_at_first_then_repaired_with_one_press_and_explained(ward, at, different):
    clerk, before = at("cashier"), Books(ward).accounts()
    looked = send(clerk, different)
    assert 303 == looked.status_code, looked.text
    page = clerk.get(looked.headers["location"]).text
    for said in ("The amount differs", "They have it, we do not", "90.00", "line 5: 1 of 7 cells", "Only looked at"):
        assert said in page
    assert before == Books(ward).accounts()

    made = repaired(clerk, looked.headers["location"])
    address = made.headers["location"].partition("?")[0]
    page = clerk.get(address).text
    assert "Something is open" in page and "Needs a person" in page and "open for 1 days" in page
    assert "/books/account?name=difference/simulated&amp;currency=CNY" in page
    n = re.search(r'id="d-(\d)"><td class="wide"><b>They have it', page)[1]

    auditor = at("auditor")
    for verb, text in (("take", ""), ("note", "asked the bank"), ("explain", "of the canteen")):
        done = auditor.send_form(address, address, n=n, do=verb, text=text, had="")
        assert 303 == done.status_code, done.text
    page = auditor.get(address).text
    assert "Taken by Practitioner/demo-auditor" in page and "of the canteen" in page and "Explained" in page
    assert {sums.debits == sums.credits for sums in Books(ward).trial().values()} == {True}


def test_an_open_day_stands_among_what_the_clerk_has_to_do(ward, at, tmp_path):
    clerk = at("cashier")
    told = [*lines(tmp_path, fetched(clerk)[0]), f"strange,S-1,payment,7.00,CNY,{DAY}T10:00:00+08:00,paid"]
    made = repaired(clerk, send(clerk, "\n".join(told).encode()).headers["location"])
    address = made.headers["location"].partition("?")[0]
    assert address in clerk.get("/billing").text

    clerk.send_form(address, address, n="0", do="explain", text="of the canteen")
    assert address not in clerk.get("/billing").text
    assert "Settled" in clerk.get("/books/reconcile?party=simulated+CNY").text


def test_a_repair_is_taken_back_with_a_reason_and_stays_in_the_books(ward, at, different):
    clerk = at("cashier")
    made = repaired(clerk, send(clerk, different).headers["location"])
    address = made.headers["location"].partition("?")[0]
    n = re.search(r'id="d-(\d)"><td class="wide"><b>The amount differs', clerk.get(address).text)[1]
    assert 19_700 == Books(ward).balance("money/simulated", "CNY").net

    silent = clerk.send_form(address, address, n=n, do="undo", text="")
    assert 422 == silent.status_code and "Say what was found" in silent.text
    assert 303 == clerk.send_form(address, address, n=n, do="undo", text="the fee was ours").status_code

    assert 20_700 == Books(ward).balance("money/simulated", "CNY").net
    page = clerk.get(address).text
    assert "Taken back, needs a person" in page and "reversed" in page and "the fee was ours" in page
    assert 409 == clerk.send_form(address, address, n=n, do="undo", text="again").status_code
    assert 422 == clerk.send_form(address, address, n=n, do="burn", text="x").status_code
    assert 404 == clerk.send_form(address, address, n="99", do="note", text="x").status_code


def test_the_day_is_kept_as_csv_that_no_spreadsheet_runs(ward, at, different):
    clerk = at("cashier")
    address = repaired(clerk, send(clerk, different).headers["location"]).headers["location"].partition("?")[0]
    clerk.send_form(address, address, n="0", do="note", text='=HYPERLINK("x")')
    told = clerk.get(f"{address}/csv")

    assert told.headers["content-type"].startswith("text/csv") and "attachment" in told.headers["content-disposition"]
    rows = told.text.lstrip("\ufeff").splitlines()
    assert 3 == len(rows) and rows[0].startswith("day,side,currency,difference")
    assert any("strange" in row and ",7.00," in row and "person" in row for row in rows)


def test_a_second_press_of_the_button_is_the_same_record(ward, at, different):
    clerk = at("cashier")
    looked = send(clerk, different).headers["location"]
    page = clerk.get(looked).text
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))
    answers = [clerk.post("/books/reconcile", data=fields) for _ in range(2)]

    assert 1 == len({one.headers["location"] for one in answers})
    assert 19_700 == Books(ward).balance("money/simulated", "CNY").net
    again = clerk.get(looked)
    assert 409 == again.status_code and "already" in again.text


def test_a_file_of_another_day_is_told_and_looked_at_when_one_is_sure(ward, at):
    clerk = at("cashier")
    strangers = [f"o-{n},S-{n},payment,1.00,CNY,{DAY}T10:00:00+08:00,paid" for n in range(150)]
    looked = send(clerk, "\n".join([HEAD, *strangers]).encode()).headers["location"]
    page = clerk.get(looked)
    assert 409 == page.status_code and "152 of 152 differ" in page.text and "It is the right file" in page.text
    assert "Repair every difference" in clerk.get(f"{looked}&sure=1").text


@pytest.mark.parametrize(
    ("data", "status", "said"),
    [(None, 422, "Choose a file"), (b"", 422, "Choose a file"), (b"a,b\n", 303, ""), (b"\xff\xfe", 303, "")],
)
def test_what_is_no_statement_is_told(ward, at, data, status, said):
    clerk = at("cashier")
    answer = send(clerk, data)
    assert status == answer.status_code and said in answer.text
    if status == 303:
        page = clerk.get(answer.headers["location"])
        assert 400 == page.status_code and 'role="alert"' in page.text


def test_a_file_that_is_too_long_is_refused_and_where_to_put_it_is_said(ward, at):
    answer = send(at("cashier"), b"x" * (8 * 1024 * 1024))
    assert 507 == answer.status_code and "8388608" in answer.text


@pytest.mark.parametrize("name", ["../records.db", "never.csv", "/etc/passwd", "..%2Frecords.csv", ""])
def test_only_statements_can_be_picked(ward, at, name):
    clerk = at("cashier")
    assert 404 == clerk.get(f"/books/reconcile/look?party=simulated+CNY&day={DAY}&file={name}").status_code


@pytest.mark.parametrize("query", ["day=2026-13-40", "day=0001-01-01", "party=nobody+CNY", "party=x"])
def test_what_is_asked_wrongly_is_told(ward, at, query):
    assert 422 == at("auditor").get(f"/books/reconcile?{query}").status_code


def test_a_file_changed_since_it_was_looked_at_is_not_used(ward, at, different, tmp_path):
    clerk = at("cashier")
    looked = send(clerk, different).headers["location"]
    page = clerk.get(looked).text
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))
    (tmp_path / "statements" / fields["file"]).write_text(HEAD, "utf-8")
    answer = clerk.post("/books/reconcile", data=fields)

    assert 409 == answer.status_code and "has changed" in answer.text
    assert 20_000 == Books(ward).balance("money/simulated", "CNY").net


@pytest.mark.parametrize("account", ["desk", "clinician", "patient"])
def test_nobody_else_reconciles(ward, at, account):
    assert 403 == at(account).get("/books/reconcile").status_code


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_page_speaks_both_languages(ward, at, different, language):
    clerk = at("cashier", language)
    looked = send(clerk, different).headers["location"]
    assert 200 == clerk.get(looked).status_code
    made = repaired(clerk, looked).headers["location"]
    said = {"en": "They have it, we do not", "zh": "对方有，本院无"}[language]
    assert said in clerk.get(made).text


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data", b""),
        ("multipart/form-data; boundary=x", b""),
        ("multipart/form-data; boundary=x", b"--x\r\nhalf"),
        ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n\xff\r\n--x--'),
    ],
)
def test_a_form_that_breaks_off_is_no_form(kind: str, body: bytes):
    with pytest.raises(Malformed):
        taken_apart(kind, body)


@pytest.mark.parametrize(
    "body",
    [
        b"--x\r\n" + b"\r\n--x\r\n" * 200_000 + b"--x--\r\n",
        b"--x\r\nContent-Disposition: form-data" + b";a" * 200_000 + b"\r\n\r\nx\r\n--x--\r\n",
        b"--x\r\n" + b"A: b\r\n" * 200_000 + b"\r\nx\r\n--x--\r\n",
    ],
    ids=["parts", "words of a head", "heads"],
)
def test_a_form_of_a_hundred_thousand_parts_is_refused_before_it_is_taken_apart(body: bytes, monkeypatch):
    read: list[str] = []
    monkeypatch.setattr("salus.web.uploads.HeaderParser.parsestr", lambda self, text: read.append(text))

    with pytest.raises(Malformed):
        taken_apart("multipart/form-data; boundary=x", body)
    assert [] == read


def test_a_file_that_is_sent_by_many_at_once_is_kept_once(tmp_path: Path):
    together = Barrier(8)

    def press(n: int) -> str:
        together.wait()
        return statements.keep(tmp_path, DAY, "bank", b"%d" % (n // 8) * 100_000)

    with ThreadPoolExecutor(8) as many:
        names = set(many.map(press, range(8 * 20)))

    kept = list((tmp_path / statements.FOLDER).iterdir())
    assert names == {one.name for one in kept} and {0o600} == {one.stat().st_mode & 0o777 for one in kept}


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1+1", "@x", "\t=1", "\r=1", "\n=1", "＝1+1", "＋1", "－1+1", "＠x"])
def test_no_cell_of_the_table_is_a_formula(cell: str):
    assert f"'{cell}" == safe(cell)
