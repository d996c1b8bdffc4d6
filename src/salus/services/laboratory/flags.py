"""What a value says beside the interval, the critical limits and the patient's last value.

https://terminology.hl7.org/CodeSystem-v3-ObservationInterpretation.html
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from salus.base.errors import Invalid
from salus.codes import Lab, units
from salus.codes.tables import LOINC, UCUM
from salus.services.acting import Resource, code_in
from salus.services.laboratory.catalogue import Limits
from salus.services.laboratory.rules import ADULT

SYSTEM = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
CRITICAL = frozenset({"HH", "LL"})


@dataclass(frozen=True, slots=True)
class Interval:
    """A reference interval in the unit of the test; None where there is no bound."""

    low: float | None
    high: float | None

    def side(self, value: float) -> str:
        if self.low is not None and value < self.low:
            return "L"
        return "H" if self.high is not None and value > self.high else ""

    def range(self, unit: str) -> list[Resource]:
        bounds = {"low": self.low, "high": self.high}
        return [{name: measured(bound, unit) for name, bound in bounds.items() if bound is not None}]


def measured(value: float, unit: str) -> Resource:
    """A FHIR Quantity, to six digits: what a conversion adds beyond them nobody measured."""
    kept = float(f"{value:.6g}")
    return {"value": int(kept) if kept.is_integer() else kept, "unit": unit, "system": UCUM, "code": unit}


def interval(lab: Lab, sex: str, born: str, at: datetime) -> Interval | None:
    """The interval for this person; None for a child, for an unknown age, and where there is none for the sex."""
    if not is_adult(born, at):
        return None
    low, high = lab.reference(sex)
    return None if low is None and high is None else Interval(low, high)


def is_adult(born: str, at: datetime) -> bool:
    """Whether somebody born then is surely an adult at that time.

    >>> [is_adult(born, datetime(2026, 11, 22)) for born in ("2008-11-22", "2008-11", "2007", "")]
    [True, False, True, False]
    """
    if not born:
        return False
    year, month, day = (int(part or last) for part, last in ((born[:4], 0), (born[5:7], 12), (born[8:10], 31)))
    return (at.year - ADULT, at.month, at.day) >= (year, month, day)


def flag(lab: Lab, value: float, within: Interval | None, limits: Limits) -> str:
    """`LL` or `HH` at or beyond a critical limit, else `L`, `H` or `N`; "" where nothing is known to compare with.

    >>> from salus.codes import LABS
    >>> told = Limits({"2823-3": (2.8, 6.2)}, {}, 15, "")
    >>> [flag(LABS["2823-3"], one, Interval(3.5, 5.3), told) for one in (2.8, 3.4, 4.0, 6.1, 6.2)]
    ['LL', 'L', 'N', 'H', 'HH']
    """
    low, high = limits.critical.get(lab.code, (None, None))
    if low is not None and value <= low:
        return "LL"
    if high is not None and value >= high:
        return "HH"
    return (within.side(value) or "N") if within else ""


def improbable(lab: Lab, value: float, last: Resource | None, at: datetime, limits: Limits) -> str:
    """Why a value must be typed twice: `limits` (no living person has it), `delta` (it changed too much), or ""."""
    if lab.limits and not lab.limits[0] <= value <= lab.limits[1]:
        return "limits"
    percent, days = limits.delta.get(lab.code, (0.0, 0))
    before = value_of(last, lab) if last else None
    if not percent or before is None or last is None or at - moment(last) > timedelta(days=days):
        return ""
    return "delta" if abs(value - before) > abs(before) * percent / 100 else ""


def value_of(observation: Mapping[str, Any], lab: Lab) -> float | None:
    """The value in the unit of the test; None where there is none or it cannot be converted."""
    quantity = observation.get("valueQuantity", {})
    if "value" not in quantity or not lab.unit:
        return None
    try:
        return units.convert(float(quantity["value"]), quantity.get("code") or "1", lab.unit, lab.code)
    except Invalid:
        return None


def moment(observation: Mapping[str, Any]) -> datetime:
    """When it was taken, with a zone."""
    text = str(observation.get("effectiveDateTime") or observation.get("issued") or "1970-01-01T00:00:00Z")
    found = datetime.fromisoformat(text if len(text) > 10 else f"{(text + '-01-01')[:10]}T00:00:00+00:00")
    return found if found.tzinfo else found.astimezone()


def flag_of(observation: Mapping[str, Any]) -> str:
    """What stands on a result."""
    codings = (coding for one in observation.get("interpretation", []) for coding in one.get("coding", []))
    return next((str(one["code"]) for one in codings if one.get("code")), "")


def test_of(observation: Mapping[str, Any]) -> str:
    """The LOINC code of a result."""
    return code_in(observation.get("code"), LOINC)
