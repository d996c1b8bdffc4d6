"""The registry of rankings: `rankings/<name>/<version>/` in the folder of models, and a file `current` a name.

Only data is stored, checked against its sha256 and, where the installation's secret is known, its seal; as models are.
"""

import os
import re
import shutil
from pathlib import Path

import msgspec

from salus.base import clock
from salus.base.errors import Conflict, Invalid, Missing
from salus.learning.dictionary import write_json
from salus.learning.ranking.kept import Bundle, Kept
from salus.learning.step7_deploy.registry import Current
from salus.learning.step7_deploy.seal import ADVICE, SUMS, check_files, check_seal, sha256, sign, sums_of

FOLDER = "rankings"


class Rankings:
    """Rankings by name and version. Raises Missing for what is not there and Conflict for files that were changed."""

    def __init__(self, registry: Path, secret: bytes | None = None) -> None:
        self.folder, self._secret = Path(registry) / FOLDER, secret
        self._warm: dict[tuple[str, str], Kept] = {}

    def names(self) -> list[str]:
        """All rankings, in order."""
        if not self.folder.is_dir():
            return []
        return sorted(place.name for place in self.folder.iterdir() if place.is_dir() and self.versions(place.name))

    def versions(self, name: str) -> list[str]:
        """The versions of a ranking, oldest first."""
        place = self.folder / name
        found = [one.name for one in place.glob("*") if (one / SUMS).is_file() and not one.name.startswith(".")]
        return sorted(found, key=lambda version: (len(version), version))

    def current(self, name: str) -> Current | None:
        """What `current` says, or None while nothing is promoted."""
        file = self.folder / name / "current"
        return msgspec.json.decode(file.read_bytes(), type=Current) if file.is_file() else None

    def promoted(self, name: str) -> Kept | None:
        """The promoted version, loaded once and kept warm; None while nothing is promoted."""
        current = self.current(name)
        if current is None:
            return None
        key = (name, current.version)
        if key not in self._warm:
            if sha256(self._place(*key) / SUMS) != current.checksums:
                raise Conflict(f"The checksums of {name} {current.version} are not those that were promoted: {ADVICE}")
            self._warm[key] = self.load(*key)
        return self._warm[key]

    def load(self, name: str, version: str) -> Kept:
        """One version, after every file was checked against its sha256 and the seal."""
        place = self._place(name, version)
        if self._secret is not None:
            check_seal(place, self._secret)
        check_files(place)
        return Kept(place)

    def add(self, name: str, made: Path) -> str:
        """Take in a folder with a finished ranking as the next version; gives the version. The folder is moved."""
        if not re.fullmatch(r"[\w-]{1,80}", name):
            raise Invalid(f"'{name}' cannot name a ranking: use letters, digits, - and _")
        version = str(max((int(one) for one in self.versions(name) if one.isdigit()), default=0) + 1)
        bundle = msgspec.json.decode((made / "bundle.json").read_bytes(), type=Bundle)
        bundle.name, bundle.version, bundle.made = name, version, clock.instant(clock.now())
        write_json(made / "bundle.json", bundle)
        write_json(made / SUMS, sums_of(made))
        draft = self.folder / name / f".{version}"  # on the same disk, so that a version is there whole or not at all
        shutil.rmtree(draft, ignore_errors=True)
        draft.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(made, draft)
        draft.rename(self.folder / name / version)
        if self._secret is not None:
            sign(self._place(name, version), self._secret)
        return version

    def promote(self, name: str, version: str) -> None:
        """Make a version the one that is asked; its files are checked first."""
        place, current = self._place(name, version), self.current(name)
        self.load(name, version)
        before = [*current.before, current.version] if current else []
        draft = self.folder / name / ".current"
        write_json(draft, Current(version=version, checksums=sha256(place / SUMS), before=before))
        os.replace(draft, self.folder / name / "current")

    def _place(self, name: str, version: str) -> Path:
        if version not in self.versions(name):
            have = ", ".join(self.versions(name)) or "none"
            raise Missing(f"There is no version '{version}' of a ranking '{name}' (versions: {have})")
        return self.folder / name / version
