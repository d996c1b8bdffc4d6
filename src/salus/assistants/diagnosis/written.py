"""What the notes in a patient's record say: the findings, each with the places in the texts that say so."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from salus.assistants.cases.case import Status
from salus.assistants.cases.gate.sources import PLACES, sources_of
from salus.assistants.cases.notes import Lexicon, Mention, language_of, noted, read, usual
from salus.records import Records

MOST = 200  # texts that are read, the newest first
LATELY = timedelta(days=90)  # before the newest text: what tells of the illness now


@dataclass(frozen=True, slots=True)
class Written:
    """A text of the record and what it mentions. `reference`: the resource; `place`: where in it; `on`: its date."""

    reference: str
    place: str
    on: date | None
    text: str
    mentions: tuple[Mention, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """What the notes say of a concept: as the newest that speaks of it has it, with all places: number of the text,
    the note's own words, and how it has it."""

    concept: str
    status: Status
    on: date | None
    places: tuple[tuple[int, str, Status], ...]

    @property
    def torn(self) -> bool:
        """Whether other notes have it otherwise."""
        return any(status != self.status for _, _, status in self.places)


def written(records: Records, patient_id: str, names: Callable[[str], Lexicon] = usual) -> tuple[Written, ...]:
    """The texts of a patient's record, the newest first; none of confidential resources. `names`: those for notes in a
    language. Raises Forbidden, Missing."""
    records.read("Patient", patient_id)
    found = []
    for version in records.compartment(patient_id, PLACES):
        for one in sources_of(version):
            reference, _, place = one.key.partition("#")
            found.append(Written(reference, place, one.on, one.text, ()))
    newest = sorted(found, key=lambda one: one.on or date.min, reverse=True)[:MOST]
    return tuple(replace(one, mentions=read(one.text, names=names(language_of(one.text)))) for one in newest)


def lately(texts: Sequence[Written]) -> tuple[Written, ...]:
    """The newest text and those shortly before it; the undated ones where none has a date."""
    days = [one.on for one in texts if one.on]
    return tuple(one for one in texts if (one.on and one.on >= max(days) - LATELY) or not days)


def told(texts: Iterable[Written]) -> tuple[Told, ...]:
    """The findings of texts in this order, those there first."""
    places: dict[str, list[tuple[int, str, Status]]] = {}
    days: dict[str, date | None] = {}
    for number, one in enumerate(texts):
        for found in noted(one.mentions):
            concept = found.finding.concept
            places.setdefault(concept, []).append((number, found.finding.text, found.finding.status))
            days.setdefault(concept, one.on)
    order: Mapping[Status, int] = {"present": 0, "unsure": 1, "absent": 2}
    made = [Told(concept, said[0][2], days[concept], tuple(said)) for concept, said in places.items()]
    return tuple(sorted(made, key=lambda one: order[one.status]))
