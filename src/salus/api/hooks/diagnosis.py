"""patient-view: what the diagnosis assistant says about the patient whose chart is opened.

https://cds-hooks.hl7.org/hooks/patient-view/2020SepSTU2/patient-view/. Prefetched data are never stored.
"""

from collections.abc import Mapping

from salus.analytics.events import TYPES
from salus.api.hooks.calls import Call, Feedback, Json, lacking, prefetched, templates, why_overridden
from salus.assistants.answers import REASON_SYSTEM, Said
from salus.assistants.bedside import Bedside
from salus.assistants.diagnosis.card import card, choice_id, offered
from salus.assistants.suggestion import Suggestion
from salus.base.errors import Gone, Invalid, Missing
from salus.base.words import words_of
from salus.privacy import check_may
from salus.privacy.policy import Act
from salus.records import Records


class Diagnosis:
    """The service; one for an installation."""

    id, hook = "salus-diagnosis", "patient-view"
    # the types that events are made of; answers to us stand in our own store
    prefetch: Mapping[str, str] = templates({*TYPES} - {"ClinicalImpression"})

    def __init__(self, bedside: Bedside) -> None:
        self.bedside = bedside

    def named(self, language: str) -> tuple[str, str]:
        words = words_of("salus.assistants")
        return words("card.source", language), words("service.description", language)

    def cards(self, records: Records, call: Call, language: str, base: str) -> list[Json]:
        return [card(one, language, base) for one in self.suggestions(records, call)]

    def suggestions(self, records: Records, call: Call) -> list[Suggestion]:
        """On prefetched data if they are whole, else on the store. Raises Lacking when the patient is in neither."""
        found = prefetched(call, self.prefetch)
        if found is not None:
            check_may(records.actor, records.purpose, Act.READ, "RiskAssessment")
            known = [one for one in found if one["resourceType"] in TYPES]
            return self.bedside.suggestions_from(known, call.context.patientId, call.server)
        try:
            return self.bedside.suggestions(records, call.context.patientId)
        except (Missing, Gone) as fault:
            raise lacking(call, self.prefetch) from fault

    def heed(self, records: Records, said: Feedback) -> None:
        """Store one feedback as an answer. Raises Missing (not our card), Invalid (a choice it did not offer)."""
        at = said.taken_at
        if said.outcome == "overridden":
            reason, comment = why_overridden(said.overrideReason, REASON_SYSTEM)
            self.bedside.answer(records, said.card, Said("refused", reason, comment, at=at))
            return
        suggestion = self.bedside.find(records, said.card)
        chosen = {one.id for one in said.acceptedSuggestions}
        claims = [claim for claim in offered(suggestion) if choice_id(said.card, claim.code) in chosen]
        if not claims:
            raise Invalid(f"Card {said.card} offered none of {sorted(chosen)}", path="acceptedSuggestions")
        leading = suggestion.leading
        agreed = leading is not None and claims[0] == leading.claim
        answer = Said("accepted", at=at) if agreed else Said("changed", to=claims[0], at=at)
        self.bedside.answer(records, said.card, answer)
