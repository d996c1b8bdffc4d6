"""How a model does in use: what clinicians answered, why they refused, and whether what it said came.

Every stored suggestion, answer and condition is read once (see `use`); the page adds up lines.
"""

from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from salus.assistants.suggestion import VERDICTS
from salus.assistants.sums import BANDS, Mean, Month, Refusal, Sums
from salus.assistants.use import Use, in_words, used
from salus.base import clock
from salus.base.words import words_of
from salus.records import Records


def summed(use: Use, now: datetime) -> Sums:
    """What is folded, and every open line."""
    sums = msgspec.json.decode(msgspec.json.encode(use.closed), type=Sums)
    for identity, line in use.lines.items():
        sums.add(identity, line, now)
    return sums


def calibration(bands: list[Mean]) -> list[dict[str, float]]:
    """Of the suggestions in each band of probability: how many, what was said on average, what share came."""
    return [
        {"low": low, "high": high, "count": one.count, "said": one.said / one.count, "came": one.came / one.count}
        for (low, high), one in zip(BANDS, bands, strict=True)
        if one.count
    ]


def reasons(counts: dict[str, int]) -> list[dict[str, Any]]:
    """Why suggestions were refused, the commonest first, in words."""
    words = words_of("salus.assistants")
    ranked = sorted(counts.items(), key=lambda item: -item[1])
    return [
        {"code": code, "en": words(f"reason.{code}", "en"), "zh": words(f"reason.{code}", "zh"), "count": count}
        for code, count in ranked
    ]


def month_row(month: str, one: Month) -> dict[str, Any]:
    """A month: verdicts, the mean probability of the leading claim, and what share of the known came."""
    known = one.known
    return {
        "month": month,
        "suggestions": one.suggestions,
        **{verdict: one.verdicts.get(verdict, 0) for verdict in (*VERDICTS, "unanswered")},
        "known": known.count,
        "said": known.said / known.count if known.count else None,
        "came": known.came / known.count if known.count else None,
    }


def refusal_row(records: Records, one: Refusal) -> dict[str, Any]:
    """A refusal with the clinician's own words."""
    return {
        "at": datetime.fromisoformat(one.answered),
        "suggestion": one.suggestion,
        "version": one.version,
        "probability": one.said,
        "reason": one.reason,
        "comment": in_words(records, one.answer),
    }


def monitor(records: Records, folder: Path) -> dict[str, Any]:
    """The monitoring page's figures for the model of that folder, all versions together; `versions` counts by version.

    `behind`: there is more to read, at the next look.
    """
    use = used(records, folder)
    sums = summed(use, clock.now())
    return {
        "model": folder.name,
        "behind": use.behind,
        "suggestions": sums.suggestions,
        "abstained": sums.abstained,
        "versions": sums.versions,
        "verdicts": sums.verdict_counts(),
        "reasons": reasons(sums.reasons),
        "refusals": [refusal_row(records, one) for one in sums.refusals],
        "months": [month_row(month, sums.months[month]) for month in sorted(sums.months)],
        "calibration": calibration(sums.bands),
    }
