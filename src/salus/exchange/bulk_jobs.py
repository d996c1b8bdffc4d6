"""Bulk data in the background: orders that outlive a restart, each in a folder beside the store.

`STORE-bulk/ID/job.json` says who ordered what and how it stands; `files/` holds what was written. One is worked on at
a time. What a restart cut off is done again from the beginning, under a new snapshot, as soon as anybody asks after a
job; a lock keeps two processes off the same one. Nobody but who ordered it learns that a job exists.
"""

import errno
import os
import re
import shutil
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from weakref import ref

import msgspec

from salus.base import clock
from salus.base.errors import Busy, Issue, Missing, SalusError
from salus.base.ids import uuid7
from salus.privacy import Actor, Purpose, Role
from salus.records import Records, Store

try:
    import fcntl
except ImportError:  # Windows: one process a store
    fcntl = None  # type: ignore[assignment]

WAITING, DONE, FAILED = "waiting", "done", "failed"
KEPT = timedelta(days=7)
MOST = 20  # jobs that wait
NAME = re.compile(r"[A-Za-z]{1,64}\.\d{1,6}\.ndjson").fullmatch
ID = re.compile(r"[0-9a-f-]{36}").fullmatch


class Job(msgspec.Struct):
    """An order. `work`: what to do, a name of `WORKS`; `given`: what it needs; `answer`: the manifest when it is done,
    `issues` when it failed."""

    id: str
    work: str
    reference: str
    role: str
    purpose: str
    at: datetime
    given: dict[str, Any]
    state: str = WAITING
    answer: dict[str, Any] = {}
    status: int = 0
    issues: list[tuple[str, str, str, str]] = []


Tell = Callable[[str], None]
Work = Callable[[Records, Job, Path, Tell], dict[str, Any]]
_jobs = msgspec.json.Decoder(Job)


class Stopped(Exception):
    """The job was cancelled while it was worked on."""


class Jobs:
    """The jobs of a store. `works` names what can be ordered. The store may be closed and forgotten meanwhile."""

    def __init__(self, store: Store, works: Mapping[str, Work]) -> None:
        self.folder = store.beside("-bulk")
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._store = ref(store)
        self._works = works
        self._progress: dict[str, str] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._wake()

    # --- for who orders ---

    def order(self, records: Records, work: str, given: dict[str, Any]) -> Job:
        """Keep an order on the disk and begin with it. Raises Busy when too many wait."""
        self._tidy()
        if sum(job.state == WAITING for job in self._all()) >= MOST:
            raise Busy(f"{MOST} bulk jobs are waiting: try again when one is done")
        actor = records.actor
        job = Job(uuid7(), work, actor.reference, actor.role.value, records.purpose.value, clock.now(), given)
        (self.folder / job.id).mkdir(mode=0o700)
        self._keep(job)
        self._wake()
        return job

    def job(self, records: Records, id: str) -> Job:
        """A job of this account's own. Raises Missing."""
        found = self._read(id) if ID(id) else None
        if found is None or found.reference != records.actor.reference:
            raise Missing(f"There is no bulk job {id[:40]}: it was cancelled, or its files were kept long enough")
        if found.state == WAITING:
            self._wake()
        return found

    def progress(self, job: Job) -> str:
        """In words; for a client to show, not to read."""
        return self._progress.get(job.id, job.state)

    def cancel(self, records: Records, id: str) -> None:
        """Take the job and its files away; what works on it stops at the next page. Raises Missing."""
        self._remove(self.job(records, id).id)

    def file(self, records: Records, id: str, name: str) -> Path:
        """A file that a job has written. Raises Missing."""
        job = self.job(records, id)
        path = self.folder / job.id / "files" / name
        if job.state != DONE or not NAME(name) or not path.is_file():
            raise Missing(f"There is no file {name[:80]} of the bulk job {job.id}")
        return path

    # --- on the disk ---

    def _path(self, id: str) -> Path:
        return self.folder / id / "job.json"

    def _keep(self, job: Job) -> None:
        """Raises Stopped when the job was cancelled."""
        part = self._path(job.id).with_suffix(".part")
        try:
            with part.open("wb") as file:
                file.write(msgspec.json.encode(job))
                file.flush()
                os.fsync(file.fileno())
        except FileNotFoundError:
            raise Stopped from None
        part.replace(self._path(job.id))

    def _read(self, id: str) -> Job | None:
        try:
            return _jobs.decode(self._path(id).read_bytes())
        except (OSError, msgspec.DecodeError):
            return None

    def _all(self) -> list[Job]:
        found = [self._read(path.name) for path in sorted(self.folder.iterdir()) if ID(path.name)]
        return [job for job in found if job]

    def _remove(self, id: str) -> None:
        gone = self.folder / f"gone-{id}"
        with suppress(FileNotFoundError):  # another was faster
            (self.folder / id).rename(gone)
        shutil.rmtree(gone, ignore_errors=True)

    def _tidy(self) -> None:
        for job in self._all():
            if job.state != WAITING and job.at < clock.now() - KEPT:
                self._remove(job.id)

    # --- the thread ---

    def _wake(self) -> None:
        """A thread works while something waits, and ends."""
        with self._lock:
            if self._thread is None and any(job.state == WAITING for job in self._all()):
                self._thread = threading.Thread(target=self._run, name="salus-bulk", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        tried: set[str] = set()
        while job := self._next(tried):
            tried.add(job.id)
            self._serve(job)

    def _next(self, tried: set[str]) -> Job | None:
        with self._lock:
            found = next((job for job in self._all() if job.state == WAITING and job.id not in tried), None)
            if found is None:
                self._thread = None
            return found

    def _serve(self, job: Job) -> None:
        """Work on a job unless another process does. It stays waiting when the store is closed meanwhile."""
        try:
            with (self.folder / job.id / "lock").open("wb") as lock:
                if fcntl:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                now = self._read(job.id)  # another process may just have done it
                if now and now.state == WAITING:
                    self._work(now)
        except (Busy, Stopped, OSError):
            pass  # closed, cancelled, or in another's hands
        finally:
            self._progress.pop(job.id, None)

    def _work(self, job: Job) -> None:
        def tell(words: str) -> None:
            if not self._path(job.id).exists():
                raise Stopped
            self._progress[job.id] = words

        store = self._store()
        if store is None:
            return
        files = self.folder / job.id / "files"
        shutil.rmtree(files, ignore_errors=True)
        try:
            records = store.open(Actor(job.reference, Role(job.role)), Purpose(job.purpose))
            job.answer = self._works[job.work](records, job, files, tell)
            job.state = DONE
        except (Busy, Stopped):
            raise
        except SalusError as fault:
            self._fail(job, fault.status, fault.issues)
        except Exception as fault:
            if not self._path(job.id).exists():
                raise Stopped from None
            self._fail(job, *broken(fault))
        self._keep(job)

    def _fail(self, job: Job, status: int, issues: list[Issue]) -> None:
        job.state, job.status = FAILED, status
        job.issues = [(issue.code, issue.path, issue.text, issue.severity) for issue in issues]
        shutil.rmtree(self.folder / job.id / "files", ignore_errors=True)


def broken(fault: Exception) -> tuple[int, list[Issue]]:
    """The status and the words for what nobody foresaw, and for a full disk."""
    if isinstance(fault, OSError) and fault.errno in (errno.ENOSPC, errno.EDQUOT):
        text = "There is no room left on the disk of the store: make room, and order it again"
        return 507, [Issue("no-store", "", text)]
    return 500, [Issue("exception", "", f"The job broke off ({type(fault).__name__}): order it again")]
