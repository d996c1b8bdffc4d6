"""Bulk data in: NDJSON from the tray of this store, or handed over in the request; never from an address.

The tray is the folder `STORE-in` beside the store: whoever may put files there may have them imported. No URL is ever
fetched, no link followed, no folder left. https://cwe.mitre.org/data/definitions/918.html
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from salus.base import clock
from salus.base.errors import Invalid
from salus.exchange.bulk import check_bulk
from salus.exchange.report import Report
from salus.exchange.taking import take_in
from salus.privacy.policy import Act
from salus.records import Records, Store

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,120}\.ndjson(\.gz)?").fullmatch
Progress = Callable[[int, int], None]


@dataclass(slots=True)
class Part:
    """What is to be taken in: the name of a file in the tray, or lines of NDJSON (`text`)."""

    name: str
    text: str | None = None


def tray(store: Store) -> Path:
    return store.beside("-in")


def check_parts(store: Store, parts: list[Part]) -> None:
    """Raises Invalid for no parts, and for a file that is not in the tray."""
    if not parts:
        raise Invalid("There is nothing to import: name files of the tray, or send lines", path="input")
    for part in parts:
        if part.text is None:
            file_of(store, part.name)


def file_of(store: Store, name: str) -> Path:
    """A plain file in the tray. Raises Invalid for a URL, a path, a link, or what is not there."""
    path = tray(store) / name
    if not NAME(name) or path.is_symlink() or not path.is_file():
        raise Invalid(
            f"'{name[:120]}' is no file of the tray: put a .ndjson or .ndjson.gz into the folder "
            f"{tray(store).name} beside the store, and give its bare name; addresses are never fetched",
            path="input.url",
        )
    return path


def bring_in(
    records: Records, parts: list[Part], folder: Path, on_progress: Progress = lambda done, total: None
) -> dict[str, Any]:
    """Take them in, one after the other; `folder` is for what was handed over as text. What came of it.

    Done twice, it stores nothing twice. Raises Forbidden, Invalid (a file is gone), Malformed, Busy, Full.
    """
    check_bulk(records, Act.WRITE)
    folder.mkdir(parents=True, exist_ok=True)
    told: dict[str, Any] = {"at": clock.instant(clock.now()), "output": [], "refusals": []}
    for number, part in enumerate(parts):
        path = laid(folder / f"part-{number}.ndjson", part) or file_of(records.store, part.name)
        report = take_in(records, path, on_progress)
        told["output"].append(counts(part, report))
        told["refusals"] += [[str(refusal.where), refusal.path, refusal.text] for refusal in report.refusals]
    return told


def laid(path: Path, part: Part) -> Path | None:
    """The text as a file, None where there is no text."""
    if part.text is None:
        return None
    path.write_text(part.text, "utf-8")
    return path


def counts(part: Part, report: Report) -> dict[str, Any]:
    total = report.total
    return {
        "url": part.name,
        "read": total.read,
        "stored": total.stored,
        "unchanged": total.unchanged,
        "refused": total.refused,
    }
