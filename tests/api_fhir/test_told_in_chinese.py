"""A client that asks for Chinese is told in Chinese too what was wrong; `diagnostics` stays English."""

from collections.abc import Callable
from typing import Any

import pytest

ZH = {"accept_language": "zh-CN,zh;q=0.9,en;q=0.5"}


def test_an_outcome_says_in_chinese_what_was_wrong(ask: Callable[..., Any]):
    (issue,) = ask("GET", "/Patient/nobody", **ZH).json()["issue"]

    assert "There is no Patient/nobody" == issue["diagnostics"]
    assert {"text": "没有Patient/nobody"} == issue["details"]


@pytest.mark.parametrize("accepted", ["en", "en, zh;q=0.5", "fr", "zh;q=0"])
def test_an_outcome_for_others_has_no_chinese(ask: Callable[..., Any], accepted: str):
    (issue,) = ask("GET", "/Patient/nobody", accept_language=accepted).json()["issue"]

    assert "details" not in issue


def test_what_a_search_ignored_is_told_in_chinese_and_the_found_keep_their_bytes(ask: Callable[..., Any]):
    body = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "Potassium"},
        "valueQuantity": {"value": 4.5, "unit": "mmol/L"},
    }
    raw = ask("POST", "/Observation", body).content
    assert b'"value":4.5,' in raw
    found = ask("GET", "/Observation?nonsense=1", prefer="handling=lenient", **ZH)
    first, last = found.json()["entry"]

    assert raw in found.content
    assert "match" == first["search"]["mode"]
    assert "nonsense" in last["resource"]["issue"][0]["details"]["text"]
    assert last["resource"]["issue"][0]["details"]["text"].startswith("已忽略")


def test_each_refusal_of_a_batch_is_told_in_chinese(ask: Callable[..., Any]):
    batch = {
        "resourceType": "Bundle",
        "type": "batch",
        "entry": [{"request": {"method": "GET", "url": "Patient/nobody"}}],
    }
    (entry,) = ask("POST", "", batch, **ZH).json()["entry"]

    assert "没有Patient/nobody" == entry["response"]["outcome"]["issue"][0]["details"]["text"]


def test_an_outcome_that_is_stored_stays_as_it_is(ask: Callable[..., Any]):
    issue = {"severity": "error", "code": "not-found", "diagnostics": "There is no Patient/nobody"}
    made = ask("POST", "/OperationOutcome", {"resourceType": "OperationOutcome", "issue": [issue]}).json()

    assert [issue] == ask("GET", f"/OperationOutcome/{made['id']}", **ZH).json()["issue"]
