"""Copies htmx and its SSE extension out of the build dependency `django-htmx` into the package's static files.

Nothing third-party stands in the repository, and Django is no run-time dependency.
"""

from importlib.resources import files
from pathlib import Path
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
