"""Slots about what became of a version since: approvals, other data, answers told in care."""

from collections.abc import Callable, Mapping

from salus.learning.step5_evaluate.report import HEADLINE, figure_text
from salus.learning.step5_evaluate.telling import fairness_words
from salus.learning.step7_deploy.dossier.of_data import Slot, member
from salus.learning.step7_deploy.dossier.of_model import figures_line, subgroups_line
from salus.learning.step7_deploy.dossier.told import Told
from salus.learning.step7_deploy.external import External
from salus.learning.step7_deploy.shelf import Promotion


def approvals(told: Told) -> str:
    own = [one for one in told.known.promotions if one.version == told.known.bundle.version and one.act == "promoted"]
    return told.semicolon.join(approval(told, one) for one in own) or told.say("approval.none")


def approval(told: Told, one: Promotion) -> str:
    reason = told.say("approval.reason", reason=one.reason) if one.reason else ""
    return told.say("approval", at=one.at[:10], by=one.by or told.say("approval.itself"), reason=reason)


def each(key: str, slots: Callable[[Told, External], Mapping[str, object]]) -> Slot:
    """A slot that says one sentence for each evaluation elsewhere, or that there was none."""

    def said(told: Told) -> str:
        lines = [told.say(key, **slots(told, one)) for one in told.known.elsewhere]
        return " ".join(lines) or told.say("external.none", name=told.known.bundle.name)

    return said


def where(told: Told, one: External) -> dict[str, object]:
    span = f" {' – '.join(one.span)}" if one.span else ""
    found = one.evaluation
    return {"on": one.on + span, "at": one.at[:10], "rows": found.rows, "subjects": found.subjects, "by": one.by}


def whom(told: Told, one: External) -> dict[str, object]:
    said = told.semicolon.join(member(told, group) for group in one.members)
    return {"on": one.on, "members": said or told.say("member.none")}


def how(told: Told, one: External) -> dict[str, object]:
    moved = [one.labels[drift.feature][told.language] for drift in one.drifts if drift.alarm]
    lacking = told.listed(text[told.language] for text in one.lacking)
    return {"on": one.on, "lacking": lacking, "moved": told.listed(moved)}


def valid(told: Told, one: External) -> dict[str, object]:
    return {"on": one.on, "figures": figures_line(told, one.evaluation)}


def fair(told: Told, one: External) -> dict[str, object]:
    said = " ".join(fairness_words(one.evaluation, told.say))
    return {"on": one.on, "subgroups": subgroups_line(told, one.evaluation), "fairness": said}


def sites(told: Told) -> str:
    """Which sites the data name, and which of them were held out whole."""
    site = told.known.bundle.task.split.site
    own = [one for one in told.known.facts.members if one.by == site]
    if not own:
        return told.say("heterogeneity.none")
    held, learned = [one.name for one in own if one.test], [one.name for one in own if one.train]
    return told.say("sites", count=len(own), held=told.listed(held), learned=told.listed(learned))


def heterogeneity(told: Told) -> str:
    """The headline measure site by site."""
    site, found = told.known.bundle.task.split.site, told.known.found
    own = [one for one in found.subgroups if one.by == site]
    if not own:
        return sites(told)
    key = HEADLINE[found.kind]
    spans = told.semicolon.join(f"{one.name} {figure_text(one.figures[key])} (n = {one.rows})" for one in own)
    return told.say("heterogeneity", measure=told.say(f"measure.{key}"), figures=spans)


def updated(told: Told) -> str:
    after = told.known.bundle.after
    if after is None:
        return told.say("updated.none")
    return told.say("updated.after", version=after.version, on=after.on, rows=after.rows)


def local(told: Told) -> str:
    weeks = told.known.weeks
    if not weeks:
        return told.say("local.none")
    return told.say("local.weeks", week=max(weeks), count=sum(weeks.values()))


SLOTS: Mapping[str, Slot] = {
    "state": lambda told: told.say(f"state.{told.known.state}"),
    "approvals": approvals,
    "sites": sites,
    "heterogeneity": heterogeneity,
    "updated": updated,
    "external": each("external", where),
    "external_party": each("external.party", where),
    "external_people": each("external.people", whom),
    "external_process": each("external.process", how),
    "external_figures": each("external.figures", valid),
    "external_fairness": each("external.fairness", fair),
    "local": local,
}
