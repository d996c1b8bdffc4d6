"""Names of the house's own places, which a patient's account may not list for itself."""

from salus.base.errors import SalusError
from salus.privacy import SYSTEM, Purpose
from salus.services.appointments.brochure import alias
from salus.web.visit import Visit


def named(visit: Visit, reference: str) -> str:
    """What an Organization or a Location is called; nothing for what is not there."""
    kind, _, id = reference.partition("/")
    try:
        told = visit.desk.store.open(SYSTEM, Purpose.OPERATIONS).read(kind, id).json()
    except SalusError:
        return ""
    return alias(told).in_(visit.language)
