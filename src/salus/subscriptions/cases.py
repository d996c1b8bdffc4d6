"""A Subscription as it stands now, for who tells it and who asks after it."""

from dataclasses import dataclass

from salus.records import Store, Version
from salus.records.notices import Notices, Subscriber
from salus.subscriptions.asking import Wish
from salus.subscriptions.steward import TYPE, Steward, missing


@dataclass(frozen=True, slots=True)
class Case:
    """Whose it is and how far it was told; its resource; what it asks for."""

    who: Subscriber
    version: Version
    asked: Wish


def standing(store: Store, id: str) -> tuple[Subscriber, Version]:
    """Raises Missing where there is none (any more). Asks nobody's leave: that is for the caller."""
    who = Notices(store).subscriber(id)
    with store.readers.one() as reader:
        version = reader.current(TYPE, id, None)
    if who is None or version is None or version.deleted:
        raise missing(id)
    return who, version


def case(store: Store, steward: Steward, id: str) -> Case:
    """Raises Missing; Invalid or Unsupported where what it asks for is not served any more."""
    who, version = standing(store, id)
    return Case(who, version, steward.wish(version.json()))
