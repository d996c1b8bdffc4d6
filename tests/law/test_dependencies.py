"""Every package that the program imports is declared, so that a fresh machine has it."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import salus

SOURCE = Path(salus.__file__).parent
PROJECT = SOURCE.parents[1] / "pyproject.toml"


def imported(file: Path) -> set[str]:
    """The first names of what a module imports, wherever in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found


def plain(name: str) -> str:
    """https://packaging.python.org/en/latest/specifications/name-normalization/"""
    return re.sub(r"[-_.]+", "-", name).lower()


def declared() -> set[str]:
    """What the program needs, and its extras but for the one for development."""
    project = tomllib.loads(PROJECT.read_text("utf-8"))["project"]
    extras = [one for name, own in project["optional-dependencies"].items() if name != "dev" for one in own]
    return {plain(re.split(r"[\[<>=;~! ]", one)[0]) for one in (*project["dependencies"], *extras)}


def test_what_is_imported_is_declared():
    names = (
        {name for file in SOURCE.rglob("*.py") for name in imported(file)} - set(sys.stdlib_module_names) - {"salus"}
    )
    known = packages_distributions()
    missing = {name for name in names if name in known and declared().isdisjoint(map(plain, known[name]))}

    assert set() == missing
