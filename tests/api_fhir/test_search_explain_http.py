"""`_explain=true` over HTTP: one OperationOutcome in English and Chinese."""

from typing import Any


def test_an_administrator_has_a_search_explained(ask: Any) -> None:
    ask("PUT", "/Patient/p", {"resourceType": "Patient", "id": "p", "name": [{"family": "Geheim"}]})
    answer = ask("GET", "/Patient?family=Geheim&_total=accurate&_explain=true", who="administrator")
    (entry,) = answer.json()["entry"]
    issues = entry["resource"]["issue"]
    texts = [issue["details"]["text"] for issue in issues]

    assert "outcome" == entry["search"]["mode"]
    assert texts[0].startswith("1 resources on this page of 1 in all; 0 bodies were opened;")
    assert "Patient, condition family (string, 1 value): its 1 rows are gone through" in texts[1]
    plans = [issue.get("diagnostics", "") for issue in issues]
    assert any("SEARCH" in plan or "Index" in plan for plan in plans)
    assert "Geheim" not in answer.text
    assert "逐一查看它的1行" in answer.text


def test_an_explanation_is_asked_for_in_a_compartment_and_by_form(ask: Any) -> None:
    by_form = {"content_type": "application/x-www-form-urlencoded", "who": "administrator"}

    assert 200 == ask("GET", "/Patient/p/Observation?_explain=true", who="administrator").status_code
    assert "outcome" in ask("POST", "/Patient/_search", "family=x&_explain=true", **by_form).text


def test_others_are_refused_and_what_says_nothing_is_too(ask: Any) -> None:
    assert 403 == ask("GET", "/Patient?_explain=true", who="clinician").status_code
    assert 403 == ask("GET", "/Patient?_explain=true", who="eva").status_code
    assert 400 == ask("GET", "/Patient?_explain=perhaps", who="administrator").status_code
    assert "entry" not in ask("GET", "/Patient?_explain=false", who="clinician").json()
