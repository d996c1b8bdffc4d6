"""Courses that patients book for themselves: of a service that offers them, or as many visits as a doctor has ordered.

How many visits a service lets patients book as one stands in the HealthcareService (`catalogue.COURSE`); an order is a
ServiceRequest whose performer is the service, with a count (`occurrenceTiming.repeat`) or a quantity of visits.
https://hl7.org/fhir/R4/servicerequest.html
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from salus.base import clock
from salus.base.errors import Conflict, Missing
from salus.records import Records, Store
from salus.records.desk import Desk
from salus.services.acting import current, found, standing
from salus.services.appointments.booking import TYPE, Wish, patient_of
from salus.services.appointments.catalogue import COURSE, number, service_of
from salus.services.appointments.finding import seconds, starts
from salus.services.appointments.series import Change, Series, series_of, service_ref

Resource = dict[str, Any]
LEAST, MOST = 2, 60  # visits of a course
FORTNIGHT = timedelta(days=14)
ORDERS = frozenset({"order", "original-order", "reflex-order", "filler-order", "instance-order"})
GONE = frozenset({"cancelled", "entered-in-error"})


@dataclass(frozen=True, slots=True)
class Order:
    """A doctor's order of visits to a service: `visits` in all, of which `left` are not booked yet."""

    id: str
    service: str
    name: str
    visits: int
    left: int

    @property
    def reference(self) -> str:
        return f"ServiceRequest/{self.id}"


class Courses(Series):
    """The booking desk for courses, as a patient has it: no more than what was ordered, and one course of a service at
    a time without an order."""

    def check_order(self, desk: Desk, series: str, wishes: Sequence[Wish]) -> None:
        """Raises Conflict. What the same request has booked already counts as this course."""
        wish = wishes[0]
        if not wish.order and len(wishes) > number(current(desk, wish.service), COURSE, 0):
            raise Conflict(
                f"{wish.service} offers patients no course of {len(wishes)} visits: ask the desk", path="rule"
            )
        check_left(desk, series, wish.patient, wish.service, wish.order, len(wishes))

    def changed(self, desk: Desk, id: str, verb: str, change: Change) -> Resource:
        """As any booking; what was let go is taken back only as long as it may still be booked."""
        if verb == "restore" and (before := standing(desk, f"{TYPE}/{id}")) and (series := series_of(before)):
            service, order = f"HealthcareService/{service_ref(before)}", order_behind(before)
            check_left(desk, "" if order else series, patient_of(before), service, order, 1)
        return super().changed(desk, id, verb, change)


def check_left(desk: Desk, series: str, patient: str, service: str, order: str, wanted: int) -> None:
    """Raises Conflict where so many visits more may not be booked beside those that stand outside of a series."""
    if order:
        others = [one for one in found(desk, TYPE, f"based-on={order}") if series_of(one) != series]
        told = current(desk, order)
        if not is_open(told) or wanted > visits(told) - taken(others, order):
            raise Conflict(f"{order} has fewer visits left than {wanted}: choose fewer", path="order")
        return
    booked = found(desk, TYPE, f"patient={patient}&status=booked&date=ge{clock.instant(clock.now())}")
    if under_way([one for one in booked if series_of(one) != series], service):
        raise Conflict(f"A course of {service} is under way: end or move that one", path="service")


def order_behind(told: Resource) -> str:
    """The ServiceRequest that a visit comes of; "" for none."""
    return next((str(one.get("reference", "")) for one in told.get("basedOn", [])), "")


def orders_of(records: Records, patient: str) -> list[Order]:
    """The orders of a patient (an id) of which visits are left to be booked as a course."""
    told = [one.json() for one in records.compartment(patient, ["ServiceRequest", TYPE])]
    booked = [one for one in told if one["resourceType"] == TYPE]
    made = [
        order_of(one, booked) for one in told if one["resourceType"] == "ServiceRequest" and is_course(one, patient)
    ]
    return [one for one in made if one.left >= LEAST]


def order_of(told: Resource, booked: Iterable[Resource]) -> Order:
    reference, code = f"ServiceRequest/{told['id']}", told.get("code", {})
    named = [code.get("text", ""), *(one.get("display", "") for one in code.get("coding", []))]
    left = visits(told) - taken(booked, reference)
    return Order(told["id"], service_of_order(told), next((one for one in named if one), ""), visits(told), left)


def is_course(told: Resource, patient: str) -> bool:
    """Whether a ServiceRequest orders a course of visits for this patient, who may book it."""
    subject = told["subject"].get("reference", "")
    return is_open(told) and subject == f"Patient/{patient}" and bool(service_of_order(told)) and visits(told) >= LEAST


def is_open(told: Resource) -> bool:
    return told["status"] == "active" and told["intent"] in ORDERS and not told.get("doNotPerform", False)


def service_of_order(told: Resource) -> str:
    """The id of the HealthcareService that performs it; "" for none."""
    named = (str(one.get("reference", "")) for one in told.get("performer", []))
    return next((one.partition("/")[2] for one in named if one.startswith("HealthcareService/")), "")


def visits(told: Resource) -> int:
    """How many visits are ordered.

    >>> visits({"occurrenceTiming": {"repeat": {"count": 10}}}), visits({"quantityQuantity": {"value": 6}}), visits({})
    (10, 6, 1)
    """
    count = told.get("occurrenceTiming", {}).get("repeat", {}).get("count")
    return min(int(count or told.get("quantityQuantity", {}).get("value") or 1), MOST)


def taken(booked: Iterable[Resource], order: str) -> int:
    """How many visits of an order are booked or over; what was let go may be booked again."""
    standing = (one for one in booked if one["status"] not in GONE)
    return sum(any(each.get("reference") == order for each in one.get("basedOn", [])) for one in standing)


def under_way(booked: Iterable[Resource], service: str) -> str | None:
    """The series of that service (`HealthcareService/x`), booked without an order, of which a visit is to come."""
    now = clock.now()
    for one in booked:
        about = [each.get("reference", "") for each in one.get("supportingInformation", [])]
        ahead = one["status"] == "booked" and datetime.fromisoformat(one["start"]) > now
        if (series := series_of(one)) and ahead and service in about and "basedOn" not in one:
            return series
    return None


def order_named(orders: Iterable[Order], id: str) -> Order:
    """Raises Missing, for another's as for none."""
    named = next((one for one in orders if one.id == id), None)
    if named is None:
        raise Missing(f"There is no ServiceRequest/{id[:64]} with visits to book", path="order")
    return named


def times_of_day(store: Store, service: str, zone: ZoneInfo) -> list[time]:
    """When visits of a service may begin, on whichever day of the next two weeks, by the clock of the place."""
    begin, end = clock.now(), clock.now() + FORTNIGHT
    given = service_of(store, service, begin, end)
    found = (
        clock.of_millis(start * 1000).astimezone(zone).time()
        for one in given.doctors
        for start, _ in starts(one, list(one.hours.windows(begin, end)), given, *seconds(begin, end))
    )
    return sorted(set(found))
