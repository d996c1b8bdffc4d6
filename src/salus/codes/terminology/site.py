"""What a site has loaded itself: a file for each code system or package, in a folder apart from the records.

A server notices a new file at the next question; nothing has to be started again.
"""

import hashlib
import os
import re
from pathlib import Path

import msgspec
import zstandard

from salus.base.errors import Invalid, Missing
from salus.codes.terminology import packages
from salus.codes.terminology.mapping import ConceptMap
from salus.codes.terminology.packages import Package
from salus.codes.terminology.shapes import Json, System, ValueSet

FOLDER = "terminology"
PACKAGES = "packages"  # a folder in it
SUFFIX = ".msgpack.zst"


class Site:
    """The code systems in `folder`; the folder need not be there."""

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)
        self._open: dict[str, tuple[int, System]] = {}
        self._packages: dict[Path, tuple[int, Package]] = {}

    def file(self, url: str) -> Path:
        """Where the system at this address is kept: its name's last letters, for people, and its digest."""
        words = re.sub(r"[^a-z0-9]+", "-", url.casefold()).strip("-")[-40:]
        return self.folder / f"{words}-{hashlib.sha256(url.encode()).hexdigest()[:8]}{SUFFIX}"

    def systems(self, url: str) -> list[System]:
        """The system at this address, read again only when its file is another."""
        return [*self._own(url), *(one for package in self.packages() for one in package.systems(url))]

    def _own(self, url: str) -> list[System]:
        file = self.file(url)
        try:
            stamp = file.stat().st_mtime_ns
        except OSError:
            self._open.pop(url, None)
            return []
        kept = self._open.get(url)
        if kept is None or kept[0] != stamp:
            kept = self._open[url] = (stamp, opened(file))
        return [kept[1]]

    def value_sets(self, url: str) -> list[ValueSet]:
        return [one for package in self.packages() for one in package.value_sets(url)]

    def maps(self) -> list[ConceptMap]:
        return [one for package in self.packages() for one in package.maps()]

    def structures(self, url: str) -> list[Json]:
        """The profiles and extensions at an address, of all packages."""
        return [one for package in self.packages() for one in package.structures(url)]

    def packages(self) -> list[Package]:
        """Every package that was loaded, by its name; read again only when its file is another."""
        found = {}
        for file in sorted(self.folder.glob(f"{PACKAGES}/*{SUFFIX}")):
            stamp = file.stat().st_mtime_ns
            kept = self._packages.get(file)
            found[file] = kept if kept and kept[0] == stamp else (stamp, packages.opened(file))
        self._packages = found
        return [package for _, package in found.values()]

    def all(self) -> list[System]:
        """Every system that was loaded, by its address."""
        found = [opened(file) for file in sorted(self.folder.glob(f"*{SUFFIX}"))]
        return sorted(found, key=lambda system: system.url)

    def keep(self, system: System) -> None:
        """Write the system's file whole, or leave the one that was there."""
        data = zstandard.ZstdCompressor(level=6).compress(msgspec.msgpack.encode(system))
        write(self.file(system.url), data)

    def keep_package(self, package: Package) -> None:
        """As `keep`; the earlier version of the package goes. Raises Invalid for a name that is none."""
        write(self.folder / PACKAGES / packages.file_name(package.name), packages.written(package))

    def remove_package(self, name: str) -> bool:
        """Forget a package; False where there is none of that name."""
        known = [file for file in self.folder.glob(f"{PACKAGES}/*{SUFFIX}") if file.name == name + SUFFIX]
        for file in known:
            file.unlink(missing_ok=True)
        return bool(known)

    def remove(self, url: str) -> None:
        """Forget the system at this address. Raises Missing."""
        try:
            self.file(url).unlink()
        except FileNotFoundError:
            known = ", ".join(system.url for system in self.all()) or "nothing"
            raise Missing(f"{url[:200]} was not loaded here; {known} was: name one of them", path="system") from None


def write(file: Path, data: bytes) -> None:
    """The file whole, or what was there."""
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_name(f".{file.name}.{os.getpid()}")
    with fresh.open("wb") as opened_file:
        opened_file.write(data)
        opened_file.flush()
        os.fsync(opened_file.fileno())
    fresh.replace(file)


def opened(file: Path) -> System:
    """Raises Invalid for a file that is not as we wrote it."""
    try:
        return msgspec.msgpack.decode(zstandard.ZstdDecompressor().decompress(file.read_bytes()), type=System)
    except (zstandard.ZstdError, msgspec.MsgspecError) as fault:
        raise Invalid(f"{file.name} cannot be read ({fault}): load that code system again", path=file.name) from None


def merged(old: System, new: System) -> System:
    """The old system with what the new one says: names and properties of known codes, and codes that are new."""
    made = msgspec.msgpack.decode(msgspec.msgpack.encode(old), type=System)  # a copy all through
    made.version, made.name, made.content = new.version or old.version, new.name or old.name, new.content
    places = []
    for row, code in enumerate(new.codes):
        place = old.row(code)
        if place is None:
            place = len(made.codes)
            made.codes.append(code)
            made.displays.append("")
        made.displays[place] = new.displays[row] or made.displays[place]
        places.append(place)
    made.definitions |= {places[row]: text for row, text in new.definitions.items()}
    made.zh |= {places[row]: text for row, text in new.zh.items()}
    made.properties |= {places[row]: told for row, told in new.properties.items()}
    made.parents |= {places[row]: [places[parent] for parent in above] for row, above in new.parents.items()}
    return made
