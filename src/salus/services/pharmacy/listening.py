"""What the pharmacy hears: a prescription was signed, changed, or stopped."""

from salus.base import clock
from salus.records.shapes import Change
from salus.services.acting import of_house, seen
from salus.services.pharmacy.reviews import is_prescription, lay, task_of
from salus.services.pharmacy.validity import is_over
from salus.services.rounds import House, Listener


def hear(house: House, change: Change) -> None:
    """What is too old to be dispensed, and was never put to the pharmacist, is history."""
    reference = f"{change.type}/{change.id}"
    order = seen(house.store, reference)
    if order is None or not is_prescription(order):
        return
    if not is_over(order, clock.now()) or seen(house.store, f"Task/{task_of(order)}"):
        of_house(house.store).do("review", reference, ("Task",), lambda desk: lay(desk, reference))


PRESCRIPTIONS = Listener("prescriptions", frozenset({"MedicationRequest"}), hear)
