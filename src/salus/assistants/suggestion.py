"""The one shape that every assistant speaks: a claim, how sure, why, from what, and what would change it.

A suggestion is never advice alone: it names its model, points each reason at the resources it came from, and may say
"I cannot tell" (`abstained` holds the reason code). Every text in it stands in English and Chinese.
"""

from dataclasses import dataclass
from datetime import datetime
from math import floor
from typing import Literal

from salus.base.words import words_of
from salus.codes import unit_words

YEARS = "a"  # https://ucum.org/ucum
NAMED = 6  # answers that a person reads in one sentence
Kind = Literal["risk", "differential"]
Verdict = Literal["accepted", "changed", "refused"]
VERDICTS: tuple[Verdict, ...] = ("accepted", "changed", "refused")

# indicator (CDS Hooks 2.0: info | warning | critical) from the probability of the leading candidate of a risk;
# never critical: a probability says how likely, not how dangerous, and false alarms wear out who hears them
INDICATORS = ((0.2, "warning"), (0.0, "info"))


@dataclass(frozen=True, slots=True)
class Name:
    """One thing's name in both languages.

    >>> Name("Type 2 diabetes", "2型糖尿病").in_("zh")
    '2型糖尿病'
    """

    en: str
    zh: str

    def in_(self, language: str) -> str:
        return self.zh if language == "zh" else self.en

    @property
    def in_line(self) -> "Name":
        """As it stands within a sentence.

        >>> Name("Oral rehydration salts", "").in_line.en, Name("NPH insulin", "").in_line.en
        ('oral rehydration salts', 'NPH insulin')
        """
        return Name(self.en[:1].lower() + self.en[1:], self.zh) if self.en[1:2].islower() else self


@dataclass(frozen=True, slots=True)
class Claim:
    """What is claimed: a coded condition (FHIR Coding) and its name."""

    system: str
    code: str
    name: Name


@dataclass(frozen=True, slots=True)
class Candidate:
    """A claim with its calibrated probability and interval, all three from 0 to 1."""

    claim: Claim
    probability: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Reason:
    """One feature's part in the leading candidate: `weight` in log-odds, above zero speaks for it, below against.

    `sources` are references such as `Observation/123`; `value` is None where the name says it all ("Cough: present").
    """

    feature: str
    name: Name
    value: float | str | None
    unit: str | None
    weight: float
    sources: tuple[str, ...] = ()

    def said(self, language: str) -> str:
        """Name, value and unit as a person writes them.

        >>> Reason("a1c", Name("HbA1c", "糖化血红蛋白"), 6.40, "%", 1.2).said("zh")
        '糖化血红蛋白 6.4 %'
        """
        shown, unit = self.shown
        if shown is None:
            return self.name.in_(language)
        value = f"{shown:.4g}" if isinstance(shown, float | int) else shown
        return " ".join(filter(None, (self.name.in_(language), value, unit_words(unit, language))))

    @property
    def shown(self) -> tuple[float | str | None, str | None]:
        """Value and unit as they are told: an age in completed years, or months below two years.

        >>> age = Reason("age", Name("Age", "年龄"), 66.93, "a", 0.4)
        >>> age.said("zh"), Reason("age", age.name, 0.52, "a", 0.4).said("en")
        ('年龄 66 岁', 'Age 6 months')
        """
        if self.unit != YEARS or not isinstance(self.value, float | int):
            return self.value, self.unit
        return (floor(self.value), YEARS) if self.value >= 2 else (floor(self.value * 12), "mo")


@dataclass(frozen=True, slots=True)
class Gap:
    """Something not known of this patient that would change the suggestion."""

    feature: str
    name: Name


@dataclass(frozen=True, slots=True)
class Model:
    """Which model spoke. `card` is the address of its model card within this installation."""

    name: str
    version: str
    title: Name

    @property
    def card(self) -> str:
        return f"/models/{self.name}/{self.version}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the clinician said to a suggestion: `reason` is a code of `answers.REASONS`, `comment` their own words.

    `to` is what they hold instead, when the verdict is `changed`.
    """

    id: str
    verdict: Verdict
    reason: str
    comment: str
    to: Claim | None
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Certain:
    """The answers that cannot be ruled out at a level, the likeliest first; `undecided`: that is all, or none."""

    level: float
    answers: tuple[Name, ...]
    undecided: str | None = None

    def said(self, language: str) -> str:
        """
        >>> Certain(0.9, (Name("Influenza", "流行性感冒"),)).said("en")
        'At 90 % certainty only this cannot be ruled out: Influenza.'
        """
        words = words_of("salus.assistants")
        key = f"certain.{self.undecided or ('one' if len(self.answers) == 1 else 'some')}"
        names = [one.in_(language) for one in self.answers[:NAMED]] + ["…"] * (len(self.answers) > NAMED)
        named = words("card.and", language).join(names)
        return words(key, language, level=f"{100 * self.level:g}", named=named)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One assistant's word on one patient. `candidates` stand with the most probable first; a risk has exactly one.

    With `abstained` there are no candidates: the assistant cannot tell, and the code says why.
    """

    id: str
    patient: str
    kind: Kind
    candidates: tuple[Candidate, ...]
    reasons: tuple[Reason, ...]
    missing: tuple[Gap, ...]
    model: Model
    at: datetime
    question: Name
    abstained: str | None = None
    answer: Answer | None = None
    certain: Certain | None = None

    @property
    def leading(self) -> Candidate | None:
        """The most probable candidate, or None when the assistant cannot tell."""
        return self.candidates[0] if self.candidates else None

    @property
    def indicator(self) -> str:
        """How urgent: `info` or `warning`. https://cds-hooks.hl7.org/2.0/#card-attributes"""
        if self.leading is None or self.kind == "differential":
            return "info"
        probability = self.leading.probability
        return next(name for least, name in INDICATORS if probability >= least)

    @property
    def sources(self) -> tuple[str, ...]:
        """Every resource that a reason points at, each once, in the order of the reasons."""
        return tuple(dict.fromkeys(source for reason in self.reasons for source in reason.sources))


def why_not(code: str, language: str) -> str:
    """The words for an abstention's reason code; an unknown code is shown as it is.

    >>> why_not("too-little-data", "zh")
    '资料太少，无法判断。'
    """
    words = words_of("salus.assistants")
    key = f"abstained.{code}"
    return words(key, language) if key in words else words("abstained", language, code=code)


def percent(probability: float) -> str:
    """A probability as people read it: no false precision, never 0 % nor 100 %.

    >>> percent(0.004), percent(0.344), percent(0.998)
    ('<1 %', '34 %', '>99 %')
    """
    if probability < 0.01:
        return "<1 %"
    return ">99 %" if probability > 0.99 else f"{round(100 * probability)} %"
