"""The registry of models of prediction: a folder a model, a folder a version, a file `current` naming the promoted one.

    registry/<name>/<version>/{bundle,recipe,metrics,card,facts,points,watch,checksums,seal}.json, model/, card.*.md
    registry/<name>/promotions.json    who promoted which version, when, why; who rolled back, and what stood in shadow
    registry/<name>/shadow.json  the version that is asked beside the promoted one, unseen
    registry/effects/...         effect models, the same way (see `salus.learning.effects.kept`)
    registry/<name>/current      {"version": ..., "checksums": sha256 of its checksums.json, "before": [...]}

Only data is stored (JSON, arrays, LightGBM text): nothing that could run. Every file is checked against its sha256 when
it is loaded, the list of checksums against `current`, and all against the seal where the installation's secret is known
(see `seal`).
"""

import builtins
from pathlib import Path
from typing import Any

import msgspec

from salus.base import clock
from salus.base.errors import Conflict
from salus.learning.dictionary import write_json
from salus.learning.step5_evaluate.figures import Gap
from salus.learning.step5_evaluate.telling import span_text
from salus.learning.step7_deploy.bundle import Bundle
from salus.learning.step7_deploy.deployed import Deployed
from salus.learning.step7_deploy.seal import SUMS, is_sealed, sha256
from salus.learning.step7_deploy.shelf import Promotion, Shelf
from salus.learning.task import Strict

SHADOW = "shadow.json"


class Shadow(Strict):
    """The version that is asked beside the promoted one, unseen: since when."""

    version: str
    checksums: str
    at: str


class Judged(msgspec.Struct):
    """What the gate reads of metrics.json."""

    gaps: list[Gap] = msgspec.field(default_factory=list)


class Entry(Strict):
    """A line of the list. `sealed`: whether by this installation; None where its secret is not known here."""

    name: str
    version: str
    made: str
    kind: str
    family: str
    question: dict[str, str]
    promoted: bool
    sealed: bool | None
    metrics: dict[str, Any]


class Registry(Shelf[Deployed]):
    """Models of prediction by name and version. Raises Missing for what is not there and Conflict for files that were
    changed."""

    def _load(self, place: Path) -> Deployed:
        return Deployed(place)

    def list(self) -> "list[Entry]":
        """Every version of every model, oldest first."""
        return [self.entry(name, version) for name in self.names() for version in self.versions(name)]

    def entry(self, name: str, version: str) -> Entry:
        place = self._place(name, version)
        bundle = msgspec.json.decode((place / "bundle.json").read_bytes(), type=Bundle)
        current = self.current(name)
        return Entry(
            name=name,
            version=version,
            made=bundle.made,
            kind=bundle.labels.kind,
            family=bundle.family,
            question=bundle.task.question,
            sealed=None if self._secret is None else is_sealed(place, self._secret),
            promoted=current is not None and current.version == version,
            metrics=msgspec.json.decode((place / "metrics.json").read_bytes()),
        )

    def shadow(self, name: str) -> Shadow | None:
        """Which version is asked beside the promoted one; None for none."""
        file = self.folder / name / SHADOW
        return msgspec.json.decode(file.read_bytes(), type=Shadow) if file.is_file() else None

    def shadowing(self, name: str) -> Deployed | None:
        """That version, loaded once and kept warm."""
        found = self.shadow(name)
        return self._pinned(name, found.version, found.checksums) if found else None

    def let_shadow(self, name: str, version: str, reason: str = "", by: str = "") -> None:
        """Ask a version beside the promoted one from now on; nobody is shown what it says. Raises Conflict, Missing."""
        place, current = self._checked(name, version), self.current(name)
        if current is None or current.version == version:
            promoted = current.version if current else "none"
            raise Conflict(
                f"{name} {version} cannot stand in the shadow of itself or of nothing (promoted: {promoted})"
            )
        now = clock.instant(clock.now())
        write_json(self.folder / name / SHADOW, Shadow(version=version, checksums=sha256(place / SUMS), at=now))
        self._note(name, Promotion(version=version, at=now, by=by, reason=reason.strip(), act="shadow"))

    def end_shadow(self, name: str, reason: str = "", by: str = "") -> str | None:
        """Ask it no more; gives the version that was. Its answers stay."""
        found = self.shadow(name)
        if found is None:
            return None
        (self.folder / name / SHADOW).unlink()
        now = clock.instant(clock.now())
        self._note(name, Promotion(version=found.version, at=now, by=by, reason=reason.strip(), act="shadow-ended"))
        return found.version

    def too_wide(self, name: str, version: str) -> "builtins.list[Gap]":
        """The differences between groups of people that pass the bounds of the task."""
        metrics = (self._place(name, version) / "metrics.json").read_bytes()
        return [gap for gap in msgspec.json.decode(metrics, type=Judged).gaps if gap.too_wide]

    def _objections(self, name: str, version: str) -> "builtins.list[str]":
        return [f"{gap.measure} by {gap.by}: {span_text(gap.difference)}" for gap in self.too_wide(name, version)]

    def _promoted(self, name: str, version: str, by: str) -> None:
        beside = self.shadow(name)
        if beside is not None and beside.version == version:
            self.end_shadow(name, by=by)
