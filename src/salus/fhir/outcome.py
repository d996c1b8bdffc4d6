"""Issues as an OperationOutcome. https://hl7.org/fhir/R4/operationoutcome.html"""

from collections.abc import Iterable
from typing import Any

from salus.base.errors import Issue


def outcome(issues: Iterable[Issue]) -> dict[str, Any]:
    """The OperationOutcome of these issues; of none, one that says that all is well."""
    rows = [row(issue) for issue in issues]
    return {"resourceType": "OperationOutcome", "issue": rows or [row(Issue("informational", "", "OK", "information"))]}


def row(issue: Issue) -> dict[str, Any]:
    told: dict[str, Any] = {"severity": issue.severity, "code": issue.code, "diagnostics": issue.text}
    return told | ({"expression": [issue.path]} if issue.path else {})
