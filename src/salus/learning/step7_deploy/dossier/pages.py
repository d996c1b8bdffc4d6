"""A report as pages that stand alone, to read and to print."""

from functools import cache

import jinja2
import msgspec

from salus.base.words import words_of
from salus.learning.step7_deploy.dossier.chai import shape
from salus.learning.step7_deploy.dossier.fields import FRAMES
from salus.learning.step7_deploy.dossier.filled import Dossier
from salus.learning.step7_deploy.dossier.told import PACKAGE


@cache
def page() -> jinja2.Template:
    loader = jinja2.PackageLoader(PACKAGE, ".")
    return jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined).get_template(
        "report.html"
    )


def report_html(dossier: Dossier, language: str) -> str:
    """The report in one language."""
    words = words_of(PACKAGE)

    def say(key: str, **slots: object) -> str:
        return words(key, language, **slots)

    return page().render(
        dossier=dossier,
        say=say,
        lang=language,
        tongue={"en": "en", "zh": "zh-Hans"}[language],
        summary=summary(dossier, language),
        version=shape()["version"],
        frames=[(frame, frame_title(frame, language), dossier.of(frame)) for frame in FRAMES],
    )


def frame_title(frame: str, language: str) -> str:
    """What a form is called, with its source."""
    return words_of(PACKAGE)(f"page.frame.{frame}", language, version=shape()["version"])


def summary(dossier: Dossier, language: str) -> str:
    """How much of TRIPOD+AI the run filled."""
    tally = dossier.tally
    return words_of(PACKAGE)("page.made", language, now=dossier.made, **msgspec.to_builtins(tally))
