"""What the terminology operations share: the question as it was asked, where terms come from, the answer.

https://hl7.org/fhir/R4/terminology-service.html
"""

import threading
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from urllib.parse import parse_qsl

import orjson

from salus.api.fhir.asking import Answer, Ask
from salus.api.fhir.operations import given, guard
from salus.base.errors import Malformed, Unsupported
from salus.codes.terminology import Site, System, Terminology, ValueSet, concept_map_of, system_of, value_set_of
from salus.codes.terminology.mapping import ConceptMap
from salus.codes.terminology.packages import trimmed
from salus.codes.terminology.shapes import Json
from salus.codes.terminology.site import FOLDER
from salus.fhir.profiles import Profiles
from salus.records import Records, Version

T = TypeVar("T")
MOST_VERSIONS = 20  # of one address among the stored resources
PAGE = 100
MOST_MAPS = 1000
MANY = ("property", "concept")  # parameters that may be given several times
KEPT = 256  # stored resources that are kept read


class Coding(NamedTuple):
    system: str
    code: str
    version: str | None = None
    display: str | None = None


class Asked:
    """The parameters of a question, from the query and the body; each by its name.

    Raises Unsupported for a name that is none of `names`, Malformed for one given twice.
    """

    def __init__(self, ask: Ask, *names: str) -> None:
        self._values: dict[str, Any] = {}
        self._ask = ask
        query = [pair for pair in parse_qsl(ask.query, keep_blank_values=True) if pair[0] not in given.WRITTEN]
        body = [(part["name"], part.get("resource") or given.value_of(part)) for part in given.parts(ask.body)]
        for name, value in [*query, *body]:
            if name not in names:
                raise Unsupported(
                    f"'{name[:80]}' is not a parameter of this operation: it has {', '.join(names)}", path=name[:80]
                )
            if name in MANY:
                self._values.setdefault(name, []).append(value)
            elif name in self._values:
                raise Malformed(f"'{name}' is given more than once: give it once", path=name)
            else:
                self._values[name] = value

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def text(self, name: str) -> str | None:
        """A simple value. Raises Malformed for any other."""
        value = self._values.get(name)
        if value is not None and (isinstance(value, dict | list) or value == ""):
            raise Malformed(f"'{name}' has no simple value: give one", path=name)
        return None if value is None else str(value)

    def value(self, name: str) -> Any:
        """A value of any kind, None where it is not given."""
        return self._values.get(name)

    def texts(self, name: str) -> list[str]:
        return [str(value) for value in self._values.get(name, [])]

    def all_codings(self, name: str) -> list[Coding]:
        """Codings that are given one by one. Raises Malformed for anything else."""
        found = self._values.get(name, [])
        if not all(isinstance(one, dict) and one.get("code") and one.get("system") for one in found):
            raise Malformed(f"'{name}' needs a system and a code: POST valueCoding with both", path=name)
        return [Coding(one["system"], one["code"], one.get("version")) for one in found]

    def flag(self, name: str) -> bool:
        """Raises Malformed for what is neither true nor false."""
        value = (self.text(name) or "false").lower()
        if value not in ("true", "false"):
            raise Malformed(f"{name}={value[:40]}: give true or false", path=name)
        return value == "true"

    def number(self, name: str) -> int | None:
        """A whole number from 0. Raises Malformed."""
        value = self.text(name)
        if value is not None and not (value.isascii() and value.isdigit() and len(value) < 10):
            raise Malformed(f"{name}={value[:40]}: give a whole number from 0", path=name)
        return None if value is None else int(value)

    def resource(self, name: str, type: str) -> Json | None:
        """A resource that was sent along. Raises Malformed for anything else."""
        value = self._values.get(name)
        if value is not None and (not isinstance(value, dict) or value.get("resourceType") != type):
            raise Malformed(f"'{name}' is no {type}: POST Parameters with the resource", path=name)
        return value

    def language(self) -> str:
        """zh where `displayLanguage`, or else the header Accept-Language, begins so; else en."""
        told = self.text("displayLanguage") or self._ask.header("accept-language") or ""
        return "zh" if told.lower().startswith("zh") else "en"

    def codings(
        self, code: str = "code", coding: str = "coding", system: str = "system", need: bool = True
    ) -> list[Coding]:
        """What is asked about, as `code` and system, `coding` or `codeableConcept`. Raises Malformed for none."""
        if code in self:
            where = self.text(system) or ""
            if need and not where:
                raise Malformed(f"'{code}' needs its system beside it: give '{system}'", path=system)
            version = self.text("systemVersion") or self.text("version")
            return [Coding(where, self.text(code) or "", version, self.text("display"))]
        found = [self._values[coding]] if coding in self else self._concept().get("coding", [])
        if not found or not all(isinstance(one, dict) and "code" in one for one in found):
            raise Malformed(f"Give '{code}' with '{system}', or POST a '{coding}' that has a code", path=code)
        return [Coding(c.get("system", ""), c["code"], c.get("version"), c.get("display")) for c in found]

    def _concept(self) -> Json:
        found = self._values.get("codeableConcept", {})
        return found if isinstance(found, dict) else {}


class Stored:
    """The code systems, value sets and concept maps among the records, as far as this account may read them."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def systems(self, url: str) -> list[System]:
        return [read(self._place(found), found.body, system_of) for found in self._found("CodeSystem", url)]

    def value_sets(self, url: str) -> list[ValueSet]:
        return [read(self._place(found), found.body, value_set_of) for found in self._found("ValueSet", url)]

    def maps(self, *search: tuple[str, str]) -> list[ConceptMap]:
        return [read(self._place(found), found.body, concept_map_of) for found in self._pages("ConceptMap", search)]

    def structures(self, url: str) -> list[Json]:
        return [read(self._place(found), found.body, trimmed) for found in self._found("StructureDefinition", url)]

    def _found(self, type: str, url: str) -> list[Version]:
        """The newest first."""
        if not guard.can_read(self._records, type):
            return []
        asked = [("url", url), ("_sort", "-_lastUpdated"), ("_count", str(MOST_VERSIONS))]
        return self._records.search(type, asked).versions

    def _pages(self, type: str, search: tuple[tuple[str, str], ...]) -> Iterator[Version]:
        if not guard.can_read(self._records, type):
            return
        page = self._records.search(type, [*search, ("_count", str(PAGE))])
        yield from page.versions
        for _ in range(MOST_MAPS // PAGE):
            if not page.next:
                return
            page = self._records.search(type, page.next)
            yield from page.versions

    def _place(self, found: Version) -> tuple[str, str, int]:
        return str(self._records.store.engine), found.reference, found.version


READINGS: dict[tuple[str, str, int], Any] = {}
READING = threading.Lock()


def read(place: tuple[str, str, int], body: bytes, reader: Callable[[Json], T]) -> T:
    """The resource in our shape, kept for the next question; the oldest goes when there are too many."""
    found: T | None = READINGS.get(place)
    if found is None:
        found = reader(orjson.loads(body))
        with READING:
            READINGS[place] = found
            if len(READINGS) > KEPT:
                del READINGS[next(iter(READINGS))]
    return found


@cache
def site(folder: Path) -> Site:
    return Site(folder)


def terms(records: Records) -> Terminology:
    """What is stored goes before what the site has loaded, and that before what came with the program."""
    return Terminology([Stored(records), site(records.store.folder / FOLDER)])


def profiles(records: Records) -> Profiles:
    """The profiles that are stored, and those of the packages that the site has loaded."""
    stored, loaded = Stored(records), site(records.store.folder / FOLDER)
    return Profiles(lambda url: [*stored.structures(url), *loaded.structures(url)], terms(records))


def instance(records: Records, ask: Ask) -> Json | None:
    """The stored resource that the address names, None at type level. Raises Missing, Gone."""
    return records.read(*ask.parts[:2]).json() if len(ask.parts) == 3 else None


def parameters(*rows: tuple[str, str, Any]) -> Answer:
    """An answer of (name, kind of value such as "valueCode", value); a kind of "part" has such rows in it."""
    return Answer(200, orjson.dumps({"resourceType": "Parameters", "parameter": written(rows)}))


def written(rows: tuple[tuple[str, str, Any], ...] | list[tuple[str, str, Any]]) -> list[Json]:
    return [
        {"name": name, kind: written(value) if kind == "part" else value}
        for name, kind, value in rows
        if value not in (None, "", [])
    ]
