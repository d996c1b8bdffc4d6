"""Whether the people in the store are made up, so that every page can say so."""

from itertools import islice
from threading import Lock
from time import monotonic

from salus.base.errors import SalusError
from salus.privacy import SYSTEM, Purpose
from salus.records import Store

TAG = ("https://salus.example/tags", "synthetic")
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
        records = self.store.open(SYSTEM, Purpose.OPERATIONS)
        for patient in islice(self.store.patients(), SAMPLE):
            try:
                tags = records.read("Patient", patient).json().get("meta", {}).get("tag", [])
            except SalusError:
                continue
            if any((tag.get("system"), tag.get("code")) == TAG for tag in tags):
                return True
        return False
