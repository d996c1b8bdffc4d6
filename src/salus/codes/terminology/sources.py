"""Where terminology comes from, and the one place that is asked: the first source that knows an address answers.

A name in Chinese that a source lacks is taken from our own tables.
"""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import msgspec
import zstandard

from salus.base.errors import Missing
from salus.codes import tables
from salus.codes.terminology.fragments import STANDARDS, fragments
from salus.codes.terminology.mapping import ConceptMap, ours
from salus.codes.terminology.shapes import System, ValueSet

FILE = Path(__file__).with_name("r4_terms.msgpack.zst")


class Source(Protocol):
    """Something that holds terminology; each answers with all that it has under the address, the newest first."""

    def systems(self, url: str) -> list[System]: ...

    def value_sets(self, url: str) -> list[ValueSet]: ...

    def maps(self) -> list[ConceptMap]: ...


class Packed:
    """R4's own, from the committed file; a system is unpacked when it is first asked for."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._kept: dict[str, System] = {}

    def _table(self) -> dict[str, dict[str, bytes]]:
        return unpacked(self._file)

    def systems(self, url: str) -> list[System]:
        if url not in self._kept and url in self._table()["systems"]:
            self._kept[url] = msgspec.msgpack.decode(self._table()["systems"][url], type=System)
        return [self._kept[url]] if url in self._kept else []

    def value_sets(self, url: str) -> list[ValueSet]:
        found = self._table()["value_sets"].get(url)
        return [msgspec.msgpack.decode(found, type=ValueSet)] if found else []

    def maps(self) -> list[ConceptMap]:
        return []

    def addresses(self) -> tuple[list[str], list[str]]:
        """Of all code systems, of all value sets."""
        return list(self._table()["systems"]), list(self._table()["value_sets"])


@cache
def unpacked(file: Path) -> dict[str, Any]:
    """The file's tables, empty where it stands not yet, so that the generator can write it the first time."""
    if not file.exists():
        return {"systems": {}, "value_sets": {}}
    found: dict[str, Any] = msgspec.msgpack.decode(zstandard.ZstdDecompressor().decompress(file.read_bytes()))
    return found


class Tables:
    """What the program knows of systems that R4 only points at: in part, but with Chinese names."""

    def systems(self, url: str) -> list[System]:
        found = fragments().get(url) or (STANDARDS[url](url) if url in STANDARDS else None)
        return [found] if found else []

    def value_sets(self, url: str) -> list[ValueSet]:
        return []

    def maps(self) -> list[ConceptMap]:
        return ours()


R4 = Packed(FILE)
OURS = Tables()


class Terminology:
    """Asks the sources in order. `Terminology([Site(folder)])` puts a site's own before R4's and ours."""

    def __init__(self, sources: Sequence[Source] = ()) -> None:
        self._sources: tuple[Source, ...] = (*sources, R4, OURS)

    def find(self, url: str, version: str | None = None) -> System | None:
        """The code system at this address, in this version where one is named, or None."""
        url, _, named = url.partition("|")
        wanted = version or named
        found = (system for source in self._sources for system in source.systems(url))
        return next((system for system in found if not wanted or system.version == wanted), None)

    def system(self, url: str, version: str | None = None) -> System:
        """As `find`. Raises Missing, with what to do."""
        found = self.find(url, version)
        if found is None:
            held = {system.version for source in self._sources for system in source.systems(url.partition("|")[0])}
            raise Missing(unknown_system(url, version, held), path="system")
        return found

    def value_set(self, url: str, version: str | None = None) -> ValueSet:
        """The value set at this address; `SYSTEM?fhir_vs` is all of a system. Raises Missing, with what to do."""
        bare, _, named = url.partition("|")
        wanted = version or named
        found = (one for source in self._sources for one in source.value_sets(bare))
        chosen = next((one for one in found if not wanted or one.version == wanted), None) or implicit(bare)
        if chosen is None:
            told = f"The value set {url[:200]} is not held here: store it (POST /ValueSet), or send it as `valueSet`"
            raise Missing(told, path="url")
        return chosen

    def maps(self) -> list[ConceptMap]:
        """Every concept map that the sources have."""
        return [one for source in self._sources for one in source.maps()]

    def chinese(self, system: System, row: int) -> str:
        """The Chinese name of a concept, its own or from our tables; "" where there is none."""
        return system.zh.get(row) or tables.name(system.url, system.codes[row], "zh") or ""

    def display(self, system: System, row: int, language: str) -> str:
        """The name to show in `en` or `zh`."""
        return (self.chinese(system, row) if language == "zh" else "") or system.display(row, language)


def unknown_system(url: str, version: str | None, held: set[str]) -> str:
    if held:
        versions = ", ".join(sorted(held)) or "no version"
        return f"{url[:200]} is held here as {versions}, not as {(version or url.partition('|')[2])[:60]}: ask for that"
    return (
        f"The code system {url[:200]} is not held here: load it with `salus codes load FILE --system {url[:200]}`, "
        "or store it as a CodeSystem (POST /CodeSystem)"
    )


def implicit(url: str) -> ValueSet | None:
    """A value set that an address alone defines. https://hl7.org/fhir/R4/snomedct.html#implicit

    >>> implicit("http://snomed.info/sct?fhir_vs=isa/73211009").include[0]["filter"][0]["op"]
    'is-a'
    """
    system, sign, rest = url.partition("?fhir_vs")
    if not sign:
        return None
    include: dict[str, Any] = {"system": system}
    if rest.startswith("=isa/"):
        include["filter"] = [{"property": "concept", "op": "is-a", "value": rest.removeprefix("=isa/")}]
    return ValueSet(url, include=[include]) if not rest or "filter" in include else None
