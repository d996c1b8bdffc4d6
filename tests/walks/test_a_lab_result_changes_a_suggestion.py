"""The loop of the house, once around. Read this first.

    records  ->  events  ->  features  ->  model  ->  suggestion  ->  the clinician's answer  ->  records

Nothing here is pretended: a synthetic city is made and taken in, a model is trained on it, a server listens on a
port, a laboratory and a clinician talk to it over HTTP.
"""

import time
from datetime import timedelta
from io import BytesIO
from typing import Any

import httpx
import pyarrow.parquet as pq

from salus.api.access import grant
from salus.base import clock
from salus.base.settings import Settings
from salus.privacy import Actor, Purpose, Role

ZHAO = "showcase-4"  # 赵桂英: in the emergency department now, findings are in, no diagnosis yet
PNEUMONIA, INFLUENZA = "385093006", "6142004"
CLINICIAN = Actor("Practitioner/7", Role.CLINICIAN)
LABORATORY = Actor("Device/laboratory", Role.SYSTEM)


def test_a_lab_result_changes_a_suggestion(hospital: Settings, http: httpx.Client):
    laboratory, clinician = bearer(hospital, LABORATORY), bearer(hospital, CLINICIAN)

    # 赵桂英 lies in the emergency department with fever, cough and crackles. A clinician opens her chart.
    before = card_of(http, clinician)

    assert "Could be: Community-acquired pneumonia" in before["summary"]

    # The laboratory sends another count of white cells, as FHIR over HTTP. It is checked, and stored with its history
    # and audit. It is lower than before, as it is in influenza.
    response = http.post("/fhir/Observation", json=white_cells(4.5), headers=laboratory)

    assert 201 == response.status_code
    lab = response.json()["id"]

    # Within seconds it is an event that models learn from: the listener follows the outbox.
    assert [("LOINC//6690-2", 4.5, "10*9/L")] == eventually(lambda: events_from(hospital, f"Observation/{lab}"))

    # The chart is opened again. The suggestion is another one, and its reason points at the new result.
    after = card_of(http, clinician)
    then, now = (suggested(http, clinician, card) for card in (before, after))

    assert then[PNEUMONIA] > now[PNEUMONIA]
    assert then.get(INFLUENZA, 0) < now[INFLUENZA]
    assert f"Observation/{lab}" in after["detail"]

    # What was said before still stands in the records, with the model that said it and what it had read.
    provenance = http.get(f"/fhir/Provenance?target=RiskAssessment/{before['uuid']}", headers=clinician).json()

    assert provenance["entry"][0]["resource"]["agent"][0]["who"]["reference"].startswith(
        "Device/model-acute-differential-"
    )

    # The clinician does not believe it: that blood was somebody else's. A refusal says why.
    said = {"reason": reason(after, "data-wrong"), "userComment": "Sample mixed up; infiltrate on the X-ray"}
    http.post("/cds-services/salus-diagnosis/feedback", json=refusal(after, said), headers=clinician).raise_for_status()

    # That answer is a record too ...
    answers = http.get(f"/fhir/ClinicalImpression?patient={ZHAO}", headers=clinician).json()["entry"]
    assert ["refused"] == [one["resource"]["code"]["coding"][0]["code"] for one in answers]
    assert "Practitioner/7" == answers[0]["resource"]["assessor"]["reference"]

    # ... stands on the model's monitoring page ...
    assert "Sample mixed up" in page(http, "/models/acute-differential/use")

    # ... and is an event: the next training sees it.
    answer = f"ClinicalImpression/{answers[0]['resource']['id']}"
    assert [("suggestion-answer//refused", None, None)] == eventually(lambda: events_from(hospital, answer))


# --- what they say to one another ---


def bearer(hospital: Settings, who: Actor) -> dict[str, str]:
    return {"Authorization": f"Bearer {grant(hospital.secret, who, Purpose.TREATMENT, timedelta(hours=1))}"}


def eventually(what: Any, seconds: float = 120) -> Any:
    """What `what()` gives as soon as it gives anything."""
    until = time.monotonic() + seconds
    while not (found := what()) and time.monotonic() < until:
        time.sleep(0.05)
    return found


def white_cells(value: float) -> dict[str, Any]:
    moment = clock.instant(clock.now())
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "6690-2"}]},
        "subject": {"reference": f"Patient/{ZHAO}"},
        "effectiveDateTime": moment,
        "issued": moment,
        "valueQuantity": {"value": value, "unit": "10*9/L", "system": "http://unitsofmeasure.org", "code": "10*9/L"},
    }


def card_of(http: httpx.Client, clinician: dict[str, str]) -> dict[str, Any]:
    """The card that a CDS Hooks client is shown when the chart is opened."""
    opened = {"hook": "patient-view", "hookInstance": "1", "context": {"userId": "Practitioner/7", "patientId": ZHAO}}
    response = http.post("/cds-services/salus-diagnosis", json=opened, headers=clinician)
    response.raise_for_status()
    (card,) = response.json()["cards"]
    return card


def suggested(http: httpx.Client, clinician: dict[str, str], card: dict[str, Any]) -> dict[str, float]:
    """SNOMED CT code -> percent, from the RiskAssessment behind a card."""
    assessment = http.get(f"/fhir/RiskAssessment/{card['uuid']}", headers=clinician).json()
    return {one["outcome"]["coding"][0]["code"]: one["probabilityDecimal"] for one in assessment["prediction"]}


def reason(card: dict[str, Any], code: str) -> dict[str, Any]:
    return next(one for one in card["overrideReasons"] if one["code"] == code)


def refusal(card: dict[str, Any], why: dict[str, Any]) -> dict[str, Any]:
    moment = clock.instant(clock.now())
    one = {"card": card["uuid"], "outcome": "overridden", "overrideReason": why, "outcomeTimestamp": moment}
    return {"feedback": [one]}


def events_from(hospital: Settings, source: str) -> list[tuple[Any, ...]]:
    """The events that a resource became. Each file is read at once: the listener may put another in its place."""
    files = (BytesIO(path.read_bytes()) for path in hospital.events.rglob("*.parquet"))
    found = [row for file in files for row in pq.read_table(file).to_pylist() if row["source_id"] == source]
    return [(row["code"], row["numeric_value"], row["unit"]) for row in found]


def page(http: httpx.Client, address: str) -> str:
    """A page as the administrator of the demonstration sees it, who signs in first."""
    form = http.get("/sign-in").text
    token = form.split('name="form_token" value="')[1].split('"')[0]
    http.post("/sign-in", data={"form_token": token, "account": "administrator"})
    return http.get(address).text
