"""Versions of named bundles in folders: taken in whole, checked, promoted, rolled back. What a bundle holds says
whoever stands on it (`registry`, `salus.learning.effects.kept`)."""

import os
import re
import shutil
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

import msgspec

from salus.base import clock
from salus.base.errors import Conflict, Invalid, Missing
from salus.learning.dictionary import write_json
from salus.learning.step7_deploy.seal import (
    ADVICE,
    SUMS,
    check_files,
    check_seal,
    refuse_what_can_run,
    sha256,
    sign,
    sums_of,
)
from salus.learning.task import Strict

T = TypeVar("T")
PROMOTIONS = "promotions.json"
RESERVED = ("effects", "rankings")  # folders of other kinds: no model of prediction can have their names
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


class Shelf(Generic[T]):
    """Bundles by name and version. Raises Missing for what is not there and Conflict for files that were changed."""

    def __init__(self, folder: Path, secret: bytes | None = None) -> None:
        self.folder, self._secret = Path(folder), secret
        self._warm: dict[tuple[str, str], T] = {}

    def _load(self, place: Path) -> T:
        """What lies there."""
        raise NotImplementedError

    def _objections(self, name: str, version: str) -> list[str]:
        """What speaks against promoting a version without a reason."""
        return []

    def _promoted(self, name: str, version: str, by: str) -> None:
        """A version was promoted."""

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

    def current(self, name: str) -> Current | None:
        """What `current` says, or None while nothing is promoted."""
        file = self.folder / name / "current"
        return msgspec.json.decode(file.read_bytes(), type=Current) if file.is_file() else None

    def promoted(self, name: str) -> T | None:
        """The promoted version, loaded once and kept warm; None while nothing is promoted."""
        current = self.current(name)
        if current is None:
            return None
        return self._pinned(name, current.version, current.checksums)

    def _pinned(self, name: str, version: str, checksums: str) -> T:
        """A version, loaded once, whose checksums are still those of when it was chosen."""
        key = (name, version)
        if key not in self._warm:
            if sha256(self._place(name, version) / SUMS) != checksums:
                raise Conflict(f"The checksums of {name} {version} are not those that were promoted: {ADVICE}")
            self._warm[key] = self.load(name, version)
        return self._warm[key]

    def _note(self, name: str, made: Promotion) -> None:
        write_json(self.folder / name / PROMOTIONS, [*self.promotions(name), made])

    def wanted(self, name: str, version: str | None) -> str:
        """The version named, else the promoted one. Raises Missing where none is."""
        current = self.current(name)
        if version is None and current is None:
            raise Missing(f"No version of '{name}' is promoted: name one (versions: {', '.join(self.versions(name))})")
        return version or (current.version if current else "")

    def load(self, name: str, version: str) -> T:
        """One version, after every file was checked against its sha256 and the seal."""
        return self._load(self._checked(name, version))

    def add(self, name: str, made: Path) -> str:
        """Take in a folder with a finished bundle as the next version; gives the version. The folder is moved."""
        if not re.fullmatch(r"[\w-]{1,80}", name) or name in RESERVED:
            raise Invalid(f"'{name}' cannot name a model: use letters, digits, - and _, and not {', '.join(RESERVED)}")
        version = str(max((int(v) for v in self.versions(name) if v.isdigit()), default=0) + 1)
        bundle = msgspec.json.decode((made / "bundle.json").read_bytes(), type=dict[str, Any])
        bundle |= {"name": name, "version": version, "made": clock.instant(clock.now())}
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

    def promotions(self, name: str) -> list[Promotion]:
        """Who promoted what, the latest last."""
        file = self.folder / name / PROMOTIONS
        return msgspec.json.decode(file.read_bytes(), type=list[Promotion]) if file.is_file() else []

    def promote(self, name: str, version: str, reason: str = "", by: str = "") -> None:
        """Make a version the one that is asked; its files are checked first. It is written down who did, and why.

        Raises Conflict when groups of people fare too differently with it (the bounds of its task), unless a reason
        is given.
        """
        place = self._checked(name, version)
        despite = self._objections(name, version)
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
        self._promoted(name, version, by)

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
