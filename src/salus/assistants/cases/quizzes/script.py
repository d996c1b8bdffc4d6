"""A teaching case as a teacher writes it in YAML: what is shown when, what is right, and what is to be learned.

docs/how-to/teach-with-cases.md shows a whole one. Codes are ICD-10; every text is in English and Chinese.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Annotated, Literal

import msgspec
import yaml
from msgspec import Meta, Struct

Line = Annotated[str, Meta(min_length=1, max_length=4000)]
Key = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,47}$")]
Code = Annotated[str, Meta(pattern=r"^[A-Z][0-9][0-9A-Z](\.[0-9A-Z]{1,4})?$")]
Money = Annotated[int, Meta(gt=0)]

STEPS = ("presentation", "history", "examination")
LEVELS = ("student", "resident", "specialist")


class Text(Struct, frozen=True, forbid_unknown_fields=True):
    """The same words in both languages."""

    en: Line
    zh: Line

    def in_(self, language: str) -> str:
        return self.zh if language == "zh" else self.en


class Diagnosis(Struct, frozen=True, forbid_unknown_fields=True):
    """A diagnosis that a learner may name; `also`: other names it is found by."""

    code: Code
    en: Line
    zh: Line
    also: list[str] = []

    def in_(self, language: str) -> str:
        return self.zh if language == "zh" else self.en


class Step(Struct, frozen=True, forbid_unknown_fields=True):
    """What everyone is told, in this order: presentation, history, examination."""

    kind: Literal["presentation", "history", "examination"]
    says: Text


class Test(Struct, frozen=True, forbid_unknown_fields=True):
    """A test that the learner may order: its cost in minor units (fen), and whether the diagnosis needs it."""

    id: Key
    name: Text
    cost: Money
    result: Text
    needed: bool = False


class Stop(Struct, frozen=True, forbid_unknown_fields=True):
    """Where the expert stands once `after` (a kind of step, or a test's id) is known: the list, and why."""

    after: Line
    ranking: Annotated[list[Code], Meta(min_length=1, max_length=5)]
    why: Text


class Concept(Struct, frozen=True, forbid_unknown_fields=True):
    """Something to be learned, asked again later by whoever missed the part of the case it is about."""

    id: Key
    about: Literal["diagnosis", "danger", "tests"]
    ask: Text
    answer: Text
    source: Line


class Script(Struct, frozen=True, forbid_unknown_fields=True):
    """The whole case. `origin`: composed for teaching, or released from records through the gate."""

    id: Key
    title: Text
    level: Literal["student", "resident", "specialist"]
    origin: Literal["composed", "released"]
    diagnosis: Code
    diagnoses: Annotated[list[Diagnosis], Meta(min_length=2)]
    steps: Annotated[list[Step], Meta(min_length=1)]
    path: Annotated[list[Stop], Meta(min_length=1)]
    concepts: Annotated[list[Concept], Meta(min_length=1)]
    sources: Annotated[list[Line], Meta(min_length=1)]
    tests: list[Test] = []
    must_not_miss: list[Code] = []
    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}$")] = "CNY"
    version: Annotated[int, Meta(gt=0)] = 1

    def named(self, code: str) -> Diagnosis | None:
        return next((one for one in self.diagnoses if one.code == code), None)

    def test(self, id: str) -> Test | None:
        return next((one for one in self.tests if one.id == id), None)

    def stop(self, after: str) -> Stop | None:
        return next((one for one in self.path if one.after == after), None)

    def says(self, key: str) -> Text | None:
        """What is told under a kind of step or a test's id."""
        step = next((one.says for one in self.steps if one.kind == key), None)
        found = self.test(key)
        return step or (found.result if found else None)

    @property
    def keys(self) -> list[str]:
        """The steps that everyone sees, in their order."""
        return [one.kind for one in self.steps]

    @property
    def by_cost(self) -> list[Test]:
        return sorted(self.tests, key=lambda one: (one.cost, one.id))


def twice(names: Iterable[str]) -> list[str]:
    """The names that stand more than once.

    >>> twice(["a", "b", "a"])
    ['a']
    """
    return sorted(name for name, count in Counter(names).items() if count > 1)


def encoded(script: Script) -> str:
    """The script as YAML, the way back of `checking.script_of`."""
    return str(yaml.safe_dump(msgspec.to_builtins(script), allow_unicode=True, sort_keys=False, width=120))
