"""The registry: a folder a model, a folder a version, a file `current` that names the promoted one.

    registry/<name>/<version>/{bundle,recipe,metrics,card,facts,points,watch,checksums,seal}.json, model/, card.*.md
    registry/<name>/promotions.json    who promoted which version, when, why; who rolled back, and what stood in shadow
    registry/<name>/shadow.json  the version that is asked beside the promoted one, unseen
    registry/<name>/current      {"version": ..., "checksums": sha256 of its checksums.json, "before": [...]}

Only data is stored (JSON, arrays, LightGBM text): nothing that could run. Every file is checked against its sha256 when
it is loaded, the list of checksums against `current`, and all against the seal where the installation's secret is known
(see `seal`).
"""

import builtins
import os
import re
import shutil
from pathlib import Path
from typing import Any, Literal

import msgspec

from salus.base import clock
from salus.base.errors import Conflict, Invalid, Missing
from salus.learning.dictionary import write_json
from salus.learning.step5_evaluate.figures import Gap
from salus.learning.step5_evaluate.telling import span_text
from salus.learning.step7_deploy.bundle import Bundle
from salus.learning.step7_deploy.deployed import Deployed
from salus.learning.step7_deploy.seal import (
    ADVICE,
    SUMS,
    check_files,
    check_seal,
    is_sealed,
    refuse_what_can_run,
    sha256,
    sign,
    sums_of,
)
from salus.learning.task import Strict

PROMOTIONS, SHADOW = "promotions.json", "shadow.json"


Act = Literal["promoted", "rolled-back", "shadow", "shadow-ended"]


class Current(Strict):
    """Which version is promoted, and which were before it, the latest last."""

    version: str
    checksums: str
    before: list[str] = msgspec.field(default_factory=list)


class Promotion(Strict):
    """One line of promotions.json: who made which version the one that is asked, when, why, and despite what.

    `act`: promoted; rolled-back (to that version); shadow (asked beside, unseen), shadow-ended.
    """

    version: str
    at: str
    by: str = ""
    reason: str = ""
    despite: list[str] = msgspec.field(default_factory=list)
    act: Act = "promoted"


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


class Registry:
    """Models by name and version. Raises Missing for what is not there and Conflict for files that were changed."""

    def __init__(self, folder: Path, secret: bytes | None = None) -> None:
        self.folder, self._secret = Path(folder), secret
        self._warm: dict[tuple[str, str], Deployed] = {}

    def names(self) -> list[str]:
        """All models, in order."""
        if not self.folder.is_dir():
            return []
        return sorted(place.name for place in self.folder.iterdir() if place.is_dir() and self.versions(place.name))

    def versions(self, name: str) -> list[str]:
        """The versions of a model, oldest first."""
        place = self.folder / name
        if not place.is_dir():
            return []
        found = [one.name for one in place.iterdir() if (one / SUMS).is_file() and not one.name.startswith(".")]
        return sorted(found, key=lambda version: (len(version), version))

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

    def current(self, name: str) -> Current | None:
        """What `current` says, or None while nothing is promoted."""
        file = self.folder / name / "current"
        return msgspec.json.decode(file.read_bytes(), type=Current) if file.is_file() else None

    def promoted(self, name: str) -> Deployed | None:
        """The promoted version, loaded once and kept warm; None while nothing is promoted."""
        current = self.current(name)
        if current is None:
            return None
        return self._pinned(name, current.version, current.checksums)

    def _pinned(self, name: str, version: str, checksums: str) -> Deployed:
        """A version, loaded once, whose checksums are still those of when it was chosen."""
        key = (name, version)
        if key not in self._warm:
            if sha256(self._place(name, version) / SUMS) != checksums:
                raise Conflict(f"The checksums of {name} {version} are not those that were promoted: {ADVICE}")
            self._warm[key] = self.load(name, version)
        return self._warm[key]

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

    def _note(self, name: str, made: Promotion) -> None:
        write_json(self.folder / name / PROMOTIONS, [*self.promotions(name), made])

    def wanted(self, name: str, version: str | None) -> str:
        """The version named, else the promoted one. Raises Missing where none is."""
        current = self.current(name)
        if version is None and current is None:
            raise Missing(f"No version of '{name}' is promoted: name one (versions: {', '.join(self.versions(name))})")
        return version or (current.version if current else "")

    def load(self, name: str, version: str) -> Deployed:
        """One version, after every file was checked against its sha256 and the seal."""
        return Deployed(self._checked(name, version))

    def add(self, name: str, made: Path) -> str:
        """Take in a folder with a finished bundle as the next version; gives the version. The folder is moved."""
        if not re.fullmatch(r"[\w-]{1,80}", name):
            raise Invalid(f"'{name}' cannot name a model: use letters, digits, - and _")
        version = str(max((int(v) for v in self.versions(name) if v.isdigit()), default=0) + 1)
        bundle = msgspec.json.decode((made / "bundle.json").read_bytes(), type=Bundle)
        bundle.name, bundle.version, bundle.made = name, version, clock.instant(clock.now())
        write_json(made / "bundle.json", bundle)
        write_json(made / SUMS, sums_of(made))
        place = self.folder / name / version
        draft = self.folder / name / f".{version}"  # on the same disk, so that a version is there whole or not at all
        shutil.rmtree(draft, ignore_errors=True)
        draft.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(made, draft)
        draft.rename(place)
        if self._secret is not None:
            sign(place, self._secret)
        return version

    def sign(self, name: str, version: str) -> None:
        """Seal a version from before sealing, or from another installation. Raises Conflict when it changed."""
        if self._secret is None:
            raise Invalid("Only an installation that knows its secret can seal a model")
        sign(self._place(name, version), self._secret)

    def too_wide(self, name: str, version: str) -> "builtins.list[Gap]":
        """The differences between groups of people that pass the bounds of the task."""
        metrics = (self._place(name, version) / "metrics.json").read_bytes()
        return [gap for gap in msgspec.json.decode(metrics, type=Judged).gaps if gap.too_wide]

    def promotions(self, name: str) -> "builtins.list[Promotion]":
        """Who promoted what, the latest last."""
        file = self.folder / name / PROMOTIONS
        return msgspec.json.decode(file.read_bytes(), type=list[Promotion]) if file.is_file() else []

    def promote(self, name: str, version: str, reason: str = "", by: str = "") -> None:
        """Make a version the one that is asked; its files are checked first. It is written down who did, and why.

        Raises Conflict when groups of people fare too differently with it (the bounds of its task), unless a reason
        is given.
        """
        place = self._checked(name, version)
        despite = [f"{gap.measure} by {gap.by}: {span_text(gap.difference)}" for gap in self.too_wide(name, version)]
        if despite and not reason.strip():
            raise Conflict(
                f"{name} {version} is not promoted by itself, for groups of people fare too differently with it "
                f"({'; '.join(despite)}): read its card, then give a reason if it should be asked all the same"
            )
        current = self.current(name)
        if current is not None and current.version == version:
            return
        before = [*current.before, current.version] if current else []
        self._point(name, Current(version=version, checksums=sha256(place / SUMS), before=before))
        made = Promotion(version=version, at=clock.instant(clock.now()), by=by, reason=reason.strip(), despite=despite)
        self._note(name, made)
        beside = self.shadow(name)
        if beside is not None and beside.version == version:
            self.end_shadow(name, by=by)

    def roll_back(self, name: str, by: str = "", reason: str = "") -> str:
        """Go back to the version that was promoted before; gives it. Raises Missing when there was none."""
        current = self.current(name)
        if current is None or not current.before:
            raise Missing(f"There is no earlier version of '{name}' to go back to")
        version, before = current.before[-1], current.before[:-1]
        place = self._checked(name, version)
        self._point(name, Current(version=version, checksums=sha256(place / SUMS), before=before))
        now = clock.instant(clock.now())
        self._note(name, Promotion(version=version, at=now, by=by, reason=reason.strip(), act="rolled-back"))
        return version

    def _checked(self, name: str, version: str) -> Path:
        """Where a version lies, its files checked."""
        place = self._place(name, version)
        refuse_what_can_run(place)
        if self._secret is not None:
            check_seal(place, self._secret)
        check_files(place)
        return place

    def _point(self, name: str, current: Current) -> None:
        """Write `current` whole or not at all."""
        draft = self.folder / name / ".current"
        write_json(draft, current)
        os.replace(draft, self.folder / name / "current")

    def _place(self, name: str, version: str) -> Path:
        if version not in self.versions(name):
            have = ", ".join(self.versions(name)) or "none"
            raise Missing(f"There is no version '{version}' of a model '{name}' (versions: {have})")
        return self.folder / name / version
