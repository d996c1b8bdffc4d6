"""Ask a deployed model about one patient and tell its answer as a suggestion, stored once for the same inputs."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import pyarrow as pa

from salus.analytics.events import patient_events
from salus.assistants import resources
from salus.assistants.diagnosis.inputs import fingerprint, is_visiting, suggestion_id
from salus.assistants.diagnosis.question import Question, named, question_of
from salus.assistants.suggestion import Candidate, Certain, Gap, Model, Name, Reason, Suggestion
from salus.base import clock
from salus.base.errors import Gone, Missing, Unsupported
from salus.base.words import LANGUAGES, words_of
from salus.learning.step7_deploy import Contribution, Deployed, Prediction
from salus.records import Records, Version

FRESH = timedelta(days=1)  # after this, windows and age may have moved the probability: compute again
MOVED = 0.01  # a change below one percentage point says nothing new
CANDIDATES, REASONS, SOURCES, GAPS = 5, 8, 10, 4  # the most that a person reads
NOT_ASKED = "not-in-cohort"  # the question is not meant for this patient: nobody asked, so nothing is said
YES, NO = (Name(*(words_of("salus.assistants")(f"certain.{key}", one) for one in LANGUAGES)) for key in ("yes", "no"))
LEAST, RUNNERS_UP = 0.01, 3  # below one percent a candidate is not worth a line, but a differential has some


def model_of(deployed: Deployed) -> Model:
    return Model(deployed.name, deployed.version, named(deployed.task.question))


def candidates(question: Question, prediction: Prediction) -> tuple[Candidate, ...]:
    """What is claimed, most probable first; a risk has its one claim, a differential the few that are worth a line."""
    if prediction.abstained:
        return ()
    found = [
        Candidate(claim, *map(resources.exact, (prediction.probabilities[key], *prediction.interval[key])))
        for key, claim in question.claims.items()
        if key in prediction.probabilities
    ]
    ranked = sorted(found, key=lambda one: -one.probability)
    worth = sum(one.probability >= LEAST for one in ranked)
    return tuple(ranked[: min(max(worth, RUNNERS_UP), CANDIDATES)])


def reasons(contributions: Iterable[Contribution]) -> tuple[Reason, ...]:
    """The few weightiest contributions, each with the latest resources it came from."""
    weighty = sorted(contributions, key=lambda one: -abs(one.weight))[:REASONS]
    return tuple(
        Reason(one.feature, named(one.label), one.value, one.unit, one.weight, tuple(one.source_ids[:SOURCES]))
        for one in weighty
        if one.weight
    )


def gaps(deployed: Deployed, missing: Iterable[str]) -> tuple[Gap, ...]:
    labels = {feature.name: feature.label for feature in deployed.features}
    return tuple(Gap(feature, named(labels[feature])) for feature in list(missing)[:GAPS] if feature in labels)


def certain(question: Question, prediction: Prediction) -> Certain | None:
    """The answers that cannot be ruled out, named: of a risk yes or no, of a differential what it could be."""
    if prediction.level is None or prediction.abstained:
        return None
    if question.kind == "risk":
        named = {name: YES if name in question.claims else NO for name in prediction.probabilities}
    else:
        named = {name: claim.name for name, claim in question.claims.items()}
    answers = tuple(named[name] for name in prediction.answers if name in named)
    return Certain(prediction.level, answers, prediction.undecided)


def told(
    patient: str, events: pa.Table, deployed: Deployed, question: Question, at: datetime, suggestion: str
) -> Suggestion:
    """What the model says on these events at this time, as a suggestion. Stores nothing."""
    prediction = deployed.predict_events(events, at)
    return Suggestion(
        id=suggestion,
        patient=patient,
        kind=question.kind,
        candidates=candidates(question, prediction),
        reasons=reasons(prediction.contributions),
        missing=gaps(deployed, prediction.missing),
        model=model_of(deployed),
        at=at,
        question=question.name,
        abstained=prediction.abstained,
        certain=certain(question, prediction),
    )


def says_the_same(one: Suggestion, other: Suggestion) -> bool:
    """Whether a reader would learn nothing new from the other: same claims in the same order, within `MOVED`."""
    if (one.abstained, len(one.candidates), one.certain) != (other.abstained, len(other.candidates), other.certain):
        return False
    pairs = zip(one.candidates, other.candidates, strict=True)
    return all(a.claim.code == b.claim.code and abs(a.probability - b.probability) < MOVED for a, b in pairs)


def stored(records: Records, suggestion: str) -> Suggestion | None:
    """The suggestion of that id, without its answer; None when there is none."""
    version = held(records, "RiskAssessment", suggestion)
    return resources.suggestion_of(version.json()) if version else None


def held(records: Records, kind: str, identity: str) -> Version | None:
    """The current version at that address; None when nothing stands there."""
    try:
        return records.read(kind, identity)
    except (Missing, Gone):
        return None


@dataclass(frozen=True, slots=True)
class Fresh:
    """A suggestion that is not stored yet, with what storing it needs."""

    suggestion: Suggestion
    inputs: str
    horizon: timedelta | None


def keep(records: Records, fresh: Sequence[Fresh]) -> None:
    """Store suggestions, their Provenance and the Devices that spoke in one transaction: all or nothing.

    A Device that is there already stays as it is: the store makes no version of what has not changed.
    """
    entries = [entry for one in fresh for entry in resources.entries(one.suggestion, one.inputs, one.horizon)]
    if entries:
        records.bundle({"resourceType": "Bundle", "type": "transaction", "entry": entries})


def is_asked(deployed: Deployed, events: pa.Table, at: datetime) -> bool:
    """A question about a visit is asked only of somebody who is there for one."""
    return not deployed.task.label.same_encounter or is_visiting(events, deployed.task, at)


def considered(
    records: Records, patient: str, events: pa.Table, deployed: Deployed, at: datetime, inputs: str
) -> Suggestion | Fresh | None:
    """What stands stored for these inputs, or a fresh suggestion; None when there is no such question here."""
    question = question_of(deployed)
    if question is None or not is_asked(deployed, events, at):
        return None
    identity = suggestion_id(patient, deployed.name, deployed.version, inputs)
    before = stored(records, identity)
    if before and abs(at - before.at) < FRESH:
        return before
    now = told(patient, events, deployed, question, at, identity)
    if now.abstained == NOT_ASKED:
        return None
    return before if before and says_the_same(before, now) else Fresh(now, inputs, question.horizon)


Beside = Callable[[Sequence[Suggestion], pa.Table], None]


def nobody(fresh: Sequence[Suggestion], events: pa.Table) -> None:
    """No version stands in shadow."""


def suggest_all(
    records: Records,
    patient_id: str,
    deployed: Iterable[Deployed],
    at: datetime | None = None,
    beside: Beside = nobody,
) -> list[Suggestion]:
    """What each deployed model says about a patient now, without answers; what is new is stored in one transaction.
    `beside` is given what is new, and the events it rests on.

    The same inputs and model version give the stored suggestion back without writing. Raises Forbidden when the actor
    may not read the patient or not write RiskAssessment.
    """
    events = patient_events(records, patient_id)
    inputs, moment = fingerprint(events), datetime.fromisoformat(clock.instant(at or clock.now()))
    found = [considered(records, patient_id, events, one, moment, inputs) for one in deployed]
    fresh = [one for one in found if isinstance(one, Fresh)]
    keep(records, fresh)
    beside([one.suggestion for one in fresh], events)
    return [one.suggestion if isinstance(one, Fresh) else one for one in found if one]


def suggest(records: Records, patient_id: str, deployed: Deployed, at: datetime | None = None) -> Suggestion:
    """`suggest_all` for one model. Raises Unsupported when it answers no diagnosis question about this patient."""
    found = suggest_all(records, patient_id, [deployed], at)
    if not found:
        raise Unsupported(f"{deployed.name} asks nothing about this patient: it is no diagnosis, or already known")
    return found[0]
