"""What a coded thing is called, and units as they are written on paper."""

from collections.abc import Iterator, Mapping
from typing import Any

from salus import codes
from salus.base.words import words_of

Resource = Mapping[str, Any]

# UCUM (https://ucum.org/ucum) -> as written; what is not here is written as it is
WRITTEN = {
    "mm[Hg]": "mmHg",
    "Cel": "°C",
    "10*9/L": "10⁹/L",
    "10*12/L": "10¹²/L",
    "10*3/uL": "10³/µL",
    "10*6/uL": "10⁶/µL",
    "umol/L": "µmol/L",
    "ug/L": "µg/L",
    "ug/dL": "µg/dL",
    "kg/m2": "kg/m²",
    "mL/min/{1.73_m2}": "mL/min/1.73 m²",
    "1": "",
}


def concept(value: Resource | None, language: str) -> str:
    """A CodeableConcept's name: ours in the reader's language if we have one, else its text, else its display or code.

    >>> concept({"coding": [{"system": "http://snomed.info/sct", "code": "44054006"}]}, "zh"), concept(None, "en")
    ('2型糖尿病', '')
    """
    if not value:
        return ""
    codings = value.get("coding", [])
    named = (codes.name(coding.get("system", ""), coding.get("code", ""), language) for coding in codings)
    spoken = next((name for name in named if name), "")
    shown = next((coding["display"] for coding in codings if coding.get("display")), "")
    return spoken or value.get("text") or shown or next((coding.get("code", "") for coding in codings), "")


def code(value: Resource | None) -> str:
    """The first code, or nothing."""
    return next((coding["code"] for coding in (value or {}).get("coding", []) if coding.get("code")), "")


def keys(value: Resource | None) -> Iterator[tuple[str, str]]:
    """(system, code) of each coding that has a code."""
    for coding in (value or {}).get("coding", []):
        if coding.get("code"):
            yield coding.get("system", ""), coding["code"]


def written(unit: str | None) -> str:
    """
    >>> written("mm[Hg]"), written("mmol/L"), written("{score}"), written(None)
    ('mmHg', 'mmol/L', '', '')
    """
    text = unit or ""
    if text in WRITTEN:
        return WRITTEN[text]
    return "" if text.startswith("{") and text.endswith("}") else text


def status(kind: str, value: str | None, language: str) -> str:
    """The words for a status code, or the code itself where we have none."""
    words, key = words_of("salus.web"), f"{kind}.{value}"
    return words(key, language) if key in words else value or ""


def reference(resource: Resource) -> str:
    """
    >>> reference({"resourceType": "Patient", "id": "7"})
    'Patient/7'
    """
    return f"{resource['resourceType']}/{resource['id']}"
