"""What the pages ask of the assistants."""

from typing import Any, Protocol

from salus.assistants.suggestion import Answer, Claim, Suggestion, Verdict
from salus.records import Records


class Bedside(Protocol):
    """The assistants, as far as the pages know them: `salus.assistants.bedside.Bedside`."""

    def suggestions(self, records: Records, patient_id: str, language: str = "en") -> list[Suggestion]: ...

    def answer(
        self,
        records: Records,
        suggestion_id: str,
        verdict: Verdict,
        reason: str = "",
        comment: str = "",
        to: Claim | None = None,
    ) -> Answer: ...

    def undo(self, records: Records, suggestion_id: str) -> Answer | None: ...

    def models(self) -> list[dict[str, Any]]: ...

    def monitor(self, name: str) -> dict[str, Any]: ...
