"""Profiles that a site demands: what does not meet them is not stored, by whatever way it came. By default none are.

https://hl7.org/fhir/R4/profiling.html  What is looked at is all of the second stage of validation, in the transaction
that writes: about a millisecond a resource, of the types concerned.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from salus import fhir
from salus.base import clock
from salus.base.errors import Invalid, Missing
from salus.codes.terminology import Site, Terminology
from salus.codes.terminology.site import FOLDER
from salus.fhir.profiles import Profiles
from salus.records.drafts import Draft
from salus.records.engines import engine_of
from salus.records.stewards import STEWARDED, Stewards, Unmet

if TYPE_CHECKING:
    from salus.records.desk import Desk

TOLD = 20  # issues of a refusal


class Demand:
    """The steward of a type of which a site demands profiles: each resource must meet all of them."""

    def __init__(self, site: Site, named: tuple[str, ...]) -> None:
        self._site, self._named = site, named

    def check(self, desk: "Desk", id: str) -> None:
        """What may be written may be written by whoever may write the type."""

    def admit(self, desk: "Desk", draft: Draft, id: str) -> Draft:
        """Raises Unmet with the errors, or where a profile is not held."""
        profiles = Profiles(self._site.structures, Terminology([self._site]))
        body = draft.stamped(id, 1, clock.instant(clock.now()))
        try:
            found = fhir.validate(body, profiles=profiles, named=self._named)
        except Missing as fault:
            raise Unmet(f"This site takes no {draft.type} yet: {fault}") from None
        if errors := [issue for issue in found if issue.severity == "error"]:
            raise Unmet(f"This site demands more of a {draft.type}: {errors[0].text}", issues=errors[:TOLD])
        return draft

    def release(self, desk: "Desk", id: str) -> None:
        """Anything may be deleted."""


def demanded(store: Path | str, profiles: Mapping[str, tuple[str, ...]]) -> Stewards:
    """The stewards for a store's demands: type -> canonical addresses. Raises Invalid for what is no type."""
    site = Site(engine_of(store).folder / FOLDER)
    for type in profiles:
        if type not in fhir.RESOURCE_TYPES or type in STEWARDED:
            raise Invalid(f"Profiles cannot be demanded of '{type[:60]}': name a resource type", path="profiles")
    return {type: Demand(site, named) for type, named in profiles.items()}
