"""Models for those who answer for them: which are in use, what each card says, how each does in use."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from msgspec import to_builtins
from starlette.responses import Response

from salus.base.errors import Missing
from salus.learning.effects.kept import EffectRegistry
from salus.learning.step7_deploy import Registry, external
from salus.learning.step7_deploy.dossier import known_of
from salus.learning.step7_deploy.dossier.chai import card_xml
from salus.learning.step7_deploy.dossier.fields import FRAMES
from salus.learning.step7_deploy.dossier.filled import dossier_of
from salus.learning.step7_deploy.dossier.pages import frame_title, summary
from salus.learning.step7_deploy.dossier.told import Known, Told
from salus.ui.charts import Bin
from salus.web.telling.cards import Entry, Figure, entries, in_order, sections
from salus.web.visit import Visit


@dataclass(frozen=True, slots=True)
class Beside:
    """One evaluation on data from elsewhere: the figures in the order of the version's own."""

    on: str
    at: str
    rows: int
    moved: int
    figures: tuple[Figure | None, ...]


def listing(visit: Visit) -> Response:
    """Every model, the version in use first."""
    told = entries([*visit.desk.bedside.models(), *effects(visit)], visit.language)
    return visit.page("models.html", entries=told)


def effects(visit: Visit) -> list[dict[str, Any]]:
    """The models of expected benefit, as the list shows models."""
    kept = EffectRegistry(visit.desk.settings.registry, visit.desk.settings.secret).list()
    return [to_builtins(one) | {"family": "effects" if one.passed else "effects-refused"} for one in kept]


def card(visit: Visit) -> Response:
    """One version's card, read from its checked files. Raises Missing, or Conflict if they were changed."""
    entry = the_one(visit)
    if entry.is_effect:
        kept = EffectRegistry(visit.desk.settings.registry, visit.desk.settings.secret)
        said = kept.load(entry.name, entry.version).card
        return visit.page("card.html", entry=entry, sections=sections(said, visit.language), elsewhere=[])
    registry = Registry(visit.desk.settings.registry, visit.desk.settings.secret)
    found = registry.load(entry.name, entry.version).card
    evidence = external.kept(registry.folder / entry.name, entry.version)
    elsewhere = [beside(one, entry, visit.language) for one in reversed(evidence)]
    return visit.page("card.html", entry=entry, sections=sections(found, visit.language), elsewhere=elsewhere)


def beside(one: external.External, entry: Entry, language: str) -> Beside:
    """An evaluation elsewhere, with the figures that the page shows of the version."""
    told = to_builtins(one.evaluation.chosen)
    shown = in_order(told, [figure.key for figure in entry.figures], language)
    return Beside(one.on, one.at, one.evaluation.rows, sum(drift.alarm for drift in one.drifts), shown)


def report(visit: Visit) -> Response:
    """TRIPOD+AI, HTI-1 and CHAI card of one version, to read and to print. Raises Missing, Conflict, Unsupported."""
    known = known_here(visit)
    found = dossier_of(known)
    frames = [(frame, frame_title(frame, visit.language), found.of(frame)) for frame in FRAMES]
    return visit.page("model_report.html", entry=the_one(visit), frames=frames, summary=summary(found, visit.language))


def card_file(visit: Visit) -> Response:
    """The CHAI card as a file, in the reader's language."""
    known = known_here(visit)
    body = card_xml(dossier_of(known), Told(known, visit.language))
    name = f"{known.bundle.name}-{known.bundle.version}.{visit.language}.xml"
    return Response(
        body, media_type="application/xml", headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


def known_here(visit: Visit) -> Known:
    entry = the_one(visit)
    return known_of(Registry(visit.desk.settings.registry, visit.desk.settings.secret), entry.name, entry.version)


def the_one(visit: Visit) -> Entry:
    name, version = visit.path["name"], visit.path["version"]
    told = entries([*visit.desk.bedside.models(), *effects(visit)], visit.language)
    found = next((one for one in told if (one.name, one.version) == (name, version)), None)
    if found is None:
        raise Missing(f"There is no model {name} {version}: `salus models list` names those that there are")
    return found


@dataclass(frozen=True, slots=True)
class Group:
    """A band of probability with what was said and what came, as the monitor gives it."""

    low: float
    high: float
    count: int
    said: float
    came: float


def use(visit: Visit) -> Response:
    """How a model does in use: answers, reasons of refusal, month by month, calibration."""
    found: Mapping[str, Any] = visit.desk.bedside.monitor(visit.path["name"])
    groups = [Group(**row) for row in found["calibration"]]
    bins = [Bin(group.said, group.came, group.count) for group in groups]
    most = max(found["verdicts"].values(), default=0)
    return visit.page("use.html", found=found, groups=groups, bins=bins, most=most or 1)
