"""The report of a run: report.en.html and report.zh.html to read and print, report.json for machines."""

from functools import cache
from typing import Any

import jinja2

from salus.base import clock
from salus.base.words import words_of
from salus.learning.run import MADE_UP, Run
from salus.learning.step5_evaluate import pictures
from salus.learning.step5_evaluate.baselines import Points, Rule
from salus.learning.step5_evaluate.bootstrap import Figure
from salus.learning.step5_evaluate.figures import Evaluation, Figures, Rotation
from salus.learning.step5_evaluate.reading import Reading, reading_of
from salus.learning.step5_evaluate.telling import (
    Say,
    burden_words,
    by_name,
    coverage_rows,
    coverage_words,
    fairness_words,
    group_name,
    removed_words,
    share_text,
)

SHOWN = {
    "binary": ["auroc", "auprc", "accuracy", "precision", "recall", "f1", "brier", "slope", "intercept", "o_e", "ece"],
    "multiclass": [
        "accuracy",
        "top3",
        "macro_precision",
        "macro_recall",
        "macro_f1",
        "macro_auroc",
        "brier",
        "macro_ece",
    ],
    "number": ["mae", "rmse", "r2"],
    "survival": ["uno", "harrell", "auroc", "ibs", "gain", "brier", "slope", "intercept", "o_e", "ece"],
}
COMPARED = {  # of groups of people
    "binary": ["auroc", "recall", "specificity", "selected", "large", "o_e", "ece"],
    "multiclass": ["accuracy", "top3", "macro_f1", "macro_ece"],
    "number": ["mae", "rmse", "r2"],
    "survival": ["uno", "recall", "specificity", "selected", "o_e", "ece"],
}
HEADLINE = {"binary": "auroc", "multiclass": "accuracy", "number": "mae", "survival": "uno"}


@cache
def page(name: str) -> jinja2.Template:
    """A template beside this file; everything put into it is escaped, but for our own pictures."""
    loader = jinja2.PackageLoader("salus.learning.step5_evaluate", ".")
    return jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined).get_template(name)


def write_reports(run: Run, found: Evaluation, points: Points | None, importance: dict[str, float]) -> None:
    """Both languages and the JSON, at the top of the run folder."""
    reading = reading_of(run, found, points, importance)
    for language in ("en", "zh"):
        (run.folder / f"report.{language}.html").write_text(report_html(reading, language), "utf-8")
    run.write(".", "report.json", reading)


def report_html(reading: Reading, language: str, template: str = "report.html", **more: Any) -> str:
    """The report in one language, a page that stands alone. `more`: what another template says above it."""
    words = words_of("salus.learning")

    def say(key: str, **slots: object) -> str:
        return words(key, language, **slots)

    found = reading.evaluation
    return page(template).render(
        **more,
        say=say,
        lang=language,
        language={"en": "en", "zh": "zh-Hans"}[language],
        reading=reading,
        found=found,
        now=clock.instant(clock.now()),
        shown=SHOWN[found.kind],
        compared=COMPARED[found.kind],
        told=[*SHOWN[found.kind], *(key for key in COMPARED[found.kind] if key not in SHOWN[found.kind])],
        fairness=fairness_words(found, say),
        burden=burden_words(found, say),
        headline=HEADLINE[found.kind],
        rotation=rotation_words(reading.rotation, found.kind, say),
        rows=model_rows(found, say),
        pictures=pictures_of(reading, say, language),
        figure=figure_text,
        number=number_text,
        group=lambda one: group_name(say, one.by, one.name),
        share=share_text,
        by=lambda one: by_name(say, one.by),
        whom=lambda by, name: group_name(say, by, name),
        coverage=coverage_rows(found, say, language),
        coverage_words=coverage_words(found, say, language),
        removed=removed_words(found, say),
        statistic=lambda rule: statistic(rule, say),
        made_up=[say(note.key, **note.slots) for note in reading.notes if note.key == MADE_UP],
        notes=[say(note.key, **note.slots) for note in reading.notes if note.key != MADE_UP],
        left_out=[(say(f"left_out.{reason}"), count) for reason, count in reading.left_out],
    )


def rotation_words(found: Rotation | None, kind: str, say: Say) -> list[str]:
    """What became of everyone held out once; nothing where nobody asked."""
    if found is None:
        return []
    head, distance = HEADLINE[kind], [key for key in found.chance if found.figures.get(key)]
    figures = "; ".join(f"{say(f'measure.{key}')} {figure_text(found.figures[key])}" for key in SHOWN[kind])
    each = ", ".join(number_text(one[head].value) for one in found.each)
    folds = {"folds": found.folds, "rows": found.rows, "subjects": found.subjects}
    return [
        say("report.rotation", **folds, figures=figures, measure=say(f"measure.{head}"), each=each),
        *(
            say("report.rotation_chance", measure=say(f"measure.{key}"), value=number_text(found.chance[key]))
            for key in distance
        ),
    ]


def model_rows(found: Evaluation, say: Say) -> list[tuple[str, Figures, str]]:
    """(name, figures, what kind of row) of the deployed model, the baselines, and the families as first trained."""
    chosen = [(say("report.chosen", family=say(f"family.{found.family}")), found.chosen, "chosen")]
    baselines = [(say(f"baseline.{name}"), figures, "baseline") for name, figures in found.baselines.items()]
    first = [(say("report.first", family=say(f"family.{name}")), figures, "") for name, figures in found.first.items()]
    return chosen + baselines + first


def pictures_of(reading: Reading, say: Say, language: str) -> dict[str, str]:
    """The pictures this kind of run has, by name."""
    found, curves = reading.evaluation, reading.evaluation.curves
    things = [(label[language], size) for label, size in reading.importance[:15]]
    made = {"importance": pictures.bars(things, say("report.importance"))}
    if curves.calibration:
        bins = [(one.mean, one.observed) for one in curves.calibration]
        made["calibration"] = pictures.calibration(
            bins, say("report.calibration"), say("axis.foretold"), say("axis.observed")
        )
    if curves.roc:
        made["roc"] = pictures.roc(curves.roc, say("report.roc"), say("axis.false_alarms"), say("axis.recall"))
    if curves.decision:
        lines = [[(d.threshold, getattr(d, who)) for d in curves.decision] for who in ("model", "points", "everyone")]
        made["decision"] = pictures.decision(lines, say("report.decision"), say("axis.threshold"), say("axis.benefit"))
    if curves.thirds:
        groups = [(one.seen, one.foretold) for one in curves.thirds]
        made["thirds"] = pictures.lasting(groups, say("lasting.thirds"), say("axis.time"), say("axis.free"))
    spans = [
        (group_name(say, g.by, g.name), *span) for g in found.subgroups if (span := span_of(g.figures, found.kind))
    ]
    if spans and found.kind != "number":
        made["subgroups"] = pictures.ranges(spans, say("report.subgroups"))
    return made


def span_of(figures: Figures, kind: str) -> tuple[float, float, float] | None:
    """(value, low, high) of the headline measure, if all three are known."""
    one = figures[HEADLINE[kind]]
    return None if one.value is None or one.low is None or one.high is None else (one.value, one.low, one.high)


def statistic(rule: Rule, say: Say) -> str:
    """Which value of a thing a rule asks for, over which window; nothing for a table's own columns."""
    key = f"value.{rule.value}"
    if key not in words_of("salus.learning"):
        return ""
    return f" ({say(key)}{window_name(rule.window_days, say)})"


def window_name(days: float, say: Say) -> str:
    """How far back a window looks; nothing where that is the whole past."""
    if not days:
        return ""
    whole = days == int(days)
    return say("value.window", days=f"{days:g}") if whole else say("value.window_hours", hours=f"{days * 24:g}")


def figure_text(one: Figure) -> str:
    """A value with its interval.

    >>> figure_text(Figure(value=0.6857, low=0.6751, high=0.6963))
    '0.686 (0.675–0.696)'
    """
    if one.value is None:
        return "–"
    span = "" if one.low is None or one.high is None else f" ({number_text(one.low)}–{number_text(one.high)})"
    return number_text(one.value) + span


def number_text(value: Any) -> str:
    """Three decimals, or what matters of a large number.

    >>> number_text(0.68571), number_text(None), number_text(12345.678)
    ('0.686', '–', '12300')
    """
    if value is None:
        return "–"
    return f"{value:.3f}" if abs(value) < 100 else f"{float(f'{value:.3g}'):.0f}"
