"""A draft from the records of one patient as they stand now, and from what a human has decided about it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import msgspec

from salus.assistants.cases.case import Case, Finding, Named
from salus.assistants.cases.gate import building
from salus.assistants.cases.gate.anonymity import OLDEST, Level, One, Population, band, one_of
from salus.assistants.cases.gate.consents import refuses
from salus.assistants.cases.gate.shapes import Decision, Part, Review, Source
from salus.assistants.cases.gate.sources import sources_of
from salus.assistants.cases.notes import read
from salus.assistants.cases.notes.findings import noted
from salus.base.errors import Lacking
from salus.base.words import words_of
from salus.privacy.deidentify import Band, Identity, Kind, Span, deidentify, identity_of
from salus.privacy.deidentify.cleaning import is_chinese
from salus.records import Records, Version

Resource = dict[str, Any]
Common = Callable[[str], bool] | None
say = words_of("salus.assistants")


@dataclass(frozen=True, slots=True)
class Known:
    """What all drafts of an installation share: everybody's ages and places, the staff, which words are common."""

    population: Population
    staff: tuple[Resource, ...]
    common: Common = None


@dataclass(frozen=True, slots=True)
class Chart:
    """One patient's resources, read once."""

    versions: Sequence[Version]
    resources: Sequence[Resource]
    identity: Identity
    patient: Resource

    @property
    def one(self) -> One:
        return one_of(self.patient)

    @property
    def refused(self) -> bool:
        return refuses(one for one in self.resources if one["resourceType"] == "Consent")


def chart_of(records: Records, patient: str, staff: Iterable[Resource]) -> Chart:
    """Raises Missing, Gone, Forbidden as reading the Patient does."""
    records.read("Patient", patient)
    versions = records.compartment(patient)
    resources = [one.json() for one in versions]
    who = next(one for one in resources if one["resourceType"] == "Patient")
    return Chart(versions, resources, identity_of([*resources, *staff]), who)


def band_of(chart: Chart, frame: building.Frame, level: Level) -> Band | None:
    """What texts say in place of the patient's age; None where the case tells it to the year, or nobody knows it."""
    if chart.one.born is None or (level.low is not None and level.high == level.low + 1):
        return None
    years = band(chart.one.born, frame.index, 1)[0]
    told = "[?]" if level.low is None or level.high is None else f"{level.low}-{level.high - 1}"
    return Band(years, told) if years is not None and years < OLDEST else None


def parts_of(
    chart: Chart, frame: building.Frame, review: Review, shift: int, common: Common, own: Band | None
) -> list[Part]:
    """Each text of the case, cleaned as the review says; one whose resource has changed since is as if never seen."""
    found = (one for version in chart.versions for one in sources_of(version) if frame.holds(one.on))
    ordered = sorted(found, key=lambda one: (one.on or date.min, one.key))
    return [part_of(one, chart.identity, review, shift, common, own) for one in ordered]


def part_of(source: Source, identity: Identity, review: Review, shift: int, common: Common, own: Band | None) -> Part:
    mine = [one for one in review.decisions if (one.source, one.version) == (source.key, source.version)]
    manual = [Span(one.start, one.end, kind_of(one)) for one in mine if one.act == "redact"]
    kept = [(one.start, one.end) for one in mine if one.act == "keep"]
    cleaned = deidentify(source.text, identity, shift, manual, kept, common, own)
    return Part(source, cleaned, cleaned.leftovers)


def kind_of(decision: Decision) -> Kind:
    return Kind(decision.kind) if decision.kind in set(Kind) else Kind.OTHER


def language_of(texts: Iterable[str], usual: str) -> str:
    """What most of the texts are written in."""
    whole = "\n".join(texts)
    return ("zh" if is_chinese(whole) else "en") if whole.strip() else usual


def case_of(
    id: str, chart: Chart, frame: building.Frame, parts: Sequence[Part], level: Level, review: Review, language: str
) -> Case:
    """The case as it would leave, in days since its first one."""
    bare = building.structured(chart.resources, frame, language)
    days = [(frame.day(one.source.on), one.cleaned.text) for one in parts]
    first = [(day, text) for day, text in days if day is not None and day <= 0]
    rest = [(day, text) for day, text in days if day is None or day > 0]
    head = told(level, language)
    coded = tuple(clean_finding(one, chart.identity) for one in bare.findings)
    return msgspec.structs.replace(
        bare,
        id=id,
        text="\n".join([head, *building.lines(first, language)]),
        course="\n".join(building.lines(rest, language)),
        findings=(*coded, *told_by_notes(days, language, {one.concept for one in coded})),
        diagnoses=tuple(clean_named(one, chart.identity) for one in bare.diagnoses if one.code not in review.dropped),
        treatments=tuple(clean_named(one, chart.identity) for one in bare.treatments),
        age_years=level.middle,
        sex=bare.sex if level.sex else "unknown",
    )


def told_by_notes(days: Iterable[tuple[int | None, str]], language: str, coded: set[str]) -> Iterator[Finding]:
    """What the cleaned texts say of findings that nobody has coded, each at the day it is first told."""
    seen = set(coded)
    for day, text in days:
        for one in noted(read(text, language)):
            if one.finding.concept not in seen:
                seen.add(one.finding.concept)
                yield msgspec.structs.replace(one.finding, day=day)


def clean_finding(one: Finding, identity: Identity) -> Finding:
    """Names that others' systems gave to their codes are texts too."""
    return msgspec.structs.replace(one, text=deidentify(one.text, identity).text)


def clean_named(one: Named, identity: Identity) -> Named:
    return msgspec.structs.replace(one, text=deidentify(one.text, identity).text)


def told(level: Level, language: str) -> str:
    """What may be told of the person, in words: `Woman, 40-49 years, Kangcheng.`"""
    parts = [say(f"gate.sex.{level.sex if level.sex in ('female', 'male') else 'unknown'}", language)]
    if level.low is not None and level.high is not None:
        key = "gate.age.oldest" if level.high > 90 else "gate.age.one" if level.high - level.low == 1 else "gate.age"
        parts.append(say(key, language, low=level.low, high=level.high - 1))
    if level.place:
        parts.append(level.place.title())
    return (", " if language == "en" else "，").join(parts) + (". " if language == "en" else "。").strip()


def framed(chart: Chart, encounter: str) -> building.Frame:
    """Raises Lacking for a patient of whom nothing is dated."""
    frame = building.frame_of(chart.resources, encounter)
    if frame is None:
        raise Lacking("There is no such encounter and no dated diagnosis in this record: nothing to begin a case from")
    return frame


def shifted(day: date, shift: int) -> date:
    return day + timedelta(days=shift)
