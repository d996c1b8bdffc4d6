"""From a FHIR resource to its events: pure, one row of `KINDS` for each type.

**When could the ward know it?** (`recorded_time`; a model may use an event only from then on.)

1. The resource's own date of record (`issued`, `recordedDate`, `authoredOn` ...), never the time of import.
2. Without one, an act of the ward (a measurement, a procedure, a visit, an injection) was known when it ended. What
   people only tell later (conditions, allergies, family history) was known when our store first held it.
3. A date without a time means its end, or the moment our store already held it, if that lies within that day.
4. Never before it happened.

Only the current version is read: what was corrected since counts from its own date of record (FHIR moves `issued` with
every version of a result), and a visit begins under the class it ended with.

What has no time at all stands at the time our store held it; without even that it gives no event.
Entered in error, refuted, cancelled, not done and merely planned things are no events, nor is what Salus itself said.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from salus.analytics.events.concepts import codes_of, first_code
from salus.analytics.events.moments import Moment, moment, span
from salus.analytics.events.rows import Event
from salus.analytics.events.values import NOTHING, Value, value_of
from salus.fhir.tags import is_synthetic
from salus.records import joined

OUTPUT_TAG = ("https://salus.example/tags", "salus-output")
OUR_SYSTEMS = "https://salus.example/methods"

Resource = dict[str, Any]
Said = tuple[str, Value]


class Kind(NamedTuple):
    """How a type is read: statuses that make it no event, elements for its time and its date of record, what it says.

    `told`: people tell it later, so that without a date of record it counts as known when our store first held it.
    """

    said: Callable[[Resource], Iterable[Said]]
    times: tuple[str, ...]
    records: tuple[str, ...]
    not_if: frozenset[str]
    told: bool = False


class Known(NamedTuple):
    """When it happened and since when it could be known."""

    time: datetime
    recorded: datetime


def events_of(resource: Resource) -> list[Event]:
    """The events of one resource, in the order they stand in it; none for types and states that are no events.

    >>> lab = {"resourceType": "Observation", "id": "1", "status": "final", "subject": {"reference": "Patient/7"},
    ...        "code": {"coding": [{"system": "http://loinc.org", "code": "4548-4"}]},
    ...        "effectiveDateTime": "2026-03-01T08:00:00Z", "valueQuantity": {"value": 7.1, "code": "%"}}
    >>> [(event.subject_id, event.code, event.numeric_value, event.unit) for event in events_of(lab)]
    [('7', 'LOINC//4548-4', 7.1, '%')]
    """
    read = READERS.get(resource.get("resourceType", ""))
    if read is None or is_our_own(resource) or is_replaced(resource):
        return []
    return list(read(resource))


def is_replaced(resource: Resource) -> bool:
    """Whether it is a Patient for whom another stands: who that is says when they were born."""
    return resource.get("resourceType") == "Patient" and bool(joined.marked_in(resource.get("meta", {})))


def subject_of(resource: Resource) -> str | None:
    """The id of the patient whom a resource is about, or None; of one that was joined into another, that one."""
    if also := joined.marked_in(resource.get("meta", {})):
        return also[0]
    if resource.get("resourceType") == "Patient":
        return resource.get("id")
    if resource.get("resourceType") == "Appointment":
        people = (id_in(one.get("actor"), "Patient") for one in resource.get("participant", ()))
        return next((one for one in people if one), None)
    return id_in(resource.get("subject") or resource.get("patient"), "Patient")


def id_in(reference: Any, wanted: str) -> str | None:
    """The id in a Reference to that type (relative, absolute, or urn:uuid); None when it points at something else.

    >>> id_in({"reference": "https://a.example/fhir/Patient/7/_history/2"}, "Patient")
    '7'
    """
    text = reference.get("reference") if isinstance(reference, dict) else None
    if not isinstance(text, str):
        return None
    if text.startswith("urn:uuid:"):
        return text[9:]
    pieces = text.split("/_history/")[0].split("/")
    return pieces[-1] if len(pieces) > 1 and pieces[-2] == wanted else None


def is_our_own(resource: Resource) -> bool:
    """Whether Salus said it: tagged with `OUTPUT_TAG`, or made by a method of ours. A model must not feed on itself."""
    tags = resource.get("meta", {}).get("tag", ())
    methods = resource["method"].get("coding", ()) if isinstance(resource.get("method"), dict) else ()
    return any((tag.get("system"), tag.get("code")) == OUTPUT_TAG for tag in tags) or any(
        str(coding.get("system", "")).startswith(OUR_SYSTEMS) for coding in methods
    )


def states(resource: Resource) -> set[str]:
    """The words that say whether it is real: status, verification status, intent, and do-not-perform."""
    words = {resource.get("status", ""), resource.get("intent", "")}
    concept = resource.get("verificationStatus")
    if isinstance(concept, dict):
        words.update(coding.get("code", "") for coding in concept.get("coding", ()))
    if resource.get("doNotPerform") is True:
        words.add("not-done")
    return words


def first_span(resource: Resource, elements: tuple[str, ...]) -> Moment | None:
    """The first of these elements that is there and holds a date."""
    for element in elements:
        if element in resource and (found := span(resource[element])):
            return found
    return None


def held_since(resource: Resource) -> datetime | None:
    """When our store took this version."""
    found = moment(resource.get("meta", {}).get("lastUpdated") or "")
    return found.low if found else None


def known(resource: Resource, kind: Kind) -> Known | None:
    """The rules at the head of this file; None when nothing says when it was."""
    happened = first_span(resource, kind.times)
    noted = first_span(resource, kind.records)
    held = held_since(resource)
    if noted is None and held is not None and (kind.told or happened is None):
        noted = Moment(held, held)
    time, record = happened or noted, noted or happened
    if time is None or record is None:
        return None
    return Known(time.low, max(time.low, known_within(record, held)))


def known_within(record: Moment, held: datetime | None) -> datetime:
    """The end of an imprecise date, or sooner when our store held it within that date already."""
    return record.high if held is None else min(record.high, max(record.low, held))


def read_by(kind: Kind) -> Callable[[Resource], Iterator[Event]]:
    """The reader of a type whose events all happen at one time."""

    def read(resource: Resource) -> Iterator[Event]:
        subject = subject_of(resource)
        if subject is None or not kind.not_if.isdisjoint(states(resource)):
            return
        when = known(resource, kind)
        if when is None:
            return
        visit = id_in(resource.get("encounter") or resource.get("context"), "Encounter")
        source = f"{resource['resourceType']}/{resource.get('id', '')}"
        for code, (number, text, unit) in kind.said(resource):
            yield Event(subject, when.time, code, number, text, unit, visit, source, when.recorded)

    return read


def read_patient(patient: Resource) -> Iterator[Event]:
    """Birth, sex, death, made up or not. A death without a date stands at the moment our store first held it."""
    subject = patient.get("id")
    if subject is None:
        return
    source = f"Patient/{subject}"
    if patient.get("gender"):
        yield Event(subject, None, f"SEX//{patient['gender']}", None, None, None, None, source, None)
    if is_synthetic(patient):
        yield Event(subject, None, "SYNTHETIC", None, None, None, None, source, None)
    if birth := span(patient.get("birthDate")):
        yield Event(subject, birth.low, "MEDS_BIRTH", None, None, None, None, source, birth.low)
    held = held_since(patient)
    death = span(patient.get("deceasedDateTime"))
    if death is None and patient.get("deceasedBoolean") is True and held is not None:
        death = Moment(held, held)
    if death:
        recorded = known_within(death, held)
        yield Event(subject, death.low, "MEDS_DEATH", None, None, None, None, source, recorded)


def read_encounter(encounter: Resource) -> Iterator[Event]:
    """ENCOUNTER//class and the codes of its type when it begins, ENCOUNTER_END//class when it ends.

    What is part of a visit (a stay in a unit, a transfer) is no visit more: ENCOUNTER_PART//class.
    """
    subject = subject_of(encounter)
    period = encounter.get("period", {})
    start, end = span(period.get("start")), span(period.get("end"))
    if subject is None or start is None or not PLANNED.isdisjoint(states(encounter)):
        return
    visit, held = encounter.get("id"), held_since(encounter)
    source, kind = f"Encounter/{visit or ''}", encounter.get("class", {}).get("code", "UNKNOWN")
    begun = known_within(start, held)
    word = "ENCOUNTER_PART" if "partOf" in encounter else "ENCOUNTER"
    for code in (f"{word}//{kind}", *(code for concept in encounter.get("type", ()) for code in codes_of(concept))):
        yield Event(subject, start.low, code, None, None, None, visit, source, begun)
    if end:
        left = first_code(encounter.get("hospitalization", {}).get("dischargeDisposition"))
        recorded = max(begun, known_within(end, held))
        yield Event(subject, end.low, f"{word}_END//{kind}", None, left, None, visit, source, recorded)


def read_appointment(appointment: Resource) -> Iterator[Event]:
    """When it is booked BOOKING//made (days until the visit), BOOKING//hour and BOOKING//weekday (1 Monday;
    in UTC: the same however it is written) of the visit; when it was to be, BOOKING//kept, //missed or
    //cancelled. They share the booking's id as that of their encounter."""
    subject, start = subject_of(appointment), moment(appointment.get("start") or "")
    if subject is None or start is None or not UNBOOKED.isdisjoint(states(appointment)):
        return
    held = held_since(appointment)
    made = span(appointment.get("created"))
    at = min(made.low if made else held or start.low, start.low)
    id = appointment.get("id")
    source = f"Appointment/{id or ''}"
    for code, number, unit in booked(start.low, at):
        yield Event(subject, at, code, number, None, unit, id, source, at)
    if ended := BOOKING_ENDS.get(appointment.get("status", "")):
        recorded = known_within(start, held)
        yield Event(subject, start.low, f"BOOKING//{ended}", None, None, None, id, source, recorded)


def booked(start: datetime, at: datetime) -> tuple[tuple[str, float, str | None], ...]:
    return (
        ("BOOKING//made", (start - at) / timedelta(days=1), "d"),
        ("BOOKING//hour", start.hour + start.minute / 60, "h"),
        ("BOOKING//weekday", float(start.isoweekday()), None),
    )


def plainly(*elements: str) -> Callable[[Resource], Iterator[Said]]:
    """What it says are the codes in these elements, without a value."""

    def said(resource: Resource) -> Iterator[Said]:
        for element in elements:
            concepts = resource.get(element, ())
            for concept in concepts if isinstance(concepts, list) else (concepts,):
                for code in codes_of(concept):
                    yield code, NOTHING

    return said


def measured(observation: Resource) -> Iterator[Said]:
    """Its own value and those of its components. One that says why it has no value is no event."""
    components = observation.get("component", ())
    yield from one_measured(observation, bare=not components)
    for component in components:
        yield from one_measured(component, bare=False)


def one_measured(element: Resource, bare: bool) -> Iterator[Said]:
    """`bare`: without any value it still counts (a panel, a finding that the code alone states)."""
    value = value_of(element)
    if value is None and (not bare or "dataAbsentReason" in element):
        return
    for code in codes_of(element.get("code")):
        yield code, value or NOTHING


def medicine(resource: Resource) -> Iterator[Said]:
    """The medicine ordered, given, handed out or taken, with the dose given where that is said."""
    dose = value_of({"valueQuantity": resource["dosage"]["dose"]}) if has_dose(resource) else None
    for code in codes_of(medicine_concept(resource)):
        yield code, dose or NOTHING


def has_dose(resource: Resource) -> bool:
    return isinstance(resource.get("dosage"), dict) and "dose" in resource["dosage"]


def medicine_concept(resource: Resource) -> Any:
    """Its concept, that of the contained Medication it points at, or the words beside the reference."""
    if "medicationCodeableConcept" in resource:
        return resource["medicationCodeableConcept"]
    reference = resource.get("medicationReference", {})
    for contained in resource.get("contained", ()):
        if reference.get("reference") == f"#{contained.get('id')}":
            return contained.get("code")
    return {"text": reference.get("display") or reference.get("reference")}


def allergy(resource: Resource) -> Iterator[Said]:
    """ALLERGY//RXNORM//1191: an allergy to aspirin must not look like aspirin taken."""
    for code in codes_of(resource.get("code")):
        yield f"ALLERGY//{code}", Value(text=resource.get("criticality"))


def family(resource: Resource) -> Iterator[Said]:
    """FAMILY//SNOMED//44054006, with the relative in words."""
    relative = first_code(resource.get("relationship"))
    for condition in resource.get("condition", ()):
        for code in codes_of(condition.get("code")):
            yield f"FAMILY//{code}", Value(text=relative)


def answer(impression: Resource) -> Iterator[Said]:
    """A clinician's judgement: its code (with the reason as text) and the findings they hold to."""
    reason = impression.get("statusReason", {})
    words = [coding["code"] for coding in reason.get("coding", ()) if "code" in coding] or [reason.get("text")]
    for code in codes_of(impression.get("code")):
        yield code, Value(text=words[0])
    for finding in impression.get("finding", ()):
        for code in codes_of(finding.get("itemCodeableConcept")):
            yield code, NOTHING


ERROR = frozenset({"entered-in-error"})
PLANNED = ERROR | {"planned", "cancelled"}
EMPTY = ERROR | {"cancelled", "registered"}
UNTRUE = ERROR | {"refuted"}
NO_ORDER = ERROR | {"cancelled", "draft", "proposal", "not-done"}
NOT_DONE = ERROR | {"not-done", "preparation", "declined", "cancelled"}
UNBOOKED = ERROR | {"proposed", "waitlist"}
BOOKING_ENDS = {"fulfilled": "kept", "noshow": "missed", "cancelled": "cancelled"}
NOT_TAKEN = ERROR | {"not-taken", "intended"}
ONSET = ("onsetDateTime", "onsetPeriod")
EFFECTIVE = ("effectiveDateTime", "effectivePeriod", "effectiveInstant", "effectiveTiming")

KINDS = {
    "Observation": Kind(measured, EFFECTIVE, ("issued",), EMPTY),
    "DiagnosticReport": Kind(plainly("code", "conclusionCode"), EFFECTIVE, ("issued",), EMPTY),
    "Condition": Kind(plainly("code"), ONSET, ("recordedDate",), UNTRUE, told=True),
    "AllergyIntolerance": Kind(allergy, ONSET, ("recordedDate",), UNTRUE, told=True),
    "FamilyMemberHistory": Kind(family, ("date",), ("date",), ERROR, told=True),
    "MedicationRequest": Kind(medicine, ("authoredOn",), ("authoredOn",), NO_ORDER),
    "MedicationAdministration": Kind(medicine, EFFECTIVE, (), NOT_DONE),
    "MedicationDispense": Kind(medicine, ("whenHandedOver", "whenPrepared"), (), NOT_DONE),
    "MedicationStatement": Kind(medicine, EFFECTIVE, ("dateAsserted",), NOT_TAKEN, told=True),
    "Procedure": Kind(plainly("code"), ("performedDateTime", "performedPeriod"), (), NOT_DONE),
    "Immunization": Kind(plainly("vaccineCode"), ("occurrenceDateTime",), ("recorded",), NOT_DONE),
    "ClinicalImpression": Kind(answer, (*EFFECTIVE, "date"), ("date",), ERROR),
}
READERS: dict[str, Callable[[Resource], Iterator[Event]]] = {
    "Patient": read_patient,
    "Encounter": read_encounter,
    "Appointment": read_appointment,
    **{name: read_by(kind) for name, kind in KINDS.items()},
}
TYPES = tuple(READERS)
