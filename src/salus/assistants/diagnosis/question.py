"""What a model was asked, read from its task: which conditions its classes stand for, and within what time."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from salus.assistants.suggestion import Claim, Kind, Name
from salus.codes.tables import SYSTEMS, term
from salus.learning.step7_deploy import Deployed
from salus.learning.task import Label

KINDS: Mapping[str, Kind] = {"binary": "risk", "survival": "risk", "multiclass": "differential"}
CLASSES = "https://salus.example/fhir/CodeSystem/model-class"  # a class that no code stands for, such as "other"


@dataclass(frozen=True, slots=True)
class Question:
    """`claims` by class name; `horizon` is None when it is about now."""

    kind: Kind
    name: Name
    claims: Mapping[str, Claim]
    horizon: timedelta | None


def claim(code: str, name: Name | None = None) -> Claim:
    """The claim that an event code makes; its name from our tables unless given.

    >>> claim("SNOMED//44054006").name.in_("zh")
    '2型糖尿病'
    """
    system, _, plain = code.partition("//")
    known = term(system, plain)
    found = Name(known.en, known.zh) if known else Name(plain or code, plain or code)
    return Claim(SYSTEMS.get(system, CLASSES), plain or code, name or found)


def named(texts: Mapping[str, str]) -> Name:
    """A name from the texts of a task or a feature dictionary: both languages."""
    return Name(texts["en"], texts["zh"])


def _class_claim(label: Label, name: str, codes: list[str]) -> Claim:
    """The claim of one class: its first code, under the class's own name where the task gives one."""
    own = named(label.names[name]) if name in label.names else None
    return claim(codes[0] if codes else name, own)


def question_of(deployed: Deployed) -> Question | None:
    """The question that a model answers; None when that is no diagnosis: it predicts a number, reads a table, or is
    about bookings."""
    kind, label = KINDS.get(deployed.task.kind), deployed.task.label
    if kind is None or deployed.bundle.source != "events" or any(one.startswith("BOOKING//") for one in label.codes):
        return None
    codes = (
        {deployed.classes[-1]: label.codes}
        if kind == "risk"
        else {n: label.classes.get(n, []) for n in deployed.classes}
    )
    return Question(
        kind=kind,
        name=named(deployed.task.question),
        claims={name: _class_claim(label, name, own) for name, own in codes.items()},
        horizon=timedelta(days=label.within_days) if label.within_days else None,
    )
