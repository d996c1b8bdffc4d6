"""What became of each suggestion of a model, as one line each, kept up to date by what was stored since the last look.

The lines of a model lie beside its versions, `<name>/use.json`. They name no person: a line is the id of a suggestion
with what was said, what was answered, and whether it came. Long settled lines are folded into sums and forgotten.
Outcomes are coded Conditions only, never answers: agreeing with a model must not make it look right. A Condition that
is deleted afterwards is not noticed (removing the file counts everything anew).
"""

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Any

import msgspec

from salus.assistants.answers import answered, every, standing
from salus.assistants.resources import MODELS, suggestion_of
from salus.assistants.suggestion import Answer, Suggestion
from salus.assistants.sums import Line, Sums
from salus.assistants.watch import EPOCH, SECONDS, keep, since
from salus.base import clock
from salus.base.errors import Gone, Missing
from salus.records import Records, Version

EPISODE = timedelta(days=14)  # a differential is about now: the diagnosis is written down within this time
SETTLED = timedelta(
    days=90
)  # so long after its time a line is folded: answers and outcomes later than that are not seen
FEW = 50  # patients whose outcomes are looked up one by one; of more, all at once
FILE = "use.json"
LOCK = Lock()

Resource = dict[str, Any]
Onsets = Mapping[tuple[str, str, str], list[datetime]]  # (system, code, patient) -> when it came


class Use(msgspec.Struct):
    """How far the reading has come, by instants of storing; the lines by suggestion id; what is folded."""

    suggestions: str = EPOCH
    answers: str = EPOCH
    conditions: dict[str, str] = msgspec.field(default_factory=dict)  # by "system|code"
    lines: dict[str, Line] = msgspec.field(default_factory=dict)
    closed: Sums = msgspec.field(default_factory=Sums)
    closed_until: str = ""
    behind: bool = False


def used(records: Records, folder: Path, seconds: float = SECONDS) -> Use:
    """The use of the model in that folder, caught up. Reads for so many seconds at most (`behind`: there is more)."""
    file = folder / FILE
    with LOCK:
        use = msgspec.json.decode(file.read_bytes(), type=Use) if file.is_file() else Use()
        before = msgspec.json.encode(use)
        catch_up(records, folder.name, use, seconds)
        close(use, clock.now())
        if msgspec.json.encode(use) != before:
            keep(file, use)
    return use


def catch_up(records: Records, model: str, use: Use, seconds: float) -> None:
    """Read what was stored since: suggestions, answers to them, conditions that they spoke of."""
    patients = dict(new_lines(records, model, use, seconds))
    if use.lines:
        note_answers(records, use)
    note_outcomes(records, model, use, patients)


def new_lines(records: Records, model: str, use: Use, seconds: float) -> Iterator[tuple[str, str]]:
    """Adds a line for each suggestion stored since; gives (suggestion, patient) of those about our own patients."""
    until, use.behind = time.monotonic() + seconds, False
    for version in since(records, model, use.suggestions):
        if time.monotonic() > until:
            use.behind = True
            return
        use.suggestions = clock.instant(version.updated)
        body = version.json()
        suggestion = suggestion_of(body)
        if clock.instant(suggestion.at) <= use.closed_until:
            continue
        before, line = use.lines.get(version.id), line_of(suggestion, body)
        use.lines[version.id] = with_answer_of(line, before) if before else line
        if line.ours:
            yield version.id, suggestion.patient


def with_answer_of(line: Line, before: Line) -> Line:
    """The same suggestion told again later, on the same inputs: its answer still stands."""
    kept = {name: getattr(before, name) for name in ("verdict", "reason", "answer", "answered")}
    return msgspec.structs.replace(line, **kept)


def line_of(suggestion: Suggestion, assessment: Resource) -> Line:
    leading = suggestion.leading
    return Line(
        at=clock.instant(suggestion.at),
        until=clock.instant(end_of(assessment, suggestion.at)),
        version=suggestion.model.version,
        claim=f"{leading.claim.system}|{leading.claim.code}" if leading else "",
        said=leading.probability if leading else None,
        abstained=suggestion.abstained is not None,
        ours=":" not in suggestion.patient,
    )


def end_of(assessment: Resource, at: datetime) -> datetime:
    """The end of the time that the leading prediction speaks of."""
    period = next((one["whenPeriod"]["end"] for one in assessment.get("prediction", []) if "whenPeriod" in one), None)
    return datetime.fromisoformat(period) if period else at + EPISODE


def note_answers(records: Records, use: Use) -> None:
    """The answers that stand now, of those suggestions that were answered, or whose answer was taken back, since."""
    changed: dict[str, None] = {}
    for version in stored_since(records, "ClinicalImpression", use.answers):
        use.answers = clock.instant(version.updated)
        about = answered(version.json())
        if about in use.lines:
            changed[str(about)] = None
    for about in changed:
        stands = standing(records, ("supporting-info", f"RiskAssessment/{about}")).get(about)
        use.lines[about] = with_answer(use.lines[about], stands)


def with_answer(line: Line, stands: Answer | None) -> Line:
    if stands is None:
        return msgspec.structs.replace(line, verdict="", reason="", answer="", answered="")
    return msgspec.structs.replace(
        line, verdict=stands.verdict, reason=stands.reason, answer=stands.id, answered=clock.instant(stands.at)
    )


def note_outcomes(records: Records, model: str, use: Use, patients: Mapping[str, str]) -> None:
    """Whether what was said came: of new suggestions, and of the patients whose conditions changed since."""
    claims = sorted({line.claim for line in use.lines.values() if line.claim})
    changed = {patient for claim in claims for patient in patients_changed(records, use, claim)}
    if not claims or not (changed or patients):
        return
    whom = dict(patients)
    for patient in changed:
        wanted = [("method", f"{MODELS}|{model}"), ("patient", patient), ("_count", "500")]
        whom |= {one["id"]: patient for one in every(records, "RiskAssessment", wanted) if one["id"] in use.lines}
    few = set(whom.values()) if len(set(whom.values())) <= FEW else None
    came = onsets(records, claims, few)
    for identity, patient in whom.items():
        line = use.lines[identity]
        use.lines[identity] = msgspec.structs.replace(line, came=has_come(line, patient, came))


def patients_changed(records: Records, use: Use, claim: str) -> set[str]:
    """Whose conditions of that code were stored since; a claim that is new here begins with everything."""
    found, last = set(), use.conditions.get(claim, EPOCH)
    for version in stored_since(records, "Condition", last, ("code", claim)):
        last = clock.instant(version.updated)
        found.add(version.json()["subject"].get("reference", "").removeprefix("Patient/"))
    use.conditions[claim] = last
    return found


def stored_since(records: Records, kind: str, last: str, *narrowed: tuple[str, str]) -> Iterator[Version]:
    """Resources of a type stored from an instant on, in the order of storing."""
    wanted = [*narrowed, ("_lastUpdated", f"ge{last}"), ("_sort", "_lastUpdated"), ("_count", "500")]
    page = records.search(kind, wanted)
    yield from page.versions
    while page.next:
        page = records.search(kind, page.next)
        yield from page.versions


def onsets(records: Records, claims: Iterable[str], patients: set[str] | None) -> Onsets:
    """When each claimed condition came to whom, from the coded Conditions of those patients, or of all (None)."""
    found: defaultdict[tuple[str, str, str], list[datetime]] = defaultdict(list)
    asked = [[("patient", one)] for one in sorted(patients)] if patients is not None else [[]]
    for claim in claims:
        system, _, code = claim.rpartition("|")
        for narrowed in asked:
            for condition in every(records, "Condition", [("code", claim), *narrowed, ("_count", "500")]):
                moment = onset_of(condition)
                if moment:
                    patient = condition["subject"].get("reference", "").removeprefix("Patient/")
                    found[system, code, patient].append(moment)
    return found


def onset_of(condition: Resource) -> datetime | None:
    """When a condition came, where that is known to the day."""
    came = condition.get("onsetDateTime") or condition.get("recordedDate")
    if not came or len(came) < len("2026-03-01"):
        return None
    moment = datetime.fromisoformat(came)
    return moment if moment.tzinfo else moment.replace(tzinfo=clock.now().tzinfo)


def has_come(line: Line, patient: str, came: Onsets) -> bool:
    """Whether the leading claim came in the time that was spoken of."""
    system, _, code = line.claim.rpartition("|")
    at, until = datetime.fromisoformat(line.at), datetime.fromisoformat(line.until)
    start = at.replace(hour=0, minute=0, second=0, microsecond=0)  # a date without a time means the day
    return any(start <= moment <= until for moment in came.get((system, code, patient), []))


def close(use: Use, now: datetime) -> None:
    """Fold the lines whose time was over long ago, oldest first, as far as nothing is left open before them."""
    limit = clock.instant(now - SETTLED)
    for identity, line in sorted(use.lines.items(), key=lambda item: (item[1].at, item[0])):
        if line.until >= limit:
            return
        use.closed.add(identity, line, now)
        use.closed_until = line.at
        del use.lines[identity]


def in_words(records: Records, answer: str) -> str:
    """What a clinician wrote to a refusal; nothing when it is gone."""
    try:
        found = records.read("ClinicalImpression", answer).json()
    except (Missing, Gone):
        return ""
    return str(found.get("statusReason", {}).get("text", ""))
