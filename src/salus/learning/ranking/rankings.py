"""The registry of rankings: `rankings/<name>/<version>/` in the folder of models, checked and sealed as models are."""

from pathlib import Path

import msgspec

from salus.learning.ranking.kept import Bundle, Kept
from salus.learning.step7_deploy.seal import is_sealed
from salus.learning.step7_deploy.shelf import Shelf

FOLDER = "rankings"


class Rankings(Shelf[Kept]):
    """Rankings by name and version; `registry` is the folder of models."""

    def __init__(self, registry: Path, secret: bytes | None = None) -> None:
        super().__init__(Path(registry) / FOLDER, secret)

    def _load(self, place: Path) -> Kept:
        return Kept(place)

    def bundle(self, name: str, version: str) -> Bundle:
        """What is told of a version, without loading it."""
        return msgspec.json.decode((self._place(name, version) / "bundle.json").read_bytes(), type=Bundle)

    def sealed(self, name: str, version: str) -> bool:
        """Whether a version is sealed by this installation; False where its secret is not known."""
        return self._secret is not None and is_sealed(self._place(name, version), self._secret)
