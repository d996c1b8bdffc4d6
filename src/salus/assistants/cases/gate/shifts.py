"""By how many days the dates of one patient move: drawn once, kept beside the store under a key, in no way computed.

The file has no id of a patient: a row's name is a keyed digest of it (HMAC-SHA-256 under the installation's secret), so
that the file alone tells nothing. Who is erased loses their row.
"""

import fcntl
import hmac
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson

from salus.base.errors import Damaged

LEAST, MOST = 4, 104  # weeks, either way
FILE = "shifts.json"


class Shifts:
    """The shifts of an installation; any number of processes may ask."""

    def __init__(self, folder: Path, secret: bytes) -> None:
        self.folder, self.secret = folder, secret

    def of(self, patient: str) -> int:
        """Days, a whole number of weeks, the same whenever it is asked of this patient. Raises Damaged."""
        name = self.name(patient)
        with self.held() as rows:
            if name not in rows:
                rows[name] = 7 * (LEAST + secrets.randbelow(MOST - LEAST + 1)) * secrets.choice((-1, 1))
                self.write(rows)
            return rows[name]

    def forget(self, patients: Iterable[str]) -> None:
        """Who is erased leaves nothing behind."""
        names = {self.name(patient) for patient in patients}
        if not (self.folder / FILE).exists():
            return
        with self.held() as rows:
            if names & set(rows):
                self.write({name: days for name, days in rows.items() if name not in names})

    def name(self, patient: str) -> str:
        return hmac.digest(self.secret, b"shift:" + patient.encode(), "sha256").hex()

    @contextmanager
    def held(self) -> Iterator[dict[str, int]]:
        """The rows, while nobody else may write them."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self.folder / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            file = self.folder / FILE
            try:
                rows = orjson.loads(file.read_bytes()) if file.exists() else {}
            except orjson.JSONDecodeError as fault:
                raise Damaged(f"{FILE} beside the store cannot be read: remove it, and new shifts are drawn") from fault
            yield rows

    def write(self, rows: dict[str, int]) -> None:
        fresh = self.folder / f".{FILE}.{os.getpid()}"
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(orjson.dumps(rows))
        fresh.replace(self.folder / FILE)
