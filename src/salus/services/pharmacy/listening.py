"""What the pharmacy hears: a prescription was signed, changed, or stopped."""

from salus.records.shapes import Change
from salus.services.acting import of_house
from salus.services.pharmacy.reviews import lay
from salus.services.rounds import House, Listener


def hear(house: House, change: Change) -> None:
    reference = f"{change.type}/{change.id}"
    of_house(house.store).do("review", reference, ("Task",), lambda desk: lay(desk, reference))


PRESCRIPTIONS = Listener("prescriptions", frozenset({"MedicationRequest"}), hear)
