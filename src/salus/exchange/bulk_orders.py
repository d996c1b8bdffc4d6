"""What can be ordered in bulk, as a job keeps it: out (`export`) and in (`import`)."""

import shutil
import threading
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import msgspec

from salus.exchange.bulk import File, Wanted, Written, check_bulk, check_wanted, export
from salus.exchange.bulk_in import Part, bring_in, check_parts
from salus.exchange.bulk_jobs import Job, Jobs, Tell, Work
from salus.privacy.policy import Act
from salus.records import Records, Store


def order_export(records: Records, wanted: Wanted, request: str) -> Job:
    """Raises Forbidden, Unsupported or Malformed for what cannot be written, Busy. `request`: the address asked."""
    check_wanted(records, wanted)
    return jobs_of(records.store).order(records, "export", {"request": request, "wanted": msgspec.to_builtins(wanted)})


def order_import(records: Records, parts: list[Part], request: str) -> Job:
    """Raises Forbidden, Invalid for a file that is not in the tray, Busy."""
    check_bulk(records, Act.WRITE)
    check_parts(records.store, parts)
    return jobs_of(records.store).order(records, "import", {"request": request, "parts": msgspec.to_builtins(parts)})


def _export(records: Records, job: Job, files: Path, tell: Tell) -> dict[str, Any]:
    wanted = msgspec.convert(job.given["wanted"], Wanted)
    done = export(records, wanted, files, lambda n, total, type: tell(f"{type}: {n} of {max(n, total)} resources"))
    found: dict[str, Any] = msgspec.to_builtins({"at": done.at, "files": done.files})
    return found


def _import(records: Records, job: Job, files: Path, tell: Tell) -> dict[str, Any]:
    """What was handed over as text goes from the job's folder as soon as it is in."""
    parts = msgspec.convert(job.given["parts"], list[Part])
    told = bring_in(records, parts, files, lambda n, total: tell(f"{n} of {total} bytes"))
    job.given = {"request": job.given["request"]}
    shutil.rmtree(files)
    return told


def written_by(job: Job) -> Written:
    """What an export that is done has written."""
    return Written(msgspec.convert(job.answer["at"], type=type(job.at)), [File(**file) for file in job.answer["files"]])


WORKS: dict[str, Work] = {"export": _export, "import": _import}
_of_store: "WeakKeyDictionary[Store, Jobs]" = WeakKeyDictionary()
_one = threading.Lock()


def jobs_of(store: Store) -> Jobs:
    """The jobs of a store; what a restart cut off goes on when they are first asked for."""
    with _one:
        if store not in _of_store:
            _of_store[store] = Jobs(store, WORKS)
        return _of_store[store]
