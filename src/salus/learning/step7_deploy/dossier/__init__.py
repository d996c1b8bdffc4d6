"""The report on a model: TRIPOD+AI, HTI-1's source attributes and the CHAI card, filled from what was run.

Reads a registry; knows no store and no page. What only a site can state comes from [about] of the task, or of a file.
"""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from salus.base.errors import Unsupported
from salus.base.words import LANGUAGES
from salus.learning.dictionary import Feature, write_json
from salus.learning.step5_evaluate.figures import Evaluation
from salus.learning.step7_deploy import external
from salus.learning.step7_deploy.dossier.chai import card_xml
from salus.learning.step7_deploy.dossier.filled import Dossier, dossier_of, empty_fields
from salus.learning.step7_deploy.dossier.pages import report_html
from salus.learning.step7_deploy.dossier.told import Known, Told
from salus.learning.step7_deploy.facts import FILE, Facts
from salus.learning.step7_deploy.registry import Registry
from salus.learning.task import Text

About = Mapping[str, Text | str]


def known_of(registry: Registry, name: str, version: str, about: About | None = None) -> Known:
    """Everything that is known of a version. `about`: what the site states beside its task.

    Raises Missing, Conflict (its files were changed), Unsupported for one from before reports.
    """
    deployed = registry.load(name, version)
    file = deployed.folder / FILE
    if not file.is_file():
        raise Unsupported(f"{name} {version} was learned before reports were made: learn it again to have one")
    bundle = deployed.bundle
    return Known(
        bundle=bundle,
        facts=msgspec.json.decode(file.read_bytes(), type=Facts),
        found=msgspec.json.decode((deployed.folder / "metrics.json").read_bytes(), type=Evaluation),
        labels=names_of(deployed.features, bundle.source),
        state=state_of(registry, name, version),
        about={**bundle.task.about, **(about or {})},
        promotions=tuple(registry.promotions(name)),
        elsewhere=tuple(external.kept(registry.folder / name, version)),
        weeks=weeks_of(registry.folder / name / f"watch-{version}.json"),
    )


def names_of(features: list[Feature], source: str) -> dict[str, Text]:
    """What people call each thing; of a table, its column."""
    if source == "table":
        return {one.source: {"en": one.source, "zh": one.source} for one in features}
    return {one.source: one.label for one in reversed(features)}


def state_of(registry: Registry, name: str, version: str) -> str:
    current, beside = registry.current(name), registry.shadow(name)
    if current is not None and current.version == version:
        return "promoted"
    return "shadow" if beside is not None and beside.version == version else "waiting"


def weeks_of(file: Path) -> dict[str, int]:
    """Of the counts of use: week -> answers told."""
    found = msgspec.json.decode(file.read_bytes()) if file.is_file() else {}
    return {week: sum(counts.get("counts", [])) for week, counts in found.get("weeks", {}).items()}


def report_of(registry: Registry, name: str, version: str, about: About | None = None) -> Dossier:
    """The report on a version."""
    return dossier_of(known_of(registry, name, version, about))


def write_report(registry: Registry, name: str, version: str, folder: Path, about: About | None = None) -> Dossier:
    """report.{en,zh}.html, report.json and the CHAI card card.{en,zh}.xml into a folder; gives the report."""
    known = known_of(registry, name, version, about)
    dossier = dossier_of(known)
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "report.json", dossier)
    for language in LANGUAGES:
        (folder / f"report.{language}.html").write_text(report_html(dossier, language), "utf-8")
        (folder / f"card.{language}.xml").write_text(card_xml(dossier, Told(known, language)), "utf-8")
    return dossier


__all__ = ["Dossier", "empty_fields", "known_of", "report_of", "write_report"]
