"""The names of an installation: its own list, ours, and those of the code systems that it has loaded, in this order."""

from functools import lru_cache
from pathlib import Path

from salus.assistants.cases.notes.lexicon import Lexicon, lexicon, names_in, names_loaded, our_names, usual
from salus.codes.terminology.site import FOLDER, SUFFIX, Site

FILE = "names.csv"  # beside the store; its columns: see `lexicon`
Stamps = tuple[tuple[str, int], ...]


def names_at(folder: Path, language: str) -> Lexicon:
    """The names for notes in `en` or `zh` of the installation whose store lies in this folder; read again only when a
    file is another. Raises Invalid for a line of its list that is none."""
    files = [file for file in (folder / FILE, *sorted((folder / FOLDER).glob(f"*{SUFFIX}"))) if file.is_file()]
    return _names(folder, language, tuple((file.name, file.stat().st_mtime_ns) for file in files))


@lru_cache(maxsize=8)
def _names(folder: Path, language: str, stamps: Stamps) -> Lexicon:
    if not stamps:
        return usual(language)
    own = names_in(folder / FILE) if any(name == FILE for name, _ in stamps) else ()
    return lexicon([*own, *our_names(language), *names_loaded(Site(folder / FOLDER))])
