"""Whether the people in the store are made up, so that every page can say so."""

from itertools import islice
from threading import Lock
from time import monotonic

from salus.base.errors import SalusError
from salus.fhir.tags import is_synthetic
from salus.privacy import SYSTEM, Purpose
from salus.records import Store

LOOK_AGAIN = 30.0  # seconds
SAMPLE = 3


class Synthetic:
    """Looks at the first few patients, and again from time to time; once seen it stays said."""

    def __init__(self, store: Store) -> None:
        self.store, self.found, self.looked, self.lock = store, False, -LOOK_AGAIN, Lock()

    def seen(self) -> bool:
        with self.lock:
            if not self.found and monotonic() - self.looked >= LOOK_AGAIN:
                self.found, self.looked = self.look(), monotonic()
            return self.found

    def look(self) -> bool:
        """Whether one of the first few is tagged so; False while the store cannot say."""
        try:
            records = self.store.open(SYSTEM, Purpose.OPERATIONS)
            first = [records.read("Patient", id).json() for id in islice(self.store.patients(), SAMPLE)]
        except SalusError:
            return False
        return any(map(is_synthetic, first))
