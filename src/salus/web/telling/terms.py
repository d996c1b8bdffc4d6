"""What a coded thing and a status are called."""

from collections.abc import Mapping
from typing import Any

from salus import codes
from salus.base.words import words_of

Resource = Mapping[str, Any]
CHINESE = range(0x3400, 0xA000)  # CJK unified ideographs and extension A


def concept(value: Resource | None, language: str) -> str:
    """A CodeableConcept's name: ours in the reader's language if we have one, else of its own texts the one in the
    reader's script, else any, else a code.

    >>> concept({"coding": [{"system": "http://snomed.info/sct", "code": "44054006"}]}, "zh"), concept(None, "en")
    ('2型糖尿病', '')
    >>> concept({"coding": [{"display": "Otitis media"}], "text": "中耳炎"}, "en")
    'Otitis media'
    """
    if not value:
        return ""
    codings = value.get("coding", [])
    named = (codes.name(coding.get("system", ""), coding.get("code", ""), language) for coding in codings)
    spoken = next((name for name in named if name), "")
    own = [text for text in (value.get("text"), *(coding.get("display") for coding in codings)) if text]
    fitting = [text for text in own if chinese(text) == (language == "zh")]
    return spoken or next(iter([*fitting, *own]), code(value))


def chinese(text: str) -> bool:
    return any(ord(letter) in CHINESE for letter in text)


def code(value: Resource | None, first: str = "") -> str:
    """The code whose system begins with `first`, else the first code, else nothing."""
    codings = [coding for coding in (value or {}).get("coding", []) if coding.get("code")]
    preferred = [coding for coding in codings if first and coding.get("system", "").startswith(first)]
    return next((str(coding["code"]) for coding in [*preferred, *codings]), "")


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
