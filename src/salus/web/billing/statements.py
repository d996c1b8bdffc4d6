"""Statements as they lie on disk, before and after a day is reconciled with them: `statements/` of the installation.

What is sent from the page lies there, and what a bank's own delivery puts there can be picked.
"""

import hashlib
import re
from pathlib import Path
from tempfile import NamedTemporaryFile

from salus.base.errors import Full, Missing

FOLDER = "statements"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,120}\.csv")
MOST, SHOWN = 5000, 30


def names(house: Path) -> list[str]:
    """Those that can be picked, the newest first."""
    folder = house / FOLDER
    found = [one for one in folder.glob("*.csv") if is_one(one)] if folder.is_dir() else []
    return [one.name for one in sorted(found, key=lambda one: one.stat().st_mtime, reverse=True)[:SHOWN]]


def is_one(path: Path) -> bool:
    return bool(NAME.fullmatch(path.name)) and path.is_file() and not path.is_symlink()


def path_of(house: Path, name: str) -> Path:
    """Raises Missing for what is no statement there."""
    path = house / FOLDER / Path(name).name
    if path.name != name or not is_one(path):
        raise Missing(f"There is no statement {name[:80]!r}: choose one of the list, or send it again", path="file")
    return path


def keep(house: Path, day: str, side: str, data: bytes) -> str:
    """Keep what was sent, once, under a name that says of when and whom it is. Raises Full."""
    folder = house / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{day}-{re.sub(r'[^A-Za-z0-9]+', '-', side)[:60]}-{hashlib.sha256(data).hexdigest()[:12]}.csv"
    path = folder / name
    if not path.exists():
        if sum(1 for _ in folder.iterdir()) >= MOST:
            raise Full(f"{FOLDER} holds {MOST} files: let the administrator put the oldest away")
        with NamedTemporaryFile(dir=folder, suffix=".part", delete=False) as beside:  # its own, and its owner's alone
            beside.write(data)
        Path(beside.name).replace(path)
    return name
