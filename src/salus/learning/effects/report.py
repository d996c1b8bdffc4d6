"""The report of a study: effects.en.html and effects.zh.html to read and print, effects.json for machines."""

from functools import cache
from pathlib import Path
from typing import Any

import jinja2
import msgspec
import numpy as np

from salus.base import clock
from salus.base.words import words_of
from salus.learning.effects.average import Estimate
from salus.learning.effects.finding import Contrast, Findings

PEOPLE = 100  # in the picture of how many have the outcome


@cache
def page() -> jinja2.Template:
    loader = jinja2.PackageLoader("salus.learning.effects", ".")
    return jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined).get_template(
        "report.html"
    )


def write_report(found: Findings, folder: Path, name: str, outcome: str) -> None:
    """Both languages and the JSON; a folder that is not there is made."""
    folder.mkdir(parents=True, exist_ok=True)
    for language in ("en", "zh"):
        (folder / f"effects.{language}.html").write_text(report_html(found, name, outcome, language), "utf-8")
    (folder / "effects.json").write_bytes(msgspec.json.format(msgspec.json.encode(plain(found, name, outcome))))


def report_html(found: Findings, name: str, outcome: str, language: str) -> str:
    say = words_of("salus.learning.effects")

    def in_(key: str, **slots: object) -> str:
        return say(key, language, **slots)

    return page().render(
        found=found,
        name=name,
        outcome=outcome,
        language="zh-Hans" if language == "zh" else "en",
        say=in_,
        span=span,
        harm=helped(found),
        now=clock.now().strftime("%Y-%m-%d %H:%M UTC"),
        counts=np.bincount(found.study.option, minlength=len(found.study.options)).tolist(),
        kept=int(found.overlap.kept.sum()),
        spread=spread,
    )


def helped(found: Findings) -> dict[str, tuple[int, int, float]]:
    """option -> of 100 people how many have the outcome with the first option and with this one, and the number needed
    to treat (infinite where nothing changes); of outcomes that are yes or no."""
    if not found.study.is_binary or not found.means:
        return {}

    def of_people(risk: float) -> int:
        return round(PEOPLE * min(max(risk, 0), 1))

    first = found.means[0].value
    return {
        one.option: (
            of_people(first),
            of_people(first + one.average.value),
            1 / abs(one.average.value) if one.average.value else float("inf"),
        )
        for one in found.contrasts
    }


def span(one: Estimate) -> str:
    """A value with its interval, in as many figures as mean something.

    >>> span(Estimate(1.5, 0.5)), span(Estimate(1794, 633))
    ('1.50 (0.52 to 2.48)', '1794 (553 to 3035)')
    """
    places = 0 if abs(one.value) >= 100 else 2
    return f"{one.value:.{places}f} ({one.low:.{places}f} to {one.high:.{places}f})"


def spread(one: Contrast) -> tuple[float, float, float]:
    """Tenth, half and nine tenths of the personal effects, among those of whom one is given."""
    low, middle, high = np.nanquantile(one.effects.value, (0.1, 0.5, 0.9))
    return float(low), float(middle), float(high)


def plain(found: Findings, name: str, outcome: str) -> dict[str, Any]:
    """The findings as JSON holds them; what the gate hides is not in it."""
    study = found.study
    return {
        "name": name,
        "outcome": outcome,
        "options": list(study.options),
        "people": len(study.outcome),
        "lost": int(study.lived.lost.sum()) if study.lived else 0,
        "covariates": list(study.names),
        "checks": [{"key": c.key, "found": c.found, "bound": c.bound, "holds": c.holds} for c in found.checks],
        "passed": found.passed,
        "kept": int(found.overlap.kept.sum()),
        "contrasts": [
            {
                "option": one.option,
                "average": estimate(one.average),
                "slope": estimate(one.proof.slope),
                "rate": estimate(one.proof.rate),
                "by": one.effects.by,
                "spread": list(spread(one)),
            }
            for one in found.contrasts
        ],
        "policy": policy(found),
    }


def estimate(one: Estimate) -> dict[str, float | None]:
    finite = np.isfinite(one.error)
    return {"value": one.value, "low": one.low if finite else None, "high": one.high if finite else None}


def policy(found: Findings) -> dict[str, Any] | None:
    if found.verdict is None:
        return None
    told = found.verdict
    return {
        "earned": told.earned,
        "tree": estimate(told.worth),
        "single": estimate(told.single),
        "gain": estimate(told.gain),
        "advised": estimate(told.advised),
    }
