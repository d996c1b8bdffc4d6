"""Who may act for a child, and what of the child they are shown: attacks first."""

from datetime import date, timedelta
from typing import Any

import pytest

from salus.base.errors import Forbidden
from salus.places.minors import law
from salus.privacy import Actor, Guardian, Purpose, Role, check_may_enter, may
from salus.privacy.guardian import (
    BASE,
    DEPARTMENTS,
    FLAGS,
    LABELS,
    NO_GUARDIAN,
    PROOF,
    ROLES,
    Family,
    acting,
    check_own,
    check_settles,
    is_kept,
    shown,
    why_not,
)
from salus.privacy.policy import Act

TODAY = date(2026, 11, 23)
Json = dict[str, Any]


def mother(**more: Any) -> Json:
    tie = {"other": {"reference": "RelatedPerson/tie"}, "type": "seealso"}
    return {"resourceType": "Patient", "id": "mother", "birthDate": "1992-05-01", "link": [tie], **more}


def tie(role: str = "MTH", **more: Any) -> Json:
    return {
        "resourceType": "RelatedPerson",
        "id": "tie",
        "active": True,
        "patient": {"reference": "Patient/child"},
        "relationship": [{"coding": [{"system": ROLES, "code": role}]}],
        "extension": [{"url": PROOF, "valueCode": "birth-certificate"}],
        "period": {"start": "2026-01-01"},
        **more,
    }


def child(born: str = "2020-06-01", **more: Any) -> Json:
    return {"resourceType": "Patient", "id": "child", "birthDate": born, **more}


def consent(whom: str, **more: Any) -> Json:
    rule = {"type": "deny", "actor": [{"reference": {"reference": whom}}]}
    return {"resourceType": "Consent", "id": "no", "status": "active", "provision": rule, **more}


def by_r4(whom: str) -> Json:
    """A refusal as R4 has it: the first rule has no type, those below it say what is permitted and what is not."""
    return consent(whom) | {"provision": {"provision": [{"type": "permit"}, consent(whom)["provision"]]}}


def flag(status: str) -> Json:
    code = {"coding": [{"system": FLAGS, "code": NO_GUARDIAN}]}
    return {"resourceType": "Flag", "id": "f", "status": status, "code": code}


def family(on: date = TODAY, country: str = "CN", said: tuple[Json, ...] = (), **people: Json) -> Family:
    found = {"parent": mother(), "relation": tie(), "child": child()} | people
    return Family(found["parent"], found["relation"], found["child"], said, on, law(country))


STRANGE_TIE = {"other": {"reference": "RelatedPerson/other"}, "type": "seealso"}
REFUSED = {
    "a parent of another child": (family(child=child() | {"id": "other"}), "unlinked"),
    "nobody tied the parent to the relation": (family(parent=mother(link=[])), "unlinked"),
    "tied to another relation": (family(parent=mother(link=[STRANGE_TIE])), "unlinked"),
    "tied, but as a duplicate": (family(parent=mother(link=[mother()["link"][0] | {"type": "refer"}])), "unlinked"),
    "to themselves": (
        family(relation=tie(patient={"reference": "Patient/mother"}), child=mother(birthDate="2015-01-01")),
        "unlinked",
    ),
    "an imported relation without a proof": (family(relation=tie(extension=[])), "unproved"),
    "a proof that is none": (family(relation=tie(extension=[{"url": PROOF, "valueCode": "word"}])), "unproved"),
    "ended yesterday": (family(relation=tie(period={"end": "2026-11-22"})), "ended"),
    "not begun": (family(relation=tie(period={"start": "2026-11-24"})), "ended"),
    "inactive": (family(relation=tie(active=False)), "ended"),
    "a grandmother": (family(relation=tie("GRMTH")), "no-guardian"),
    "a step-father": (family(relation=tie("STPFTH")), "no-guardian"),
    "no relation said": (family(relation=tie(relationship=[])), "no-guardian"),
    "a parent who is a child": (family(parent=mother(birthDate="2010-01-01")), "parent"),
    "a parent of unknown age": (family(parent={k: v for k, v in mother().items() if k != "birthDate"}), "parent"),
    "a parent who died": (family(parent=mother(deceasedDateTime="2026-01-02")), "parent"),
    "a parent's record that was merged": (family(parent=mother(active=False)), "parent"),
    "a child who died": (family(child=child(deceasedBoolean=True)), "child"),
    "of full age": (family(child=child("2008-11-23")), "age"),
    "born in a year that may be so": (family(child=child("2008")), "age"),
    "of unknown age": (family(child=child("")), "age"),
    "a court said no": (family(said=(consent("RelatedPerson/tie"),)), "withdrawn"),
    "a court said no of the person": (family(said=(consent("Patient/mother"),)), "withdrawn"),
    "a no that is an exception to a rule": (family(said=(by_r4("RelatedPerson/tie"),)), "withdrawn"),
    "a no with the address of the server": (
        family(said=(consent("https://ward/fhir/RelatedPerson/tie"),)),
        "withdrawn",
    ),
    "a clinician's flag": (family(said=(flag("active"),)), "withdrawn"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_nobody_else_may_act_for_a_child(case: str) -> None:
    told, reason = REFUSED[case]

    assert reason == why_not(told)
    with pytest.raises(Forbidden):
        acting(told)


ALLOWED = {
    "a mother": family(),
    "a court's guardian": family(relation=tie("GUADLTM")),
    "the day before full age": family(child=child("2008-11-24")),
    "a no that was taken back": family(said=(consent("RelatedPerson/tie", status="inactive"), flag("inactive"))),
    "a no to the other parent": family(said=(consent("RelatedPerson/other"),)),
    "a period until today": family(relation=tie(period={"start": "2026", "end": "2026-11-23"})),
    "not deceased": family(child=child(deceasedBoolean=False)),
}


@pytest.mark.parametrize("case", ALLOWED)
def test_a_guardian_acts_as_the_relation_for_that_child_alone(case: str) -> None:
    made = acting(ALLOWED[case])

    assert ("RelatedPerson/tie", Role.PATIENT, "child") == (made.reference, made.role, made.patient)
    assert made.guardian and "Patient/mother" == made.guardian.person


@pytest.mark.parametrize(("country", "youth_from"), [("CN", 14), ("US", 12), ("", 14)])
def test_the_age_from_which_a_youth_has_secrets_differs_by_place(country: str, youth_from: int) -> None:
    birthday = date(2012, 11, 23).replace(year=TODAY.year - youth_from)
    young = acting(family(country=country, child=child((birthday + timedelta(days=1)).isoformat()))).guardian
    youth = acting(family(country=country, child=child(birthday.isoformat()))).guardian

    assert young and youth
    assert (False, True) == (young.youth, youth.youth)
    assert {"psychiatry", "HIV"} <= youth.kept - young.kept
    assert {"sexual_health", "VIO"} <= young.kept


def test_a_guardian_only_reads_and_a_mere_name_of_a_relation_opens_nothing() -> None:
    parent, named = acting(family()), Actor("RelatedPerson/tie", Role.PATIENT, "child")

    assert may(parent, Purpose.PATIENT_REQUEST, Act.READ, "Observation")
    assert not may(parent, Purpose.PATIENT_REQUEST, Act.WRITE, "Subscription")
    assert not may(parent, Purpose.TREATMENT, Act.READ, "Observation")
    assert not may(named, Purpose.PATIENT_REQUEST, Act.READ, "Observation")
    with pytest.raises(Forbidden):
        check_may_enter(named, Purpose.PATIENT_REQUEST)


def test_what_is_for_the_patient_alone_stays_so() -> None:
    small, youth, own = acting(family()), acting(family(child=child("2011-01-01"))), Actor("Patient/c", Role.PATIENT)
    check_own(own)
    check_settles(own)
    check_settles(small)
    for actor, check in ((small, check_own), (youth, check_own), (youth, check_settles)):
        with pytest.raises(Forbidden):
            check(actor)


# --- what they are shown ---

OWN = {"reference": "Patient/child"}


def of(kind: str, id: str, **more: Any) -> Json:
    return {"resourceType": kind, "id": id, "subject": OWN, **more}


def department(code: str) -> Json:
    return {"coding": [{"system": DEPARTMENTS, "code": code}]}


def to(*names: str) -> list[Json]:
    return [{"reference": name} for name in names]


def labelled(code: str) -> Json:
    return {"security": [{"system": LABELS, "code": code}]}


SERVICES = {
    "HealthcareService/eyes": {"specialty": [department("ophthalmology")]},
    "HealthcareService/mind": {"specialty": [department("psychiatry")]},
    "HealthcareService/who-knows": {},
}
RECORD = [
    child(),
    of("Encounter", "eyes", serviceType=department("ophthalmology")),
    of("Encounter", "mind", serviceType=department("psychiatry")),
    of("Encounter", "harm", serviceType=department("sexual_health")),
    of("Encounter", "unsaid"),
    *(of("Observation", f"o-{one}", encounter=to(f"Encounter/{one}")[0]) for one in ("eyes", "mind", "harm", "unsaid")),
    of("Observation", "o-far", encounter=to("https://ward/fhir/Encounter/harm")[0]),
    of("Observation", "o-other", encounter=to("https://elsewhere/fhir/Encounter/eyes")[0]),
    of("Observation", "plain"),
    of("Observation", "hiv", meta=labelled("HIV"), encounter=to("Encounter/eyes")[0]),
    of("Observation", "beaten", meta=labelled("VIO"), encounter=to("Encounter/eyes")[0]),
    of("DiagnosticReport", "r-beaten", result=to("Observation/beaten", "Observation/beside")),
    of("Observation", "beside", encounter=to("Encounter/eyes")[0]),
    of("Appointment", "a-eyes", supportingInformation=to("HealthcareService/eyes")),
    of("Appointment", "a-mind", supportingInformation=to("HealthcareService/mind")),
    of("Appointment", "a-unsaid", supportingInformation=to("HealthcareService/who-knows")),
    of("Communication", "c-eyes", about=to("Appointment/a-eyes")),
    of("Communication", "c-mind", about=to("Appointment/a-mind")),
    of("ChargeItem", "i-harm", context=to("Encounter/harm")[0]),
    of("Invoice", "b-harm", lineItem=[{"chargeItemReference": to("ChargeItem/i-harm")[0]}], account=to("Account/a")[0]),
    of("Invoice", "b-eyes", extension=[{"url": "e", "valueReference": to("Encounter/eyes")[0]}]),
    of("Account", "a"),
    of("Coverage", "insured"),
    of("Immunization", "mmr"),
    of("Flag", "watch"),
    tie(),
    tie() | {"id": "father"},
    consent("RelatedPerson/father"),
    by_r4("RelatedPerson/father") | {"id": "nested"},
    of("Consent", "kinds", status="active", provision={"type": "deny"}),
]
NEVER = {
    "Encounter/harm", "Observation/o-harm", "Observation/beaten", "DiagnosticReport/r-beaten", "Observation/beside",
    "ChargeItem/i-harm", "Invoice/b-harm", "Flag/watch", "RelatedPerson/father", "Consent/no",
    "Observation/o-far", "Consent/nested",
}  # fmt: skip
YOUTH = {
    "Patient/child", "Encounter/eyes", "Observation/o-eyes", "Appointment/a-eyes", "Communication/c-eyes", "Account/a",
    "Invoice/b-eyes", "Coverage/insured", "Immunization/mmr",
}  # fmt: skip


def guardian(years: int) -> Guardian:
    found = acting(family(child=child(f"{TODAY.year - years}-01-01"))).guardian
    assert found
    return found


def seen(years: int) -> frozenset[str]:
    return shown(guardian(years), RECORD, lambda name: SERVICES[name])


def test_of_a_small_child_everything_is_shown_but_what_may_harm_it() -> None:
    everything = {f"{one['resourceType']}/{one['id']}" for one in RECORD}

    assert everything - NEVER == seen(6)


def test_of_a_youth_only_what_is_known_to_be_harmless_is_shown() -> None:
    assert YOUTH == seen(15)


def test_a_department_that_is_kept_is_not_offered() -> None:
    offered = [
        (years, name) for years in (6, 15) for name, one in SERVICES.items() if not is_kept(guardian(years), one)
    ]

    assert [(6, name) for name in SERVICES] + [(15, "HealthcareService/eyes")] == offered


def test_each_place_says_where_its_ages_come_from() -> None:
    assert all(law(country).sources for country in ("CN", "US"))
    assert BASE in PROOF
