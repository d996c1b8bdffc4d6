"""The one door of the quizzes: take a case, go on, be asked again, publish a case. Every call is for training."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from salus.assistants.cases.quizzes import kept, shelf, sitting
from salus.assistants.cases.quizzes.review import Due, Review, cards
from salus.assistants.cases.quizzes.script import Script
from salus.assistants.cases.quizzes.sitting import Guess, Sitting
from salus.base import clock
from salus.base.errors import Forbidden, Missing
from salus.base.ids import uuid7
from salus.privacy import Actor, Purpose
from salus.records import Records, Store


@dataclass
class Classroom:
    """The quizzes as one person meets them. Opens the store for the purpose of training."""

    store: Store
    actor: Actor

    @cached_property
    def records(self) -> Records:
        return self.store.open(self.actor, Purpose.TRAINING)

    @cached_property
    def scripts(self) -> Mapping[str, Script]:
        return shelf.scripts(self.records)

    @property
    def learner(self) -> str:
        return self.actor.reference

    def sittings(self) -> list[Sitting]:
        """My own, the oldest first."""
        return kept.sittings(self.records, self.learner)

    def of_everyone(self) -> list[Sitting]:
        return kept.sittings(self.records)

    def begin(self, case: str) -> Sitting:
        """The sitting of mine that still runs, or a new one. Raises Missing for an unknown case."""
        script = shelf.the_script(self.records, case)
        running = [one for one in self.sittings() if one.case == case and not one.finished]
        fits = [one for one in running if one.version == script.version]
        return fits[-1] if fits else self._keep(sitting.begun(uuid7(), script, self.learner, clock.now()))

    def mine(self, id: str) -> tuple[Sitting, Script]:
        """A sitting of mine and its case. Raises Missing, or Forbidden for somebody else's."""
        found = kept.sitting_of(self.records.read(kept.TYPE, id).json())
        if found.learner != self.learner:
            raise Forbidden("This quiz is another learner's: take the case yourself")
        return found, shelf.the_script(self.records, found.case)

    def take(self, id: str, guesses: tuple[Guess, ...], then: str) -> Sitting:
        """My list, and what to open next. Raises as `sitting.take`."""
        found, script = self.mine(id)
        return self._keep(sitting.take(found, script, guesses, then, clock.now()))

    def _keep(self, found: Sitting) -> Sitting:
        self.records.update(kept.TYPE, found.id, kept.response(found))
        return found

    def cards(self) -> list[Due]:
        """My cards, the longest due first."""
        return cards(self.sittings(), kept.reviews(self.records, self.learner), self.scripts, clock.now())

    def review(self, case: str, concept: str, rating: str) -> Review:
        """My answer to a card. Raises Missing for one that I do not have, Invalid for an unknown answer."""
        if not any((one.script.id, one.concept.id) == (case, concept) for one in self.cards()):
            raise Missing(f"You have no card '{concept}' of the case '{case}'", path="concept")
        said = Review(uuid7(), case, concept, rating, self.learner, clock.now())
        self.records.update(kept.TYPE, said.id, kept.review_response(said))
        return said
