"""A suggestion as FHIR: RiskAssessment, the Device that spoke, and the Provenance of what it read.

https://hl7.org/fhir/R4/riskassessment.html, https://hl7.org/fhir/R4/provenance.html, https://hl7.org/fhir/R4/device.html
Probabilities are stored in percent, as R4 asks ("Decimal values are expressed as percentages"). What R4 has no element
for stands in extensions below `EXTENSIONS`; docs/decisions/0020 says why. `suggestion_of` is the exact way back.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from salus.analytics.events import OUTPUT_TAG
from salus.assistants.suggestion import Candidate, Certain, Claim, Gap, Kind, Model, Name, Reason, Suggestion
from salus.base import clock

Resource = dict[str, Any]

BASE = "https://salus.example/fhir"
EXTENSIONS = f"{BASE}/StructureDefinition/suggestion-"
MODELS = f"{BASE}/CodeSystem/model"
QUESTIONS = f"{BASE}/CodeSystem/assistant-question"
FINGERPRINTS = f"{BASE}/suggestion-fingerprint"
TAG = dict(zip(("system", "code"), OUTPUT_TAG, strict=True))  # what carries it makes no events
TRANSLATION = (
    "http://hl7.org/fhir/StructureDefinition/translation"  # https://hl7.org/fhir/R4/extension-translation.html
)
AGENT_KIND = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
ACTIVITY = "http://terminology.hl7.org/CodeSystem/v3-DataOperation"


# names in two languages


def translated(name: Name) -> dict[str, Any]:
    """The Chinese of a string element, to stand in its `_sibling`."""
    parts = [{"url": "lang", "valueCode": "zh"}, {"url": "content", "valueString": name.zh}]
    return {"extension": [{"url": TRANSLATION, "extension": parts}]}


def name_of(holder: Resource, element: str) -> Name:
    """The way back of `translated`; without a translation both languages say the same."""
    english = holder.get(element, "")
    for extension in holder.get(f"_{element}", {}).get("extension", []):
        parts = {
            part["url"]: next(value for key, value in part.items() if key != "url") for part in extension["extension"]
        }
        if extension["url"] == TRANSLATION and parts["lang"] == "zh":
            return Name(english, parts["content"])
    return Name(english, english)


def coding(claim: Claim) -> dict[str, Any]:
    """A claim as a FHIR Coding with its name in both languages."""
    return {
        "system": claim.system,
        "code": claim.code,
        "display": claim.name.en,
        "_display": translated(claim.name),
    }


def claim_of(coded: Resource) -> Claim:
    return Claim(coded.get("system", ""), coded.get("code", ""), name_of(coded, "display"))


# extensions


def _whole(url: str, parts: Iterable[dict[str, Any]]) -> dict[str, Any]:
    return {"url": EXTENSIONS + url, "extension": list(parts)}


def _named(name: Name) -> list[dict[str, Any]]:
    return [{"url": "en", "valueString": name.en}, {"url": "zh", "valueString": name.zh}]


def _value(reason: Reason) -> list[dict[str, Any]]:
    if reason.value is None:
        return []
    if isinstance(reason.value, str):
        return [{"url": "value", "valueString": reason.value}]
    quantity: dict[str, Any] = {"value": reason.value}
    return [{"url": "value", "valueQuantity": quantity | ({"unit": reason.unit} if reason.unit else {})}]


def _reason(reason: Reason) -> dict[str, Any]:
    sources = [{"url": "source", "valueReference": {"reference": source}} for source in reason.sources]
    return _whole(
        "reason",
        [
            {"url": "feature", "valueString": reason.feature},
            *_named(reason.name),
            *_value(reason),
            {"url": "weight", "valueDecimal": reason.weight},
            *sources,
        ],
    )


def _gap(gap: Gap) -> dict[str, Any]:
    return _whole("missing", [{"url": "feature", "valueString": gap.feature}, *_named(gap.name)])


def _extensions(suggestion: Suggestion) -> Iterator[dict[str, Any]]:
    yield _whole("model-title", _named(suggestion.model.title))
    yield from map(_reason, suggestion.reasons)
    yield from map(_gap, suggestion.missing)
    if suggestion.abstained:
        yield {"url": f"{EXTENSIONS}abstained", "valueCode": suggestion.abstained}
    if suggestion.certain:
        yield from _certain(suggestion.certain)


def _certain(certain: Certain) -> Iterator[dict[str, Any]]:
    """The level (and whether nothing is decided) in one extension, and one for each answer."""
    decided = [{"url": "undecided", "valueCode": certain.undecided}] if certain.undecided else []
    yield _whole("certain", [{"url": "level", "valueDecimal": certain.level}, *decided])
    for answer in certain.answers:
        yield _whole("not-ruled-out", _named(answer))


def _certain_of(assessment: Resource) -> Certain | None:
    """The way back; None for a suggestion without bounds."""
    answers = tuple(Name(_part(parts, "en"), _part(parts, "zh")) for parts in _parts(assessment, "not-ruled-out"))
    for parts in _parts(assessment, "certain"):
        return Certain(_part(parts, "level"), answers, _part(parts, "undecided"))
    return None


def _parts(resource: Resource, url: str) -> Iterator[list[dict[str, Any]]]:
    for extension in resource.get("extension", []):
        if extension["url"] == EXTENSIONS + url:
            yield extension["extension"]


def _part(parts: list[dict[str, Any]], url: str) -> Any:
    """The value of one part, whatever its type; None when it is not there."""
    return next((value for part in parts if part["url"] == url for key, value in part.items() if key != "url"), None)


def _reason_of(parts: list[dict[str, Any]]) -> Reason:
    value = _part(parts, "value")
    measured = isinstance(value, dict)
    return Reason(
        feature=_part(parts, "feature"),
        name=Name(_part(parts, "en"), _part(parts, "zh")),
        value=value["value"] if measured else value,
        unit=value.get("unit") if measured else None,
        weight=_part(parts, "weight"),
        sources=tuple(part["valueReference"]["reference"] for part in parts if part["url"] == "source"),
    )


def _gap_of(parts: list[dict[str, Any]]) -> Gap:
    return Gap(_part(parts, "feature"), Name(_part(parts, "en"), _part(parts, "zh")))


# predictions


def exact(probability: float) -> float:
    """A probability from 0 to 1 as it is kept, to six decimals: more would be false, fewer would lose small risks."""
    return round(probability, 6)


def _percent(probability: float) -> float:
    return round(100 * probability, 4)


def _prediction(candidate: Candidate, at: datetime, horizon: timedelta | None) -> dict[str, Any]:
    low, high = _percent(candidate.low), _percent(candidate.high)
    interval = {"url": f"{EXTENSIONS}interval", "valueRange": {"low": {"value": low}, "high": {"value": high}}}
    when = {"whenPeriod": {"start": clock.instant(at), "end": clock.instant(at + horizon)}} if horizon else {}
    return {
        "extension": [interval],
        "outcome": {"coding": [coding(candidate.claim)], "text": candidate.claim.name.en},
        "probabilityDecimal": _percent(candidate.probability),
    } | when


def _candidate_of(prediction: Resource) -> Candidate:
    bounds = prediction["extension"][0]["valueRange"]
    return Candidate(
        claim=claim_of(prediction["outcome"]["coding"][0]),
        probability=exact(prediction["probabilityDecimal"] / 100),
        low=exact(bounds["low"]["value"] / 100),
        high=exact(bounds["high"]["value"] / 100),
    )


# the three resources


def device_id(model: Model) -> str:
    """The id of the Device that a model version is: 1 to 64 letters, digits, `-` and `.`.

    >>> device_id(Model("type_2 diabetes", "2026-01-01.3", Name("", "")))
    'model-type-2-diabetes-2026-01-01.3'
    """
    return re.sub(r"[^A-Za-z0-9.-]+", "-", f"model-{model.name}-{model.version}")[:64]


def device(model: Model) -> Resource:
    """The model version as a Device, so that Provenance and audit can name it."""
    return {
        "resourceType": "Device",
        "id": device_id(model),
        "meta": {"tag": [TAG]},
        "identifier": [{"system": MODELS, "value": f"{model.name}/{model.version}"}],
        "status": "active",
        "deviceName": [{"name": model.title.en, "type": "model-name"}, {"name": model.title.zh, "type": "other"}],
        "version": [{"value": model.version}],
        "note": [{"text": f"Model card: {model.card}"}],
    }


def risk_assessment(suggestion: Suggestion, fingerprint: str, horizon: timedelta | None) -> Resource:
    """A suggestion as a RiskAssessment; `horizon` says within what time a risk is meant (None: now)."""
    model = suggestion.model
    question = {"coding": [{"system": QUESTIONS, "code": suggestion.kind}], "text": suggestion.question.en}
    method = {"system": MODELS, "version": model.version, "code": model.name, "display": model.title.en}
    optional = {
        "basis": [{"reference": source} for source in suggestion.sources],
        "prediction": [_prediction(candidate, suggestion.at, horizon) for candidate in suggestion.candidates],
    }
    return {
        "resourceType": "RiskAssessment",
        "id": suggestion.id,
        "meta": {"tag": [TAG]},
        "extension": list(_extensions(suggestion)),
        "identifier": [{"system": FINGERPRINTS, "value": fingerprint}],
        "status": "final",
        "method": {"coding": [method], "text": f"{model.name} {model.version}"},
        "code": question | {"_text": translated(suggestion.question)},
        "subject": {"reference": subject(suggestion.patient)},
        "occurrenceDateTime": clock.instant(suggestion.at),
        "performer": {"reference": f"Device/{device_id(model)}"},
    } | {key: value for key, value in optional.items() if value}


def subject(patient: str) -> str:
    """The reference to a patient: a plain id is ours, an address stands as it is.

    >>> subject("7"), subject("https://other.example/fhir/Patient/7")
    ('Patient/7', 'https://other.example/fhir/Patient/7')
    """
    return patient if ":" in patient else f"Patient/{patient}"


def provenance(suggestion: Suggestion) -> Resource:
    """Which model derived the suggestion, when, from which resources."""
    performer = {"coding": [{"system": AGENT_KIND, "code": "performer"}]}
    sources = [{"role": "source", "what": {"reference": source}} for source in suggestion.sources]
    return {
        "resourceType": "Provenance",
        "id": suggestion.id,
        "meta": {"tag": [TAG]},
        "target": [{"reference": f"RiskAssessment/{suggestion.id}"}],
        "recorded": clock.instant(suggestion.at),
        "activity": {"coding": [{"system": ACTIVITY, "code": "CREATE"}]},
        "agent": [{"type": performer, "who": {"reference": f"Device/{device_id(suggestion.model)}"}}],
    } | ({"entity": sources} if sources else {})


def suggestion_of(assessment: Resource) -> Suggestion:
    """The suggestion that a stored RiskAssessment holds (without its answer)."""
    method = assessment["method"]["coding"][0]
    kind: Kind = assessment["code"]["coding"][0]["code"]
    title = next(_parts(assessment, "model-title"))
    abstained = [e["valueCode"] for e in assessment["extension"] if e["url"] == f"{EXTENSIONS}abstained"]
    return Suggestion(
        id=assessment["id"],
        patient=assessment["subject"]["reference"].removeprefix("Patient/"),
        kind=kind,
        candidates=tuple(map(_candidate_of, assessment.get("prediction", []))),
        reasons=tuple(map(_reason_of, _parts(assessment, "reason"))),
        missing=tuple(map(_gap_of, _parts(assessment, "missing"))),
        model=Model(method["code"], method["version"], Name(_part(title, "en"), _part(title, "zh"))),
        at=datetime.fromisoformat(assessment["occurrenceDateTime"]),
        question=name_of(assessment["code"], "text"),
        abstained=abstained[0] if abstained else None,
        certain=_certain_of(assessment),
    )


def entries(suggestion: Suggestion, fingerprint: str, horizon: timedelta | None) -> list[Resource]:
    """The entries of a transaction that stores Device, suggestion and Provenance."""
    kept = [device(suggestion.model), risk_assessment(suggestion, fingerprint, horizon), provenance(suggestion)]
    return [
        {"resource": one, "request": {"method": "PUT", "url": f"{one['resourceType']}/{one['id']}"}} for one in kept
    ]
