"""Who is asked before a Subscription is written: is it one that is served, whose is it, what may they hear of.

The values of its headers are secrets: they are kept apart and the Subscription shows a mask, so that no read, search,
history, export or copy of it can tell them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson

from salus.base import clock
from salus.base.errors import Conflict, Forbidden, Invalid, Missing, SalusError
from salus.base.outbound import Rules
from salus.privacy import Actor, Purpose, Role, check_may
from salus.privacy.policy import Act
from salus.records import Store, drafts, notices
from salus.records.desk import Desk
from salus.records.drafts import Draft
from salus.records.notices import Secrets, Subscriber
from salus.subscriptions.asking import MASK, REST_HOOK, Wish, wish, wrong
from salus.subscriptions.topics import Topics

TELLER = Actor("Device/salus-notices", Role.SYSTEM)  # who tells, and sets the status by what came of it
MOST_OWNED = 100  # Subscriptions of one account
OVERSEERS = (Role.ADMINISTRATOR, Role.SYSTEM)
TYPE = "Subscription"
Body = Mapping[str, Any]


@dataclass(frozen=True)
class Steward:
    """`address`: of /fhir as the world knows it; it stands in what is told."""

    topics: Topics
    rules: Rules
    address: str

    def wish(self, body: Body) -> Wish:
        """Raises Invalid, Unsupported."""
        return wish(body, self.topics, self.rules)

    def check(self, desk: Desk, id: str) -> None:
        """Raises Missing where it is not the own one of a patient's account, Forbidden where it is another's."""
        owner = notices.owner(desk, id)
        if desk.actor.patient is not None and not (owner and owned_here(desk, owner)):
            raise missing(id)
        if owner and not owned_here(desk, owner) and desk.actor.role not in OVERSEERS:
            raise Forbidden(f"{TYPE}/{id} is another account's: make your own")

    def admit(self, desk: Desk, draft: Draft, id: str) -> Draft:
        """The Subscription with its secrets masked; they and its owner are kept beside it."""
        if desk.actor == TELLER:
            return draft
        body: dict[str, Any] = orjson.loads(draft.stamped(id, 1, ""))
        owner, before = notices.owner(desk, id), body_at(desk, id)
        asked = self.wish(body)
        check_status(asked, body, before)
        who, purpose = (owner.actor, owner.purpose) if owner else (desk.actor, desk.purpose)
        check_rights(asked, who, purpose)
        if owner is None and notices.owned(desk, who.reference) >= MOST_OWNED:
            raise Conflict(f"{who.reference} has {MOST_OWNED} Subscriptions already: delete some")
        same = before is not None and before["channel"].get("endpoint") == body["channel"].get("endpoint")
        notices.own(desk, id, secrets(asked, owner.secrets if owner and same else {}))
        return masked(draft, body, asked)

    def release(self, desk: Desk, id: str) -> None:
        notices.disown(desk, id)


def steward_of(store: Store) -> Steward:
    """The steward that a store was opened with. Raises Invalid where it has none."""
    found = store.stewards.get(TYPE)
    if not isinstance(found, Steward):
        raise Invalid("Subscriptions are served by the running server only: start it with `salus serve`")
    return found


def body_at(desk: Desk, id: str) -> Body | None:
    """What stands there now."""
    try:
        return desk.current(TYPE, id).json()
    except SalusError:
        return None


def missing(id: str) -> Missing:
    """What is told of a Subscription that is not there, and of one that an account may not know of."""
    return Missing(f"There is no {TYPE}/{id[:64]} of this account: POST one to /fhir/{TYPE}")


def owns(actor: Actor, owner: Actor) -> bool:
    """Whether they are one account; `owner` is led to the record that stands for theirs, as every actor is."""
    return (actor.reference, actor.patient) == (owner.reference, owner.patient)


def owned_here(desk: Desk, owner: Subscriber) -> bool:
    """As `owns`, in the transaction."""
    patient = owner.actor.patient
    return owns(desk.actor, replace(owner.actor, patient=patient and desk.person(patient)))


def check_status(asked: Wish, body: Body, before: Body | None) -> None:
    """A client asks for it or ends it; that it is active, or fails, is for us to say.

    https://hl7.org/fhir/R4/subscription-definitions.html#Subscription.status
    """
    kept = before is not None and before["status"] == asked.status and before["channel"] == body["channel"]
    if asked.status not in ("requested", "off") and not kept:
        raise wrong("status", f"say 'requested' (or 'off'), not '{asked.status}': it is active when its channel works")
    if asked.status != "off" and asked.end and asked.end <= clock.now():
        raise wrong("end", f"{body['end']} has passed: give a later time, or none")


def check_rights(asked: Wish, who: Actor, purpose: Purpose) -> None:
    """Raises Forbidden for a topic about what the account may not read."""
    for type in asked.topic.types:
        check_may(who, purpose, Act.READ, type)


def secrets(asked: Wish, known: Secrets) -> Secrets:
    """The values of the headers; a mask stands for the value that is known, while the endpoint stays."""
    found = {}
    for name, value in asked.headers:
        if value == MASK and name not in known:
            raise wrong("channel.header", f"the value of {name} is not known (any more): give it again")
        found[name] = known[name] if value == MASK else value
    return found


def masked(draft: Draft, body: dict[str, Any], asked: Wish) -> Draft:
    if not asked.headers or asked.channel != REST_HOOK:
        return draft
    body["channel"] = {**body["channel"], "header": [f"{name}: {MASK}" for name, _ in asked.headers]}
    kept = {name: value for name, value in body.pop("meta").items() if name not in ("versionId", "lastUpdated")}
    body |= {"meta": kept} if kept else {}
    made = drafts.draft(body, TYPE)
    made.id = draft.id
    return made
