"""The views of a site: those that come with Salus, and its own in `views/*.json` beside the store.

ViewDefinition is no R4 resource, so the store cannot keep one; a folder of files under version control is what the
people who write views have anyway. A file of the same name takes the place of one of ours.
"""

from dataclasses import replace
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

from salus.analytics.views.definition import NAME
from salus.analytics.views.view import View, read_view
from salus.base.errors import Missing, SalusError
from salus.records import Store

FOLDER = "views"
REMEMBERED = 256


class Library:
    """Reads the folder afresh each time: what is put there counts at once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def names(self) -> list[str]:
        ours = (file.name for file in files("salus.analytics.views.shipped").iterdir())
        theirs = (file.name for file in self.folder.glob("*.json"))
        found = {name.removesuffix(".json") for name in (*ours, *theirs) if name.endswith(".json")}
        return sorted(name for name in found if NAME.fullmatch(name))

    def is_own(self, name: str) -> bool:
        """Whether the site itself has that file."""
        return self.file(name).is_file()

    def file(self, name: str) -> Path:
        return self.folder / f"{name}.json"

    def view(self, name: str) -> View:
        """A view by the name of its file. Raises Missing, Invalid (naming the file)."""
        if not NAME.fullmatch(name):
            raise Missing(f"There is no view {name[:60]!r}: `salus views list` shows them")
        if self.is_own(name):
            return view_of(self.file(name).read_bytes(), name)
        shipped = files("salus.analytics.views.shipped") / f"{name}.json"
        if not shipped.is_file():
            raise Missing(f"There is no view {name!r}: `salus views list` shows them")
        return view_of(shipped.read_bytes(), name)

    def named(self, reference: str) -> View:
        """A view by a reference ("ViewDefinition/patient"), its name, or its `url`. Raises Missing, Invalid."""
        name = reference.removeprefix("ViewDefinition/")
        if "/" not in name and ":" not in name:
            return self.view(name)
        for name in self.names():
            try:
                view = self.view(name)
            except SalusError:
                continue  # a view that cannot be read is not the one
            if view.definition.plain.get("url") == reference:
                return view
        raise Missing(f"There is no view {reference[:100]!r}: `salus views list` shows them")


@lru_cache(REMEMBERED)
def view_of(document: bytes, name: str) -> View:
    """The view goes by the name of its file, whatever it calls itself."""
    try:
        view = read_view(document, name)
    except SalusError as fault:
        issues = [replace(issue, path=f"{name}.json: {issue.path}") for issue in fault.issues]
        raise type(fault)(str(fault), issues=issues) from None
    view.name = name
    return view


def library_of(store: Store) -> Library:
    return Library(store.folder / FOLDER)
