"""Published cases: GA4GH phenopackets v2 as JSON, and condensed to a line of findings, disease and publication.

https://phenopacket-schema.readthedocs.io/en/latest/phenopacket.html
"""

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

import msgspec

from salus.assistants.cases.case import Case

Json = dict[str, Any]
DURATION = re.compile(r"P(?:(\d+(?:\.\d+)?)Y)?(?:(\d+(?:\.\d+)?)M)?(?:(\d+(?:\.\d+)?)W)?(?:(\d+(?:\.\d+)?)D)?(?:T.*)?")
A_YEAR = (1.0, 12.0, 52.1775, 365.25)  # years, months, weeks, days in a year
SEXES = {"MALE": "male", "FEMALE": "female", "OTHER_SEX": "other"}


def years(duration: str) -> float | None:
    """An ISO 8601 duration in years; None when it is none.

    >>> years("P2Y6M"), years("P3D") < 0.01, years("early")
    (2.5, True, None)
    """
    found = DURATION.fullmatch(duration)
    if found is None or duration == "P":
        return None
    return round(sum(float(part or 0) / size for part, size in zip(found.groups(), A_YEAR, strict=True)), 4)


def case_of_condensed(row: Json) -> Case:
    """A line with `observed`, `excluded`, `disease`, each pairs of id and label. Raises msgspec.ValidationError."""
    findings = [
        {"concept": concept, "text": text, "status": status}
        for key, status in (("observed", "present"), ("excluded", "absent"))
        for concept, text in _pairs(row, key)
    ]
    made = {
        "id": row.get("id"),
        "findings": findings,
        "diagnoses": [{"code": code, "text": text} for code, text in _pairs(row, "disease")],
        "age_years": years(row.get("age") or ""),
        "sex": SEXES.get(row.get("sex") or "", "unknown"),
        "source": "published",
        "reference": next(iter(row.get("refs") or ()), ""),
    }
    return msgspec.convert(made, Case)


def _pairs(row: Json, key: str) -> Iterator[tuple[str, str]]:
    for pair in row.get(key) or ():
        if not (isinstance(pair, list) and len(pair) == 2):
            raise ValueError(f"{key} holds {pair!r}: a pair of id and label is meant")
        yield pair[0], pair[1]


def case_of_packet(packet: Json) -> Case:
    """A whole phenopacket. Raises ValueError (it is none), msgspec.ValidationError."""
    if not isinstance(packet, dict) or "subject" not in packet or "phenotypicFeatures" not in packet:
        raise ValueError("no phenopacket: it has no subject or no phenotypicFeatures")
    try:
        return msgspec.convert(_told(packet), Case)
    except (AttributeError, KeyError, TypeError) as fault:
        raise ValueError(f"no phenopacket: {fault} is missing or of another kind") from None


def _told(packet: Json) -> Json:
    subject = packet["subject"]
    references = packet.get("metaData", {}).get("externalReferences", [])
    return {
        "id": packet.get("id"),
        "findings": [_finding(one) for one in packet["phenotypicFeatures"]],
        "diagnoses": _once(_diagnoses(packet)),
        "treatments": _once(_treatments(packet)),
        "outcome": "died" if subject.get("vitalStatus", {}).get("status") == "DECEASED" else "",
        "age_years": _age(subject.get("timeAtLastEncounter") or subject.get("age") or {}),
        "sex": SEXES.get(subject.get("sex", ""), "unknown"),
        "source": "published",
        "reference": next((one["id"] for one in references if one.get("id")), ""),
    }


def _finding(feature: Json) -> Json:
    term, stamp = feature["type"], feature.get("onset", {}).get("timestamp")
    return {
        "concept": term["id"],
        "text": term.get("label", ""),
        "status": "absent" if feature.get("excluded") else "present",
        "at": date.fromisoformat(stamp[:10]) if stamp else None,
    }


def _diagnoses(packet: Json) -> Iterator[Json]:
    """Those interpreted, then those told and not excluded."""
    for one in packet.get("interpretations", []):
        if "disease" in one.get("diagnosis", {}):
            yield _named(one["diagnosis"]["disease"])
    for one in packet.get("diseases", []):
        if not one.get("excluded"):
            yield _named(one["term"])


def _treatments(packet: Json) -> Iterator[Json]:
    for one in packet.get("medicalActions", []):
        term = one.get("treatment", {}).get("agent") or one.get("procedure", {}).get("code")
        if term:
            yield _named(term)


def _named(term: Json) -> Json:
    return {"code": term["id"], "text": term.get("label", "")}


def _once(found: Iterator[Json]) -> list[Json]:
    return list({one["code"]: one for one in reversed(list(found))}.values())[::-1]


def _age(time: Json) -> float | None:
    """Years from an age, or the middle of a range of ages."""
    if "ageRange" in time:
        ends = [years(time["ageRange"][end].get("iso8601duration", "")) for end in ("start", "end")]
        known = [one for one in ends if one is not None]
        return sum(known) / len(known) if known else None
    duration = time.get("iso8601duration") or time.get("age", {}).get("iso8601duration", "")
    return years(duration)
