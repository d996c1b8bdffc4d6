"""What rooms are called, in the reader's language."""

from collections.abc import Iterable

from salus.records import Records
from salus.web.telling.people import read


def rooms(records: Records, references: Iterable[str], language: str) -> dict[str, str]:
    """Location/x -> its name; the Chinese one stands as an alias."""
    found = read(records, "Location", (one.partition("/")[2] for one in references))
    named = {f"Location/{id}": (body.get("name", id), body.get("alias", [])) for id, body in found.items()}
    return {one: alias[0] if language == "zh" and alias else name for one, (name, alias) in named.items()}
