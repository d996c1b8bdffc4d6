"""What a bundle's files were when it was made, sealed by the installation: HMAC-SHA256 with its secret (RFC 2104).

`checksums.json` says what the files are; `seal.json` says it again with the seal over name, version and list, which
nobody can make who does not know the secret. So a file that was changed is named even where the checksums were written
anew to fit. A bundle from before sealing is taken with a warning, until `salus models sign` seals it.
"""

import hashlib
import hmac
import logging
from collections.abc import Mapping
from pathlib import Path

import msgspec

from salus.base.errors import Conflict
from salus.learning.dictionary import write_json
from salus.learning.runnable import kind_of
from salus.learning.task import Strict

SUMS, SEAL = "checksums.json", "seal.json"
ADVICE = "do not use it; learn it again or roll back"
LOG = logging.getLogger(__name__)


class Seal(Strict):
    """The files with their sha256 when it was sealed, and the seal in hex."""

    files: dict[str, str]
    hmac: str


def check_files(place: Path) -> None:
    """Raises Conflict when a file was changed, is gone, or was added since the bundle was made, or can run."""
    refuse_what_can_run(place)
    wanted = msgspec.json.decode((place / SUMS).read_bytes(), type=dict[str, str])
    refuse(place, differing(wanted, sums_of(place)))


def check_seal(place: Path, secret: bytes) -> None:
    """Raises Conflict when the files are not those that this installation sealed; warns of a bundle without a seal."""
    if not (place / SEAL).is_file():
        LOG.warning("%s %s is not sealed: salus models sign %s %s", *named(place), *named(place))
        return
    seal = msgspec.json.decode((place / SEAL).read_bytes(), type=Seal)
    refuse(place, differing(seal.files, sums_of(place)))
    if not hmac.compare_digest(seal.hmac, sealed(place, seal.files, secret)):
        name, version = named(place)
        raise Conflict(
            f"{SEAL} of {name} {version} was not written by this installation: {ADVICE}. If it came from another one "
            f"that you trust: salus models sign {name} {version}"
        )


def sign(place: Path, secret: bytes) -> None:
    """Seal the files as they are; they are checked against their checksums first."""
    check_files(place)
    files = sums_of(place)
    write_json(place / SEAL, Seal(files=files, hmac=sealed(place, files, secret)))


def is_sealed(place: Path, secret: bytes) -> bool:
    """Whether a seal of this installation is there, whatever the files are now."""
    if not (place / SEAL).is_file():
        return False
    seal = msgspec.json.decode((place / SEAL).read_bytes(), type=Seal)
    return hmac.compare_digest(seal.hmac, sealed(place, seal.files, secret))


def sealed(place: Path, files: Mapping[str, str], secret: bytes) -> str:
    """The seal over a list of files, for the name and version under which they lie."""
    said = msgspec.json.encode(["salus model bundle", *named(place), sorted(files.items())])
    return hmac.new(secret, said, hashlib.sha256).hexdigest()


def named(place: Path) -> tuple[str, str]:
    """(name, version) of the bundle that lies there."""
    return place.parent.name, place.name


def refuse_what_can_run(place: Path) -> None:
    """A bundle is data; whoever put a program into it could also have written the checksums anew."""
    for file in sorted(file for file in place.rglob("*") if file.is_file()):
        with file.open("rb") as opened:
            kind = kind_of(file.name, opened.read(2))
        if kind:
            raise Conflict(
                f"{file.relative_to(place).as_posix()} of {' '.join(named(place))} is {kind}, which can run when it is "
                f"opened, and no bundle of Salus has one: {ADVICE}"
            )


def refuse(place: Path, wrong: list[str]) -> None:
    if wrong:
        raise Conflict(f"{', '.join(wrong)} of {' '.join(named(place))} changed since it was made: {ADVICE}")


def differing(wanted: Mapping[str, str], found: Mapping[str, str]) -> list[str]:
    return sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))


def sums_of(place: Path) -> dict[str, str]:
    """sha256 of every file but the two lists themselves."""
    files = sorted(file for file in place.rglob("*") if file.is_file() and file.name not in (SUMS, SEAL))
    return {file.relative_to(place).as_posix(): sha256(file) for file in files}


def sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
