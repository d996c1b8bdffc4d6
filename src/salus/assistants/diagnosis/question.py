"""What a model was asked, read from its task: which conditions its classes stand for, and within what time."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from salus.assistants.suggestion import Claim, Kind, Name
from salus.codes.tables import SYSTEMS, term

KINDS: Mapping[str, Kind] = {"binary": "risk", "multiclass": "differential"}
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


def _named(texts: Mapping[str, str] | None) -> Name | None:
    return Name(texts["en"], texts["zh"]) if texts else None


def _class_claim(name: str, codes: list[str], names: Mapping[str, Mapping[str, str]]) -> Claim:
    """The claim of one class: its first code, under the class's own name."""
    return claim(codes[0], _named(names.get(name))) if codes else claim(name, _named(names.get(name)))


def question_of(task: Any, classes: list[str]) -> Question | None:
    """The question of a `salus.learning` task; None when it is not a diagnosis (it predicts a number)."""
    kind = KINDS.get(task.kind)
    if kind is None:
        return None
    label, asked = task.label, Name(task.question["en"], task.question["zh"])
    horizon = timedelta(days=label.within_days) if label.within_days else None
    if kind == "risk":
        return Question(
            kind, asked, {classes[-1]: claim(label.codes[0], _named(label.names.get(classes[-1])))}, horizon
        )
    claims = {name: _class_claim(name, label.classes.get(name, []), label.names) for name in classes}
    return Question(kind, asked, claims, horizon)
