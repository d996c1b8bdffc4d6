"""What is done once, whoever presses the button how often, and however many at once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from salus.base import clock
from salus.base.errors import Conflict, Invalid, SalusError
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records.books import Books
from salus.services.acting import Acting
from salus.services.appointments.booking import Booking
from salus.services.appointments.catalogue import service_of
from salus.services.appointments.finding import find
from salus.services.billing.invoices import invoices_of
from salus.services.billing.payments import deposited, give_back, pay, payments_of, providers_of, refund
from salus.services.pharmacy.dispensing import hand_over, take_back
from salus.services.reception import queue
from salus.services.reception.arriving import walk_in

WHO = "wang"
DESK = Actor("Practitioner/desk", Role.DESK), Purpose.OPERATIONS
CASHIER = Actor("Practitioner/cashier", Role.CASHIER), Purpose.PAYMENT
HE = Actor("Practitioner/he", Role.PHARMACIST), Purpose.TREATMENT


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    """What each gave, or the error in words that it raised."""

    def done(act: Callable[[], Any]) -> Any:
        try:
            return act()
        except SalusError as fault:
            return fault

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(done, acts))


def refused(found: list[Any]) -> int:
    return sum(isinstance(one, SalusError) for one in found)


@pytest.fixture
def bill(ward):
    return next(one for one in invoices_of(ward.open(*CASHIER), WHO) if one.status in ("issued", "balanced"))


def test_a_walk_in_whose_form_is_sent_twice_has_one_number(ward):
    made = at_once(*[lambda: walk_in(ward, *DESK, f"Patient/{WHO}", "clinic", key="pressed") for _ in range(4)])

    assert 1 == len({one.ticket.number for one in made}) == len({one.encounter["id"] for one in made})
    assert made[0].ticket.number != walk_in(ward, *DESK, f"Patient/{WHO}", "clinic", key="again").ticket.number


def test_two_doctors_who_call_at_once_get_two_people(ward):
    for key in ("one", "two"):
        walk_in(ward, *DESK, f"Patient/{WHO}", "clinic", key=key)
    for one in queue.queue(ward, *DESK, "clinic"):
        if one.status == "in-progress":
            queue.deed(ward, *DESK, one.id, "skip")
    made = at_once(
        *[lambda who=who: queue.call_next(ward, *DESK, "clinic", f"PractitionerRole/{who}") for who in ("chen", "wu")]
    )

    assert 2 == len({one.id for one in made})


def test_what_is_moved_and_let_go_at_once_is_let_go(ward):
    records = ward.open(SYSTEM, Purpose.OPERATIONS)
    id = records.search("Appointment", f"patient=Patient/{WHO}&status=booked&_count=1").versions[0].id
    desk, begins = Booking(ward, *DESK), clock.now() + timedelta(days=3)
    ends = begins + timedelta(days=21)  # longer than any holiday, on which the clinic offers nothing
    offer = find(ward, service_of(ward, "clinic", begins, ends), begins, ends, most=1)[0]
    at_once(*[lambda: desk.move(id, offer), lambda: desk.cancel(id)] * 2)

    assert "cancelled" == records.read("Appointment", id).json()["status"]
    # nobody holds it
    assert offer in find(ward, service_of(ward, "clinic", begins, ends), begins, ends, most=20)


def test_a_bill_is_paid_once_by_four_desks(ward, told, bill):
    cash, due = providers_of(told)["cash"], bill.due
    made = at_once(*[lambda key=key: pay(ward, *CASHIER, bill.id, cash, f"desk-{key}") for key in range(4)])

    assert (3, due) == (refused(made), next(one.amount for one in made if not isinstance(one, SalusError)))
    assert 0 == Books(ward).trial()["CNY"].net


def test_a_payment_is_given_back_once_by_four_desks(ward, told, bill):
    cash = providers_of(told)["cash"]
    paid = next(one for one in payments_of(ward, *CASHIER, bill.id) if one.kind == "payment")
    made = at_once(*[lambda key=key: refund(ward, *CASHIER, paid.id, cash, f"back-{key}") for key in range(4)])

    assert 3 == refused(made)
    for amount in (-1, 0, 10**15):
        with pytest.raises((Invalid, Conflict)):
            refund(ward, *CASHIER, paid.id, cash, f"odd-{amount}", amount)


def test_a_deposit_is_given_back_once_by_four_desks(ward, told, bill):
    account, cash = bill.owner.partition("/")[2], providers_of(told)["cash"]
    held = deposited(ward, *CASHIER, account, "CNY")
    made = at_once(
        *[lambda key=key: give_back(ward, *CASHIER, account, cash, f"r-{key}", held, "CNY") for key in range(4)]
    )

    assert (3, 0) == (refused(made), deposited(ward, *CASHIER, account, "CNY"))


def test_a_medicine_is_handed_over_once_and_comes_back_once(ward):
    records, acting = ward.open(SYSTEM, Purpose.TREATMENT), Acting(ward, *HE)
    id = records.search("MedicationDispense", f"patient=Patient/{WHO}&_count=1").versions[0].id
    assert 3 == refused(at_once(*[lambda: hand_over(acting, id) for _ in range(4)]))

    made = at_once(*[lambda: take_back(acting, id, "key", 5, "not-taken") for _ in range(4)])
    assert 1 == len({one["id"] for one in made})
    with pytest.raises(Conflict, match="another return"):
        take_back(acting, id, "key", 10, "not-taken")
    with pytest.raises(Invalid, match="key"):
        take_back(acting, id, "", 10, "not-taken")
