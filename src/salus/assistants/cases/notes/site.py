"""The names of an installation: its own list, ours, and those that it has loaded, of findings (`salus cases terms`) and
of code systems (`salus codes load`), in this order."""

from functools import lru_cache
from pathlib import Path

from salus.assistants.cases.notes.lexicon import (
    Lexicon,
    lexicon,
    names_in,
    names_loaded,
    our_names,
    translated_names,
    usual,
)
from salus.assistants.cases.terms import FILE as TRANSLATED
from salus.assistants.cases.terms import Terms
from salus.codes.terminology.site import FOLDER, SUFFIX, Site

CASES = "cases"  # the folder of the case library
FILE = "names.csv"  # beside the store; its columns: see `lexicon`
Stamps = tuple[tuple[str, int], ...]


def names_at(folder: Path, language: str) -> Lexicon:
    """The names for notes in `en` or `zh` of the installation whose store lies in this folder; read again only when a
    file is another. Raises Invalid for a line of its list that is none."""
    every = (folder / FILE, folder / CASES / TRANSLATED, *sorted((folder / FOLDER).glob(f"*{SUFFIX}")))
    files = [file for file in every if file.is_file()]
    return _names(folder, language, tuple((file.name, file.stat().st_mtime_ns) for file in files))


@lru_cache(maxsize=8)
def _names(folder: Path, language: str, stamps: Stamps) -> Lexicon:
    if not stamps:
        return usual(language)
    own = names_in(folder / FILE) if any(name == FILE for name, _ in stamps) else ()
    loaded = (*translated_names(Terms(folder / CASES)), *names_loaded(Site(folder / FOLDER)))
    return lexicon([*own, *our_names(language), *loaded])
