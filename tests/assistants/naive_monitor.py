"""The plain way to say how a model does in use: read every suggestion, answer and condition each time. The oracle."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import fmean
from typing import Any

from salus.assistants.answers import every, standing
from salus.assistants.resources import MODELS, suggestion_of
from salus.assistants.suggestion import VERDICTS, Answer, Candidate, Suggestion
from salus.base import clock
from salus.base.words import words_of
from salus.records import Records

EPISODE = timedelta(days=14)  # a differential is about now: the diagnosis is written down within this time
BANDS = tuple((low / 10, (low + 1) / 10) for low in range(10))  # of probability, [low, high)
LATEST = 20  # refusals shown in full

Resource = dict[str, Any]
Onsets = Mapping[tuple[str, str, str], list[datetime]]  # (system, code, patient) -> when it came


@dataclass(frozen=True, slots=True)
class Told:
    """A stored suggestion with the end of the time it speaks of, its answer and outcome (None: not known)."""

    suggestion: Suggestion
    until: datetime
    answer: Answer | None
    came: bool | None = None

    @property
    def month(self) -> str:
        return f"{self.suggestion.at:%Y-%m}"


def until(assessment: Resource, at: datetime) -> datetime:
    """The end of the time that the leading prediction speaks of."""
    period = next((one["whenPeriod"]["end"] for one in assessment.get("prediction", []) if "whenPeriod" in one), None)
    return datetime.fromisoformat(period) if period else at + EPISODE


def onsets(records: Records, claims: Iterable[tuple[str, str]]) -> Onsets:
    """When each claimed condition came to whom, from the coded Conditions of the store."""
    found: defaultdict[tuple[str, str, str], list[datetime]] = defaultdict(list)
    for system, code in claims:
        for condition in every(records, "Condition", [("code", f"{system}|{code}"), ("_count", "500")]):
            came = condition.get("onsetDateTime") or condition.get("recordedDate")
            if came and len(came) >= len("2026-03-01"):
                patient = condition["subject"].get("reference", "").removeprefix("Patient/")
                moment = datetime.fromisoformat(came)
                found[system, code, patient].append(
                    moment if moment.tzinfo else moment.replace(tzinfo=clock.now().tzinfo)
                )
    return found


def outcome(suggestion: Suggestion, end: datetime, came: Onsets, now: datetime) -> bool | None:
    """Whether the leading claim came in time; None while it may still come, or for a patient who is not ours."""
    leading = suggestion.leading
    if leading is None or ":" in suggestion.patient:
        return None
    moments = came.get((leading.claim.system, leading.claim.code, suggestion.patient), [])
    start = suggestion.at.replace(hour=0, minute=0, second=0, microsecond=0)  # a date without a time means the day
    if any(start <= moment <= end for moment in moments):
        return True
    return False if end < now else None


def calibration(pairs: list[tuple[Candidate, bool]]) -> list[dict[str, float]]:
    """Of the suggestions in each band of probability: how many, what was said on average, what share came."""
    rows = []
    for low, high in BANDS:
        inside = [
            (one.probability, came)
            for one, came in pairs
            if low <= one.probability < high or one.probability == high == 1
        ]
        if inside:
            said, came = fmean(said for said, _ in inside), fmean(came for _, came in inside)
            rows.append({"low": low, "high": high, "count": len(inside), "said": said, "came": came})
    return rows


def verdicts(told: Iterable[Told]) -> dict[str, int]:
    """How many suggestions have each verdict as their standing answer, and how many none."""
    counted = Counter(one.answer.verdict if one.answer else "unanswered" for one in told)
    return {verdict: counted[verdict] for verdict in (*VERDICTS, "unanswered")}


def reasons(told: Iterable[Told]) -> list[dict[str, Any]]:
    """Why suggestions were refused, the commonest first, in words."""
    words = words_of("salus.assistants")
    counted = Counter(one.answer.reason for one in told if one.answer and one.answer.verdict == "refused")
    return [
        {"code": code, "en": words(f"reason.{code}", "en"), "zh": words(f"reason.{code}", "zh"), "count": count}
        for code, count in counted.most_common()
    ]


def refusals(told: Iterable[Told]) -> list[dict[str, Any]]:
    """The latest refusals with the clinician's own words."""
    refused = [(one.answer, one.suggestion) for one in told if one.answer and one.answer.verdict == "refused"]
    latest = sorted(refused, key=lambda pair: pair[0].at, reverse=True)[:LATEST]
    return [
        {
            "at": answer.at,
            "suggestion": suggestion.id,
            "version": suggestion.model.version,
            "probability": suggestion.leading.probability if suggestion.leading else None,
            "reason": answer.reason,
            "comment": answer.comment,
        }
        for answer, suggestion in latest
    ]


def months(told: list[Told]) -> list[dict[str, Any]]:
    """Month by month: verdicts, the mean probability of the leading claim, and what share of the known came."""
    rows = []
    for month in sorted({one.month for one in told}):
        there = [one for one in told if one.month == month]
        known = [one for one in there if one.came is not None]
        said = [one.suggestion.leading.probability for one in known if one.suggestion.leading]
        rows.append(
            {
                "month": month,
                "suggestions": len(there),
                **verdicts(there),
                "known": len(known),
                "said": fmean(said) if said else None,
                "came": fmean(bool(one.came) for one in known) if known else None,
            }
        )
    return rows


def gathered(records: Records, model: str) -> list[Told]:
    """Every stored suggestion of the model, any version, with answer and outcome."""
    given, now = standing(records), clock.now()
    found = [
        (suggestion_of(one), one)
        for one in every(records, "RiskAssessment", [("method", f"{MODELS}|{model}"), ("_count", "500")])
    ]
    leading = [one.leading.claim for one, _ in found if one.leading]
    came = onsets(records, sorted({(claim.system, claim.code) for claim in leading}))
    told = []
    for suggestion, assessment in found:
        end = until(assessment, suggestion.at)
        told.append(Told(suggestion, end, given.get(suggestion.id), outcome(suggestion, end, came, now)))
    return told


def monitor(records: Records, model: str) -> dict[str, Any]:
    """The monitoring page's figures for one model, all versions together; `versions` counts suggestions by version."""
    told = gathered(records, model)
    known = [(one.suggestion.leading, one.came) for one in told if one.suggestion.leading and one.came is not None]
    return {
        "model": model,
        "suggestions": len(told),
        "abstained": sum(one.suggestion.abstained is not None for one in told),
        "versions": dict(Counter(one.suggestion.model.version for one in told)),
        "verdicts": verdicts(told),
        "reasons": reasons(told),
        "refusals": refusals(told),
        "months": months(told),
        "calibration": calibration(known),
    }
