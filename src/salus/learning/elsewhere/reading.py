"""An evaluation elsewhere as the report of a run reads it."""

import msgspec

from salus.learning.elsewhere.judge import Elsewhere
from salus.learning.step5_evaluate.baselines import Points
from salus.learning.step5_evaluate.figures import Evaluation
from salus.learning.step5_evaluate.reading import Reading
from salus.learning.step7_deploy.dossier import names_of


def reading_of(one: Elsewhere, found: Evaluation) -> Reading:
    """What the pages of a report say, of these figures."""
    bundle = one.deployed.bundle
    names = names_of(one.deployed.features, bundle.source)
    points = msgspec.json.decode((one.deployed.folder / "points.json").read_bytes(), type=Points | None)
    foretold = found.classes[1:] if found.kind in ("binary", "survival") else found.classes
    return Reading(
        name=bundle.name,
        question=bundle.task.question,
        data=one.found.on,
        source=bundle.source,
        positive=found.classes[-1] if found.kind == "binary" else "",
        evaluation=found,
        importance=[(names[s], size) for s, size in bundle.importance.items() if size > 0 and s in names],
        points=list(zip(foretold, points.rules, strict=True)) if points else [],
        notes=one.found.notes,
        left_out=one.found.left_out,
        params=one.facts.params,
        budget=bundle.task.budget,
        split=bundle.task.split,
        given_test=True,
        trials=one.facts.trials,
        probes=one.facts.probes,
        call=bundle.task.models.call,
    )
