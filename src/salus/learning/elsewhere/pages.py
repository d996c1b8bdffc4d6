"""The report of an evaluation elsewhere: the battery, under what differs from where the model was learned."""

from pathlib import Path
from typing import Any

from salus.base.words import LANGUAGES, words_of
from salus.learning.dictionary import write_json
from salus.learning.elsewhere.judge import Elsewhere
from salus.learning.elsewhere.reading import reading_of
from salus.learning.step5_evaluate.figures import Evaluation, Figures
from salus.learning.step5_evaluate.report import SHOWN, figure_text, report_html

MOST_DRIFTS = 15
Line = tuple[str, str, str, str]  # measure, at home, here, here after a new calibration line


def write_pages(one: Elsewhere, home: Evaluation, folder: Path) -> None:
    """external.{en,zh}.html and external.json into a folder. `home`: the figures the version was deployed with."""
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "external.json", one.found)
    reading = reading_of(one, one.found.evaluation)
    for language in LANGUAGES:
        page = report_html(reading, language, "elsewhere.html", beside=slots(one, home, language))
        (folder / f"external.{language}.html").write_text(page, "utf-8")


def slots(one: Elsewhere, home: Evaluation, language: str) -> dict[str, Any]:
    """What the page says above the battery."""
    found = one.found
    return {
        "on": found.on,
        "version": one.deployed.version,
        "compared": compared(home, found.evaluation, found.recalibrated, language),
        "offered": bool(found.recalibrated),
        "drifts": [(found.labels[drift.feature][language], drift) for drift in found.drifts[:MOST_DRIFTS]],
        "moved": sum(drift.alarm for drift in found.drifts),
        "watched": len(found.drifts),
        "lacking": [text[language] for text in found.lacking],
    }


def compared(home: Evaluation, here: Evaluation, after: Figures, language: str) -> list[Line]:
    """Every shown measure at home, here, and here recalibrated."""
    words = words_of("salus.learning")

    def shown(figures: Figures, key: str) -> str:
        return figure_text(figures[key]) if key in figures else "–"

    return [
        (words(f"measure.{key}", language), shown(home.chosen, key), shown(here.chosen, key), shown(after, key))
        for key in SHOWN[here.kind]
        if key in here.chosen
    ]
