"""A version in the shadow of the promoted one: asked the same, at the same moment, of the same events; shown to nobody.

What it said is one line beside its version, `<name>/shadow-<version>.jsonl`: the id of the suggestion that was shown,
and both probabilities of the same claim. A line names no person, and no door leads to it but the monitoring page and
the terminal; that a version stands in shadow, since when and by whom, stands in promotions.json. A shadow that fails
never keeps anybody from an answer.
"""

import logging
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from threading import Lock

import msgspec
import pyarrow as pa

from salus.assistants.diagnosis.question import question_of
from salus.assistants.suggestion import Suggestion
from salus.base.errors import SalusError
from salus.learning.step7_deploy import Deployed, Registry

LOG = logging.getLogger(__name__)
LOCK = Lock()


class Unseen(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a shadow said where `version` was shown: the probability of the claim that leads, by each. None: it could
    not tell."""

    suggestion: str
    at: str
    version: str
    shown: float | None = None
    said: float | None = None
    same: bool = False  # whether its own first claim is the one that was shown


def file_of(folder: Path, version: str) -> Path:
    return folder / f"shadow-{version}.jsonl"


def ask_beside(registry: Registry, fresh: Iterable[Suggestion], events: pa.Table) -> None:
    """Put to the shadow what was put to the promoted version. Never raises: nobody waits for a shadow."""
    for suggestion in fresh:
        try:
            shadow = registry.shadowing(suggestion.model.name)
            if shadow is not None and shadow.version != suggestion.model.version:
                keep(registry.folder / shadow.name, shadow.version, unseen(shadow, suggestion, events))
        except (SalusError, OSError, ValueError) as fault:
            LOG.error("the shadow of %s said nothing: %s", suggestion.model.name, fault)


def unseen(shadow: Deployed, shown: Suggestion, events: pa.Table) -> Unseen:
    """What the shadow says of the claim that was shown."""
    question, leading = question_of(shadow), shown.leading
    prediction = shadow.predict_events(events, shown.at)
    at = shown.at.isoformat()
    if question is None or leading is None or prediction.abstained:
        return Unseen(shown.id, at, shown.model.version, leading.probability if leading else None)
    name = next((name for name, claim in question.claims.items() if claim.code == leading.claim.code), None)
    first = max(prediction.probabilities, key=lambda one: prediction.probabilities[one])
    told = prediction.probabilities.get(name) if name is not None else None
    same = name == (first if question.kind == "differential" else name)
    return Unseen(shown.id, at, shown.model.version, leading.probability, told, same)


def keep(folder: Path, version: str, line: Unseen) -> None:
    with LOCK, file_of(folder, version).open("ab") as file:
        file.write(msgspec.json.encode(line) + b"\n")


def kept(folder: Path, version: str) -> dict[str, Unseen]:
    """What a version said in shadow, by suggestion, the latest of each."""
    file = file_of(folder, version)
    if not file.is_file():
        return {}
    lines = [msgspec.json.decode(line, type=Unseen) for line in file.read_bytes().splitlines() if line.strip()]
    return {line.suggestion: line for line in sorted(lines, key=lambda line: datetime.fromisoformat(line.at))}
