"""The terminology of an installation for plans: what is stored, then what the site has loaded."""

from functools import cache
from pathlib import Path

from salus.codes.terminology import Site, System, Terminology, ValueSet, system_of, value_set_of
from salus.codes.terminology.mapping import ConceptMap
from salus.codes.terminology.site import FOLDER
from salus.records import Records, Version


class Stored:
    """Among the records, as far as this account may read them; the newest first."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def systems(self, url: str) -> list[System]:
        return [system_of(one.json()) for one in self._found("CodeSystem", url)]

    def value_sets(self, url: str) -> list[ValueSet]:
        return [value_set_of(one.json()) for one in self._found("ValueSet", url)]

    def maps(self) -> list[ConceptMap]:
        return []

    def _found(self, type: str, url: str) -> list[Version]:
        return self._records.search(type, [("url", url), ("_sort", "-_lastUpdated"), ("_count", "20")]).versions


@cache
def site(folder: Path) -> Site:
    return Site(folder)


def terms(records: Records) -> Terminology:
    return Terminology([Stored(records), site(records.store.folder / FOLDER)])
