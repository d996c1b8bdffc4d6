"""The fields of the three forms, as rows of fields.toml."""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import groupby

from salus.learning.step7_deploy.dossier.told import PACKAGE
from salus.learning.task import Text

FRAMES = ("tripod", "hti", "chai")


@dataclass(frozen=True)
class Field:
    """One field: `frame` and `place` are its id (`tripod.5a`); `says` the passages that fill it."""

    frame: str
    place: str
    title: Text
    says: tuple[str, ...]

    @property
    def item(self) -> str:
        """Of TRIPOD+AI, the item that a part belongs to.

        >>> Field("tripod", "20b", {}, ()).item
        '20'
        """
        return self.place.rstrip("abcdefg")


@cache
def fields() -> tuple[Field, ...]:
    """Every field, in the order of the forms."""
    table = tomllib.loads((files(PACKAGE) / "fields.toml").read_text("utf-8"))
    return tuple(
        Field(frame, place, {"en": row["en"], "zh": row["zh"]}, tuple(row["says"]))
        for (frame, _, place), row in ((key.partition("."), row) for key, row in table.items())
    )


def items() -> dict[str, list[Field]]:
    """TRIPOD+AI item -> its parts."""
    own = [one for one in fields() if one.frame == "tripod"]
    return {item: list(parts) for item, parts in groupby(own, key=lambda one: one.item)}
