"""How long a prescription may be dispensed."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from salus.services.pharmacy.rules import VALID


def valid_until(order: Mapping[str, Any]) -> datetime | None:
    """Until when it may be dispensed: what it says, else so long after it was written; None where neither is said."""
    end = order.get("dispenseRequest", {}).get("validityPeriod", {}).get("end")
    if end:
        return moment(end, whole=True)
    written = order.get("authoredOn")
    return moment(written) + VALID if written else None


def moment(text: str, whole: bool = False) -> datetime:
    """A FHIR dateTime; of a bare day its beginning, or with `whole` its end."""
    full = (text + "-01-01")[:10] if len(text) < 10 else text
    found = datetime.fromisoformat(full if len(full) > 10 else f"{full}T{'23:59:59' if whole else '00:00:00'}")
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def is_over(order: Mapping[str, Any], at: datetime) -> bool:
    """Whether it is too old to be dispensed."""
    until = valid_until(order)
    return until is not None and until <= at
