"""The report: report.en.html and report.zh.html to read and print, report.json for machines. Ids only, no values."""

import os
from collections.abc import Callable
from datetime import date
from functools import cache
from pathlib import Path

import jinja2
import msgspec
from markupsafe import Markup

from salus.analytics.quality.check import CATEGORIES, Check, read_checks
from salus.analytics.quality.outcome import STATUSES, Outcome, Result, Share
from salus.base.words import LANGUAGES, words_of
from salus.ui.charts import Band, Point, amount, spark
from salus.ui.formats import percent

PRIVATE = 0o077  # taken from the rights of what is written
SHOWN = 8  # months and sources listed of a failed check
Say = Callable[..., str]


@cache
def page() -> jinja2.Template:
    """The template beside this file; everything put into it is escaped, but for our own pictures."""
    loader = jinja2.PackageLoader("salus.analytics.quality", ".")
    made = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined)
    return made.get_template("report.html")


def write_report(outcome: Outcome, folder: Path) -> None:
    """Both languages and the JSON; only their owner may read them, for they name rows of records."""
    before = os.umask(PRIVATE)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for language in LANGUAGES:
            (folder / f"report.{language}.html").write_text(report_html(outcome, language), "utf-8")
        (folder / "report.json").write_bytes(msgspec.json.format(msgspec.json.encode(outcome), indent=1))
    finally:
        os.umask(before)


def report_html(outcome: Outcome, language: str) -> str:
    """The report in one language, a page that stands alone."""
    say = speaking(language)
    checks = {check.id: check for check in read_checks(outcome.kind).checks}
    return page().render(
        say=say,
        lang=language,
        language={"en": "en", "zh": "zh-Hans"}[language],
        outcome=outcome,
        checks=checks,
        categories=CATEGORIES,
        statuses=STATUSES,
        tally=tally(outcome),
        failed=sorted(outcome.failed, key=lambda result: -result.failing),
        counts=lambda result: counts_of(result, say),
        chart=lambda result: chart_of(result, checks[result.id], say, language),
        most=most,
        amount=amount,
        percent=percent,
        number=lambda value: f"{value:,}",
    )


def speaking(language: str) -> Say:
    words = words_of("salus.analytics.quality")
    return lambda key, **slots: words(key, language, **slots)


def tally(outcome: Outcome) -> dict[str, dict[str, int]]:
    """category -> status -> how many"""
    found = {category: dict.fromkeys(STATUSES, 0) for category in CATEGORIES}
    for result in outcome.results:
        found[result.category][result.status] += 1
    return {category: {str(status): count for status, count in row.items()} for category, row in found.items()}


def counts_of(result: Result, say: Say) -> str:
    """How many, of how many, and how many may be."""
    return say(
        "report.counts",
        failing=f"{result.failing:,}",
        among=f"{result.among:,}",
        share=percent(result.share),
        threshold=percent(result.threshold),
    )


def chart_of(result: Result, check: Check, say: Say, language: str) -> Markup:
    """The share at fault month by month, with what may be as a band; nothing for a single month."""
    points = [Point(date.fromisoformat(f"{one.name}-01"), 100 * one.share) for one in result.months if one.name]
    if len(points) < 2:
        return Markup("")
    return spark(points, Band(None, 100 * result.threshold), say("report.months", title=check.title[language]))


def most(shares: list[Share]) -> list[Share]:
    """Those with most at fault."""
    return sorted((one for one in shares if one.failing), key=lambda one: (-one.failing, one.name))[:SHOWN]


def lines(outcome: Outcome, language: str) -> list[str]:
    """For the terminal: what failed with what to do, and the sum."""
    say = speaking(language)
    checks = {check.id: check for check in read_checks(outcome.kind).checks}
    told = []
    for result in outcome.failed:
        title = checks[result.id].title[language] + (f" ({result.table})" if result.table else "")
        told.append(say("cli.line", status=say("status.failed"), title=title, counts=counts_of(result, say)))
        told.append(say("cli.do", todo=checks[result.id].todo[language]))
    failed, passed = outcome.count("failed"), outcome.count("passed")
    numbers = {"rows": f"{outcome.rows:,}", "people": f"{outcome.people:,}", "seconds": f"{outcome.seconds:.1f}"}
    total = len(outcome.results)
    told.append(say("cli.sum", checks=total, failed=failed, passed=passed, other=total - failed - passed, **numbers))
    return told
