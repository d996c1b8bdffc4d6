"""`$erase` and `$expunge` over HTTP: told first, done when it is confirmed."""

from typing import Any

import pytest

ADMIN = {"who": "administrator"}
PATIENT = {"resourceType": "Patient", "id": "li-forgotten", "name": [{"family": "Zhangzhang"}]}


@pytest.fixture(autouse=True)
def people(ask: Any) -> None:
    ask("PUT", "/Patient/li-forgotten", PATIENT)
    ask("PUT", "/Patient/li-forgotten", {**PATIENT, "active": True})
    ask("PUT", "/Patient/wang", {**PATIENT, "id": "wang"})


def parameters(answer: Any) -> dict[str, Any]:
    """Names and simple values."""
    parts = answer.json()["parameter"]
    return {part["name"]: value for part in parts for name, value in part.items() if name.startswith("value")}


def test_without_confirmation_it_only_says_what_would_go(ask: Any) -> None:
    answer = ask("POST", "/Patient/li-forgotten/$erase", **ADMIN)

    assert 200 == answer.status_code
    assert {"confirmed": False, "resources": 1, "versions": 2} == parameters(answer)
    assert 200 == ask("GET", "/Patient/li-forgotten").status_code


def test_confirmed_with_a_reason_it_goes_and_a_second_time_there_is_nothing(ask: Any) -> None:
    first = ask("POST", "/Patient/li-forgotten/$erase?confirm=true&reason=case+2026/17", **ADMIN)
    again = ask("POST", "/Patient/li-forgotten/$erase?confirm=true&reason=case+2026/17", **ADMIN)

    assert {"confirmed": True, "resources": 1, "versions": 2} == {
        name: parameters(first)[name] for name in ("confirmed", "resources", "versions")
    }
    assert 404 == ask("GET", "/Patient/li-forgotten").status_code
    assert 404 == ask("GET", "/Patient/li-forgotten/_history/1").status_code
    assert (200, 0) == (again.status_code, parameters(again)["resources"])
    assert 200 == ask("GET", "/Patient/wang").status_code


def test_parameters_may_stand_in_the_body(ask: Any) -> None:
    body = {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "expungePreviousVersions", "valueBoolean": True},
            {"name": "confirm", "valueBoolean": True},
            {"name": "reason", "valueString": "entered twice"},
        ],
    }
    answer = ask("POST", "/Patient/li-forgotten/$expunge", body, **ADMIN)

    assert (200, 1) == (answer.status_code, parameters(answer)["versions"])
    assert 200 == ask("GET", "/Patient/li-forgotten").status_code


def test_an_expunged_resource_is_gone_under_its_name(ask: Any) -> None:
    url = "/Patient/wang/$expunge?expungeEverything=true&confirm=true&reason=wrong+person"

    assert 200 == ask("POST", url, **ADMIN).status_code
    assert 410 == ask("GET", "/Patient/wang").status_code


@pytest.mark.parametrize(
    ("who", "path", "status"),
    [
        ("clinician", "/Patient/wang/$erase", 403),
        ("system", "/Patient/wang/$erase?confirm=true", 422),  # no reason
        ("administrator", "/Patient/wang/$erase?confirm=true&reason=Zhangzhang+asked", 422),
        ("administrator", "/Patient/wang/$erase?confirm=yes", 400),
        ("administrator", "/Patient/wang/$expunge", 400),
        ("administrator", "/Patient/wang/$expunge?expungeEverything=true&expungePreviousVersions=true", 400),
        ("administrator", "/Patient/wang/$expunge?expungeDeletedResources=true", 409),
        ("administrator", "/Patient/wang/$expunge?limit=1", 400),
        ("administrator", "/Observation/wang/$erase", 404),
    ],
)
def test_what_may_not_be_or_is_not_understood_is_refused(ask: Any, who: str, path: str, status: int) -> None:
    answer = ask("POST", path, who=who)

    assert status == answer.status_code, answer.text
    assert "OperationOutcome" == answer.json()["resourceType"]
    assert 200 == ask("GET", "/Patient/wang").status_code


def test_an_active_legal_hold_is_told_and_forbids_it(ask: Any) -> None:
    coding = {"system": "https://salus.example/fhir/CodeSystem/flag", "code": "legal-hold"}
    flag = {
        "resourceType": "Flag",
        "id": "hold",
        "status": "active",
        "code": {"coding": [coding]},
        "subject": {"reference": "Patient/wang"},
    }
    ask("PUT", "/Flag/hold", flag)
    told = ask("POST", "/Patient/wang/$erase", **ADMIN)

    assert "Flag/hold" == parameters(told)["held"]
    assert 409 == ask("POST", "/Patient/wang/$erase?confirm=true&reason=case+2026/17", **ADMIN).status_code
