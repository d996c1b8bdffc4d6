"""The shape that reading gives."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["problem", "drug", "allergy"]
Who = Literal["patient", "family", "other"]
When = Literal["now", "past", "hypothetical"]


@dataclass(frozen=True, slots=True)
class Mention:
    """A problem, a drug or an allergy to a drug where a text speaks of it: `text` is the note's own, from `start` to
    `end` (characters). `concept`: `HP:0001945`, `ICD10//I10`, `ATC//C08CA01`. `unsure`: suspected, or not ruled out."""

    start: int
    end: int
    text: str
    concept: str
    kind: Kind = "problem"
    negated: bool = False
    experiencer: Who = "patient"
    when: When = "now"
    unsure: bool = False

    @property
    def of_the_patient(self) -> bool:
        """Whether it says something of the patient's own state, present or past."""
        return self.experiencer == "patient" and self.when != "hypothetical"
