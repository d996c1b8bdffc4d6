"""Types that are more than records: what is written of them does something, so a steward is asked first.

A Subscription sends records out of the house. Whoever opens a store names the stewards (`Store(path, stewards)`); where
a type of `STEWARDED` has none, nothing of it can be written, by whatever way it came: a file, a Bundle, a patch. Other
types may have one too, such as a site's demand that they meet a profile (`demands.py`).
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from salus.base.errors import Invalid, SalusError, Unsupported
from salus.records.drafts import Draft

if TYPE_CHECKING:
    from salus.records.desk import Desk

STEWARDED = frozenset({"Subscription"})


class Unmet(Invalid):
    """A resource that its steward does not admit; of others in the same load nothing is said."""


class Steward(Protocol):
    """Asked at the desk, in the transaction that writes: what it writes besides stands or falls with it."""

    def check(self, desk: "Desk", id: str) -> None:
        """Before anything is told of what stands there. Raises SalusError where this account may not write it."""
        ...

    def admit(self, desk: "Desk", draft: Draft, id: str) -> Draft:
        """What shall be stored in its place. Raises SalusError; `desk.actor` asks, for `desk.purpose`."""
        ...

    def release(self, desk: "Desk", id: str) -> None:
        """It is about to be deleted. Raises SalusError."""
        ...


@runtime_checkable
class Bunching(Protocol):
    """A steward that can be asked for many new resources at once, unless what it looks at comes along with them."""

    looks_at: frozenset[str]

    def admit_many(self, desk: "Desk", found: Sequence[tuple[str, bytes]]) -> list[SalusError | None]:
        """As `admit` of each in turn (id and JSON), which it changes in nothing: what is wrong with it, None where it
        is admitted; shorter than `found` where the next is to be asked for alone."""
        ...


Stewards = Mapping[str, Steward]


def check(desk: "Desk", type: str, id: str) -> None:
    """Raises SalusError where what stands there is another account's."""
    if type in STEWARDED:
        steward_of(desk, type).check(desk, id)


def admitted(desk: "Desk", draft: Draft, id: str) -> Draft:
    """The draft as its steward wants it; of all other types as it is."""
    if draft.type in STEWARDED or draft.type in desk.stewards:
        return steward_of(desk, draft.type).admit(desk, draft, id)
    return draft


def released(desk: "Desk", type: str, id: str) -> None:
    if type in STEWARDED or type in desk.stewards:
        steward_of(desk, type).release(desk, id)


def steward_of(desk: "Desk", type: str) -> Steward:
    """Raises Unsupported where there is none."""
    found = desk.stewards.get(type)
    if found is None:
        raise Unsupported(f"A {type} is not taken in like this: send it to /fhir/{type} of the running server")
    return found
