"""The registry of effect models, beside that of predictions: registry/effects/<name>/<version>/.

A version that did not pass its gate is kept as refused, with the checks and no number; it cannot be promoted.
"""

from pathlib import Path

import msgspec

from salus.base.errors import Conflict
from salus.learning.effects.bundle import EffectBundle
from salus.learning.effects.model import EffectModel
from salus.learning.step7_deploy.seal import is_sealed
from salus.learning.step7_deploy.shelf import RESERVED, Shelf
from salus.learning.task import Strict, Text


class EffectEntry(Strict):
    """A line of the list."""

    name: str
    version: str
    made: str
    question: Text
    people: int
    passed: bool
    promoted: bool
    sealed: bool | None


class EffectRegistry(Shelf[EffectModel]):
    """Effect models by name and version; `folder` is that of the registry itself."""

    def __init__(self, folder: Path, secret: bytes | None = None) -> None:
        super().__init__(Path(folder) / RESERVED[0], secret)

    def _load(self, place: Path) -> EffectModel:
        return EffectModel(place)

    def bundle(self, name: str, version: str) -> EffectBundle:
        return msgspec.json.decode((self._place(name, version) / "bundle.json").read_bytes(), type=EffectBundle)

    def promote(self, name: str, version: str, reason: str = "", by: str = "") -> None:
        """As `Shelf.promote`. Raises Conflict for a version that did not pass its gate, whatever the reason."""
        bundle = self.bundle(name, version)
        if not bundle.passed:
            failed = ", ".join(one.key.removeprefix("gate.") for one in bundle.checks if not one.holds)
            raise Conflict(f"{name} {version} did not pass its gate ({failed}): it has no numbers that could be shown")
        super().promote(name, version, reason, by)

    def asked(self) -> list[EffectModel]:
        """Of each task the promoted version; where none is, the latest if it was refused: that it was is an answer."""
        found = []
        for name in self.names():
            current, latest = self.promoted(name), self.versions(name)[-1]
            if current is not None:
                found.append(current)
            elif not self.bundle(name, latest).passed:
                found.append(self._refused(name, latest))
        return found

    def _refused(self, name: str, version: str) -> EffectModel:
        key = (name, version)
        if key not in self._warm:
            self._warm[key] = self.load(name, version)
        return self._warm[key]

    def list(self) -> "list[EffectEntry]":
        """Every version of every task, oldest first."""
        return [self.entry(name, version) for name in self.names() for version in self.versions(name)]

    def entry(self, name: str, version: str) -> EffectEntry:
        bundle, current = self.bundle(name, version), self.current(name)
        return EffectEntry(
            name=name,
            version=version,
            made=bundle.made,
            question=bundle.task.question,
            people=sum(bundle.people),
            passed=bundle.passed,
            promoted=current is not None and current.version == version,
            sealed=None if self._secret is None else is_sealed(self._place(name, version), self._secret),
        )
