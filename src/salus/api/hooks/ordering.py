"""order-select and order-sign: what speaks against orders that are being chosen, or are about to be signed, and what
may be ordered instead.

https://cds-hooks.hl7.org/hooks/order-sign/2020May/order-sign/
https://cds-hooks.hl7.org/hooks/order-select/2020May/order-select/
"""

from collections.abc import Mapping

from salus.analytics.events import TYPES
from salus.api.hooks.calls import (
    Call,
    Feedback,
    Json,
    lacking,
    prefetched,
    resources_in,
    templates,
    why_overridden,
)
from salus.assistants.treatment.card import cards, option_id, suggestion_id
from salus.assistants.treatment.options import Card, Treatment, answers
from salus.assistants.treatment.options.alternatives import instead, spoken_of
from salus.assistants.treatment.overrides import REASON_SYSTEM
from salus.assistants.treatment.screen import lifetime
from salus.base.errors import Gone, Invalid, Missing
from salus.base.words import words_of
from salus.privacy import check_may
from salus.privacy.policy import Act
from salus.records import Records

ORDERED = ("MedicationRequest",)
SCREENED = ("AllergyIntolerance", "Condition", "MedicationRequest", "MedicationStatement", "Observation", "Patient")
EVENTFUL = frozenset(TYPES) - {"ClinicalImpression"}  # what effect models are asked about; answers to us stand here
# what only some rules and models ask for: without it they say that they were not asked
SPARE = frozenset({lifetime.TYPE, *EVENTFUL}) - frozenset(SCREENED)


class Ordering:
    """One of the two services: they differ in the hook, and in that only what is to be signed is written down."""

    prefetch: Mapping[str, str] = templates((*SCREENED, *SPARE))

    def __init__(self, hook: str, treatment: Treatment) -> None:
        self.id, self.hook, self.treatment = f"salus-{hook}", hook, treatment

    def named(self, language: str) -> tuple[str, str]:
        words = words_of("salus.assistants.treatment")
        return words("card.source", language), words(f"service.{self.hook}", language)

    def cards(self, records: Records, call: Call, language: str, base: str) -> list[Json]:
        proposed = self.proposed(call)
        if not proposed:
            return []
        found = prefetched(call, self.prefetch, SPARE)
        if found is not None:
            check_may(records.actor, records.purpose, Act.READ, "DetectedIssue")
            patient = f"{call.server}/Patient/{call.context.patientId}"
            every = call.prefetch.keys() >= EVENTFUL
            whole = self.treatment.options_from(found, patient, proposed, every)
        else:
            try:
                signed = self.hook == "order-sign"
                whole = self.treatment.ordering(records, call.context.patientId, proposed, keep=signed)
            except (Missing, Gone) as fault:
                raise lacking(call, self.prefetch) from fault
        drafts = {f"{one['resourceType']}/{one.get('id', '')}" for one in proposed}
        self.remember(whole, drafts)
        return cards(whole, drafts, language, base, choosing=self.hook == "order-select")

    def remember(self, whole: Card, drafts: set[str]) -> None:
        """What feedback may speak of: each option's card, and each medicine that a card offers instead."""
        for option, _ in spoken_of(whole, drafts):
            self.treatment.offer(option_id(whole.patient, option), whole.patient, option)
        ids = [option_id(whole.patient, option) for option, _ in spoken_of(whole, drafts)]
        ids += [whole.told.id(finding) for finding in whole.told.screening.findings]
        for one in (each for draft in drafts for each in instead(whole, draft)):
            for id in ids:
                self.treatment.offer(suggestion_id(id, one), whole.patient, one.option, one.medicine.named.en)

    def proposed(self, call: Call) -> list[Json]:
        """The medicines among the draft orders; of order-select those that are selected. Raises Invalid without."""
        raw = bytes(call.context.draftOrders)
        if raw == b"null":
            raise Invalid(f"{self.hook} needs context.draftOrders: a Bundle of the orders", path="context.draftOrders")
        drafts = [one for one in resources_in("context.draftOrders", raw) if one["resourceType"] in ORDERED]
        if self.hook == "order-select" and call.context.selections is not None:
            chosen = set(call.context.selections)
            drafts = [one for one in drafts if f"{one['resourceType']}/{one.get('id', '')}" in chosen]
        return drafts

    def heed(self, records: Records, said: Feedback) -> None:
        """An order taken back leaves nothing to write; one taken instead does, and so does to go on in spite of a card.

        Raises Missing, Invalid."""
        if said.outcome == "accepted":
            for one in said.acceptedSuggestions:
                self.treatment.heed(records, one.id, "", "", said.taken_at, refused=False)
            return
        reason, comment = why_overridden(said.overrideReason, answers.REASON_SYSTEM)
        if not self.treatment.heed(records, said.card, reason, comment, said.taken_at, refused=True):
            reason, comment = why_overridden(said.overrideReason, REASON_SYSTEM)
            self.treatment.prescribing.go_on(records, said.card, reason, comment, said.taken_at)
