"""What became of a version on data from elsewhere, kept beside it as evidence: <name>/evidence-<version>/*.json."""

import re
from pathlib import Path

import msgspec

from salus.learning.dictionary import write_json
from salus.learning.run import Note
from salus.learning.step5_evaluate.figures import Evaluation, Figures
from salus.learning.step7_deploy.drift import Drift
from salus.learning.step7_deploy.facts import Member
from salus.learning.task import Strict, Text


class External(Strict):
    """One evaluation elsewhere. `on`: the data's name, with its sha256 where it is one file; `by`: who ran it.

    `lacking`: what the model reads and these data never name. `drifts`: inputs beside those of training, with `labels`.
    `recalibrated`: figures after a new calibration line, each person answered by a line that others gave.
    """

    on: str
    sha256: str
    at: str
    by: str
    evaluation: Evaluation
    members: list[Member]
    drifts: list[Drift]
    labels: dict[str, Text]
    lacking: list[Text]
    left_out: list[tuple[str, int]]
    notes: list[Note]
    span: list[str]
    recalibrated: Figures


def keep(place: Path, version: str, found: External) -> Path:
    """Write it beside the versions of a model; gives the file."""
    stamp = re.sub(r"\D", "", found.at)[:14]
    name = re.sub(r"[^\w-]+", "-", found.on)[:60]
    file = folder_of(place, version) / f"{stamp}-{name}.json"
    write_json(file, found)
    return file


def kept(place: Path, version: str) -> list[External]:
    """What is known of a version from elsewhere, oldest first."""
    files = sorted(folder_of(place, version).glob("*.json"))
    return [msgspec.json.decode(file.read_bytes(), type=External) for file in files]


def folder_of(place: Path, version: str) -> Path:
    return place / f"evidence-{version}"
