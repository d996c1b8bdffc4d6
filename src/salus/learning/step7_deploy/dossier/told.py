"""What a report is made of: the bundle, the facts of its run, its figures, its life since; and words for them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from salus.base.words import words_of
from salus.learning.step5_evaluate.figures import Evaluation
from salus.learning.step7_deploy.bundle import Bundle
from salus.learning.step7_deploy.external import External
from salus.learning.step7_deploy.facts import Facts
from salus.learning.step7_deploy.shelf import Promotion
from salus.learning.task import Text

PACKAGE = "salus.learning.step7_deploy.dossier"


@dataclass(frozen=True)
class Known:
    """Everything that is known of one version. `about`: what the site states; `weeks`: week -> answers told."""

    bundle: Bundle
    facts: Facts
    found: Evaluation
    labels: Mapping[str, Text]  # source -> what people call the thing
    state: str
    about: Mapping[str, Text | str] = field(default_factory=dict)
    promotions: tuple[Promotion, ...] = ()
    elsewhere: tuple[External, ...] = ()
    weeks: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Told:
    """The known, told in one language."""

    known: Known
    language: str

    def say(self, key: str, **slots: object) -> str:
        """Words of this package, else those of the reports of a run."""
        own = words_of(PACKAGE)
        return (
            own(key, self.language, **slots) if key in own else words_of("salus.learning")(key, self.language, **slots)
        )

    def text(self, value: Text | str) -> str:
        """A statement of the site: one for both languages, or one for each."""
        return value if isinstance(value, str) else str(value.get(self.language) or next(iter(value.values()), ""))

    @cached_property
    def comma(self) -> str:
        return "、" if self.language == "zh" else ", "

    @cached_property
    def semicolon(self) -> str:
        return "；" if self.language == "zh" else "; "

    def listed(self, values: Any) -> str:
        """Values between commas; "none" for none."""
        return self.comma.join(map(str, values)) or self.say("page.none")

    def class_name(self, name: str) -> str:
        """What people call a class."""
        known = self.known.bundle.task.label.names.get(name)
        return known[self.language] if known else name


def tidy(text: str) -> str:
    """One space between words, no doubled stops, no space before a stop, a capital first.

    >>> tidy("none.  It stays .. so")
    'None. It stays. so'
    """
    text = re.sub(r"\s+", " ", text).strip()
    text = re.sub(r"\s+([.;,。；，])", r"\1", text)
    text = re.sub(r"([.。?!？！])(?:\s*[.。])+", r"\1", text)
    return text[:1].upper() + text[1:]
