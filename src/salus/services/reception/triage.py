"""How urgent it is: five levels, given by staff. The Chinese rules know four, of which the fourth has two halves.

The grades Ⅰ to Ⅳ of 急诊病人病情分级 (WS/T 390-2012) stand beside ours as `local`: the experts' consensus of 2018
divides the fourth into 亚急症 and 非急症, which are our 4 and 5. As v3-ActPriority:
http://terminology.hl7.org/CodeSystem/v3-ActPriority
"""

from dataclasses import dataclass
from typing import Any

from salus.base.errors import Invalid

SYSTEM = "https://salus.example/fhir/CodeSystem/triage-level"
PRIORITY = "http://terminology.hl7.org/CodeSystem/v3-ActPriority"


@dataclass(frozen=True, slots=True)
class Level:
    """`local`: the grade of the four-level scheme; `act`: ActPriority; `task`: how a Task says it; `walk_in`: minutes
    after they came at which somebody without a booking is due; `strict`: before everybody of a lower level."""

    number: int
    local: str
    act: str
    task: str
    walk_in: int
    strict: bool = False

    @property
    def key(self) -> str:
        return f"triage.{self.number}"


LEVELS = {
    one.number: one
    for one in (
        Level(1, "Ⅰ", "S", "stat", 0, strict=True),
        Level(2, "Ⅱ", "EM", "stat", 0, strict=True),
        Level(3, "Ⅲ", "UR", "urgent", 0),
        Level(4, "Ⅳ", "R", "routine", 15),
        Level(5, "Ⅳ", "R", "routine", 30),
    )
}
UNSAID = LEVELS[4]  # who was not looked at yet may be ill: not behind those who were and are not


def level_of(number: int | None) -> Level:
    """Raises Invalid for a level that there is not.

    >>> level_of(3).act, level_of(None).number
    ('UR', 4)
    """
    if number is None:
        return UNSAID
    if number not in LEVELS:
        raise Invalid(f"{number} is no triage level: choose 1 (at once) to 5 (can wait)", path="level")
    return LEVELS[number]


def priority(number: int) -> dict[str, Any]:
    """Encounter.priority."""
    one = level_of(number)
    return {"coding": [{"system": SYSTEM, "code": str(number)}, {"system": PRIORITY, "code": one.act}]}


def level_in(encounter: dict[str, Any]) -> int | None:
    """The level that an Encounter's priority says, None where nobody gave one."""
    said = (one for one in encounter.get("priority", {}).get("coding", []) if one.get("system") == SYSTEM)
    return next((int(one["code"]) for one in said), None)
