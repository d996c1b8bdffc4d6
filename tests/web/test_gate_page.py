"""The gate's pages: drafted, both sides, decided one by one, released, withdrawn; and nobody else comes in."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from salus.privacy import SYSTEM, Purpose
from salus.records import Store

NOTE = "Ms Okonkwo (617-555-0123) came on 3/2/2026. She <keeps> a heron at Walla near Zorbrook."


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "records.db") as opened:
        records = opened.open(SYSTEM, Purpose.OPERATIONS)
        for at in range(6):
            name = {"family": "Okonkwo" if at == 0 else f"Brown{at}"}
            body = {"resourceType": "Patient", "id": f"p{at}", "name": [name], "gender": "female"}
            records.update("Patient", f"p{at}", body | {"birthDate": f"198{at}-05-01"})
        subject = {"reference": "Patient/p0"}
        stay = {"resourceType": "Encounter", "id": "stay", "status": "finished", "subject": subject}
        stay |= {"class": {"code": "IMP"}, "period": {"start": "2026-03-02T08:00:00Z"}}
        note = {"resourceType": "ClinicalImpression", "id": "note", "status": "completed", "subject": subject}
        records.update("Encounter", "stay", stay)
        records.update("ClinicalImpression", "note", note | {"date": "2026-03-02", "summary": NOTE})
        yield opened


def drafted(browser) -> str:
    answer = browser.send_form("/cases/gate", "/cases/gate", patient="p0")

    assert 303 == answer.status_code
    return answer.headers["location"]


def fields(page: str, text: str) -> dict[str, str]:
    """The hidden fields of the form about a place."""
    form = next(one for one in re.findall(r"<form.*?</form>", page, re.S) if f"<b>{text}</b>" in one)
    return dict(re.findall(r'name="(source|version|start|end|reason)" value="([^"]*)"', form))


def test_a_case_is_drafted_looked_at_decided_released_and_withdrawn(at):
    browser = at("curator")
    address = drafted(browser)
    page = browser.get(address).text

    assert "[PATIENT]" in page
    assert "&lt;keeps&gt; a heron" in page
    assert "disabled>Release" in page
    for place, act in (("Walla", "redact"), ("Zorbrook", "keep")):
        answer = browser.send_form(address, f"{address}/decide", **fields(browser.get(address).text, place), act=act)
        assert 303 == answer.status_code
    assert 303 == browser.send_form(address, f"{address}/redact", words="a heron", kind="other").status_code
    page = browser.get(address).text
    version = re.search(r'release".*?name="version" value="(\d+)"', page, re.S)[1]
    assert 303 == browser.send_form(address, f"{address}/release", version=version).status_code
    assert "Released" in browser.get("/cases/gate").text
    assert 422 == browser.send_form(address, f"{address}/withdraw", reason="").status_code
    assert 303 == browser.send_form(address, f"{address}/withdraw", reason="known in the village").status_code
    assert "known in the village" in browser.get("/cases/gate").text
    assert "Draft again" in browser.get(address).text


def test_it_is_not_released_while_a_place_is_open_nor_when_it_has_moved_on(at):
    browser = at("curator")
    address = drafted(browser)
    early = browser.send_form(address, f"{address}/release", version="1")
    browser.send_form(address, f"{address}/decide", **fields(browser.get(address).text, "Walla"), act="keep")
    browser.send_form(address, f"{address}/decide", **fields(browser.get(address).text, "Zorbrook"), act="keep")
    late = browser.send_form(address, f"{address}/release", version="1")

    assert (422, 412) == (early.status_code, late.status_code)
    assert "something is undecided" in early.text
    assert "has changed meanwhile" in late.text


def test_what_only_looked_like_something_may_be_put_back_what_the_record_says_may_not(at):
    browser = at("curator")
    address = drafted(browser)
    page = browser.get(address).text
    back = fields(page, "3/2/2026")
    browser.send_form(address, f"{address}/decide", **back, act="keep")

    assert "[Date: " in page
    assert "[Date: " not in browser.get(address).text
    assert "<b>Okonkwo</b>" not in page
    assert "<b>617-555-0123</b>" in page


@pytest.mark.parametrize("account", ["clinician", "nurse", "scientist", "administrator", "patient"])
def test_no_other_role_comes_in(at, account):
    browser = at(account)

    assert 403 == browser.get("/cases/gate").status_code
    assert 403 == browser.send_form("/settings", "/cases/gate", patient="p0").status_code


def test_the_page_speaks_chinese_and_says_what_is_wrong(at):
    browser = at("curator", "zh")
    wrong = browser.send_form("/cases/gate", "/cases/gate", patient="nobody")
    bare = browser.send_form("/cases/gate", "/cases/gate", patient="p3")
    page = browser.get(drafted(browser)).text
    nowhere = browser.send_form("/cases/gate", f"{drafted(browser)}/redact", words="no such words")

    assert (404, 412, 422) == (wrong.status_code, bare.status_code, nowhere.status_code)
    assert "没有该编号的患者" in wrong.text
    assert [] == [one for one in ("病历原文", "放行后的文本", "待定之处", "相似人数") if one not in page]


def test_a_place_that_is_no_place_is_refused(at):
    browser = at("curator")
    address = drafted(browser)
    place = fields(browser.get(address).text, "Walla")
    for wrong in ({"start": "x"}, {"end": "99999"}, {"source": "Patient/p1#note"}, {"version": "7"}):
        answer = browser.send_form(address, f"{address}/decide", **(place | wrong), act="keep")
        assert answer.status_code in (409, 422)
