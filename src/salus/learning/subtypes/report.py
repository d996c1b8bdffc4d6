"""The findings told: subtypes.en.html and subtypes.zh.html to read and print, findings.json, and who is in which.

What concerns fewer than five people is in none of them but people.csv, which is of persons and stays where they are.
"""

import csv
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
import msgspec
import numpy as np

from salus.base import clock
from salus.base.words import words_of
from salus.learning.subtypes.drawing import bars, dots
from salus.learning.subtypes.finding import Found
from salus.learning.subtypes.kept import Answers, keep
from salus.learning.subtypes.people import odd_zeros
from salus.learning.subtypes.profiles import FEWEST, Profile, Share, Trait
from salus.learning.subtypes.stability import STABLE, Candidate

say = words_of("salus.learning.subtypes")
LOADINGS = 4  # columns named for a component


@cache
def page() -> jinja2.Template:
    loader = jinja2.PackageLoader("salus.learning.subtypes", ".")
    return jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined).get_template(
        "report.html"
    )


def write_report(found: Found, folder: Path, name: str) -> None:
    """Everything of the findings; the kept subtypes and people.csv only where there are subtypes."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in ("subtypes.json", "subtypes.safetensors", "people.csv"):
        (folder / file).unlink(missing_ok=True)
    for language in ("en", "zh"):
        (folder / f"subtypes.{language}.html").write_text(report_html(found, name, language), "utf-8")
    (folder / "findings.json").write_bytes(msgspec.json.format(msgspec.json.encode(plain(found, name))))
    if found.subtypes and found.answers:
        keep(found.subtypes, folder)
        write_people(folder / "people.csv", found.people.rows, found.answers)


def write_people(path: Path, rows: list[str], answers: Answers) -> None:
    """Row, subtype (empty where too little is known), its probability, and why the person is unlike any."""
    with path.open("w", newline="", encoding="utf-8") as file:
        lines = csv.writer(file)
        lines.writerow(("row", "subtype", "probability", "unlike"))
        for row, group, chance, unlike in zip(rows, answers.groups, answers.chance, answers.unlike, strict=True):
            known = group >= 0
            lines.writerow((row, group + 1 if known else "", f"{chance:.3f}" if known else "", "; ".join(unlike)))


def report_html(found: Found, name: str, language: str) -> str:
    def in_(key: str, **slots: object) -> str:
        return say(key, language, **slots)

    return page().render(
        found=found,
        chosen=found.choice.chosen,
        name=name,
        say=in_,
        language="zh-Hans" if language == "zh" else "en",
        colon="：" if language == "zh" else ": ",
        headline=headline(found, language),
        sentence=lambda profile: sentence(profile, language),
        components=components(found),
        amount=amount,
        share=share,
        shown=shown(found),
        map=dots(found, say("subtypes.map", language), language),
        bars=bars(found.choice.chosen, shown(found), language) if found.choice.chosen else "",
        middles=middles(found),
        zeros=odd_zeros(found.people.columns, found.people.values),
        outcomes=sorted({name for profile in found.profiles for name in profile.outcomes}),
        now=clock.now().strftime("%Y-%m-%d %H:%M UTC"),
        STABLE=STABLE,
        FEWEST=FEWEST,
    )


def headline(found: Found, language: str) -> str:
    """What was found, in a sentence; "I cannot tell" where nothing was."""
    one = found.choice.chosen
    if one is None:
        return say(f"subtypes.none.{found.choice.why}", language)
    method = say(f"subtypes.method.{one.method}", language)
    return say("subtypes.found", language, count=one.count, method=method, least=f"{one.jaccard.min():.2f}")


def sentence(profile: Profile, language: str) -> str:
    """What sets a subtype apart, in words: the four greatest differences of at least half a deviation."""
    if profile.people is None:
        return say("subtypes.hidden", language, fewest=FEWEST)
    told = [one for one in profile.traits[:4] if abs(one.difference) >= 0.5]
    if not told:
        return say("subtypes.plain", language)
    return say("subtypes.and", language).join(words(one, language) for one in told)


def words(one: Trait, language: str) -> str:
    kind = "number" if one.column.word is None else "flag"
    way = "more" if one.difference > 0 else "less"
    return say(f"subtypes.{kind}.{way}", language, name=one.column.name, inside=amount(one, one.inside),
               outside=amount(one, one.outside))  # fmt: skip


def amount(one: Trait, value: float | None) -> str:
    """A median, a share in percent, or a stroke where too few people would be told of."""
    if value is None:
        return "–"
    return f"{value:.4g}" if one.column.word is None else f"{100 * value:.0f} %"


def share(one: Share) -> str:
    """An outcome with its interval."""
    if one.word is None:
        return f"{one.value:.3g} ({one.low:.3g} – {one.high:.3g})"
    return f"{one.word}: {100 * one.value:.0f} % ({100 * one.low:.0f} – {100 * one.high:.0f})"


def components(found: Found) -> list[dict[str, Any]]:
    """The components used: explained, what chance explains, and the columns that weigh most."""
    axes, made = found.axes, []
    for at, loading in enumerate(axes.loadings.T):
        first = np.argsort(-np.abs(loading), kind="stable")[:LOADINGS]
        weights = [(found.people.columns[i].name, float(loading[i])) for i in first]
        made.append({"explained": float(axes.explained[at]), "chance": float(axes.chance[at]), "loadings": weights})
    return made


def shown(found: Found) -> set[int]:
    """The subtypes (0..) that may be told of."""
    return {profile.number - 1 for profile in found.profiles if profile.people is not None}


def middles(found: Found) -> dict[int, tuple[float, float]]:
    """number -> where the middle of a subtype lies on the map."""
    if found.answers is None:
        return {}
    groups = found.answers.groups[found.plane.rows]
    there = {group: found.plane.at[groups == group] for group in sorted(shown(found))}
    return {group + 1: (float(at[:, 0].mean()), float(at[:, 1].mean())) for group, at in there.items() if len(at)}


def plain(found: Found, name: str) -> dict[str, Any]:
    """The findings as JSON holds them."""
    one = found.choice.chosen
    return {
        "name": name,
        "people": len(found.people.rows),
        "asked": found.asked,
        "columns": [column.name for column in found.people.columns],
        "left_out": found.people.left_out,
        "odd_zeros": odd_zeros(found.people.columns, found.people.values),
        "components": components(found),
        "candidates": [candidate(c) for c in found.choice.candidates],
        "chosen": {"method": one.method, "groups": one.count} if one else None,
        "why_none": found.choice.why,
        "map": {"neighbours_kept": found.plane.faith},
        "subtypes": [profile(p) for p in found.profiles],
    }


def candidate(one: Candidate) -> dict[str, Any]:
    return {
        "method": one.method,
        "groups": one.count,
        "jaccard": one.jaccard.tolist(),
        "held_out_rand": one.held_out,
        "silhouette": one.silhouette,
        "gap": one.gap,
        "bic": one.bic,
        "draws": len(one.likeness),
        "single_clouds_as_clear": one.cloud,
    }


def profile(one: Profile) -> dict[str, Any]:
    traits = [
        {
            "column": t.column.name,
            "inside": t.inside,
            "outside": t.outside,
            "difference": t.difference,
            "interval": [t.low, t.high],
        }
        for t in one.traits
    ]
    outcomes = {
        name: [{"word": s.word, "value": s.value, "interval": [s.low, s.high]} for s in shares]
        for name, shares in one.outcomes.items()
    }
    return {
        "number": one.number,
        "people": one.people,
        "rounded": one.rounded,
        "hidden": one.people is None,
        "traits": traits,
        "outcomes": outcomes,
    }
