"""What subscribers are to be told is numbered once, and a Subscription is written with its steward's leave only."""

from collections.abc import Callable, Iterator

import pytest

from salus.base.errors import Forbidden, Unsupported
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records import Change, Store
from salus.records.desk import Desk
from salus.records.drafts import Draft
from salus.records.notices import CURSOR, Notices, Order, disown, own, owned, owner

WISH = {
    "resourceType": "Subscription",
    "status": "requested",
    "reason": "to hear of it",
    "criteria": "https://topic.example",
    "channel": {"type": "rest-hook", "endpoint": "https://lab.example/in"},
}
DOCTOR = Actor("Practitioner/doc", Role.CLINICIAN)


class Open:
    """A steward who lets in all but what names a forbidden reason."""

    def check(self, desk: Desk, id: str) -> None:
        """Everybody may."""

    def admit(self, desk: Desk, draft: Draft, id: str) -> Draft:
        if b"forbidden" in draft.rest:
            raise Forbidden("not that")
        own(desk, id, {"X-Key": "secret"})
        return draft

    def release(self, desk: Desk, id: str) -> None:
        disown(desk, id)


@pytest.fixture
def store(new_place: Callable[[], str]) -> Iterator[Store]:
    with Store(new_place(), {"Subscription": Open()}) as opened:
        yield opened


def test_without_a_steward_nothing_of_the_type_is_taken_in_by_any_way(new_place: Callable[[], str]):
    with Store(new_place()) as store:
        records = store.open(SYSTEM, Purpose.OPERATIONS)
        bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [
            {"resource": WISH, "request": {"method": "POST", "url": "Subscription"}}]}  # fmt: skip
        for write in (
            lambda: records.create("Subscription", WISH),
            lambda: records.update("Subscription", "s", WISH),
            lambda: records.bundle(bundle),
            lambda: records.put_many([("Subscription", "s", b'{"resourceType":"Subscription","status":"off",'
                b'"reason":"r","criteria":"c","channel":{"type":"rest-hook"}}')]).result(),
        ):  # fmt: skip
            with pytest.raises(Unsupported, match="running server"):
                write()
        assert 0 == store.last_transaction()


def test_what_a_steward_refuses_is_not_stored_nor_owned(store: Store):
    records = store.open(DOCTOR, Purpose.TREATMENT)
    with pytest.raises(Forbidden):
        records.update("Subscription", "s", WISH | {"reason": "forbidden"})

    assert (0, []) == (store.last_transaction(), Notices(store).subscribers())


def test_a_subscription_belongs_to_who_wrote_it_first_and_goes_with_its_deletion(store: Store):
    store.open(DOCTOR, Purpose.TREATMENT).update("Subscription", "s", WISH)
    store.open(SYSTEM, Purpose.OPERATIONS).update("Subscription", "s", WISH | {"reason": "another"})
    [found] = Notices(store).subscribers()

    assert (DOCTOR, Purpose.TREATMENT, {"X-Key": "secret"}) == (found.actor, found.purpose, found.secrets)
    store.open(DOCTOR, Purpose.TREATMENT).delete("Subscription", "s")
    assert [] == Notices(store).subscribers()


def test_events_are_numbered_on_without_a_gap_and_once_only(store: Store):
    records, notices = store.open(SYSTEM, Purpose.OPERATIONS), Notices(store)
    records.update("Subscription", "s", WISH)
    for n in range(3):
        records.update("Patient", "p", {"resourceType": "Patient", "birthDate": f"200{n}"})
    changes = [change for change in store.outbox(0) if change.type == "Patient"]

    first = [Order("s", 0, 1, changes[:2])]
    assert notices.number(0, 3, first)
    assert not notices.number(0, 3, first)  # another process, that has not seen it
    others = [Order("s", 7, 7, changes), Order("gone", 0, 1, changes)]
    assert notices.number(3, 4, [Order("s", 1, 1, changes[2:]), *others])
    assert [(1, changes[0]), (2, changes[1]), (3, changes[2])] == [(e.n, e.change) for e in notices.events("s", 0, 10)]
    assert (4, 3) == (store.cursor(CURSOR), notices.subscriber("s").numbered)


def test_who_was_told_is_in_the_audit_and_what_was_told_may_be_forgotten(store: Store):
    records, notices = store.open(DOCTOR, Purpose.TREATMENT), Notices(store)
    records.update("Subscription", "s", WISH)
    notices.number(0, 1, [Order("s", 0, 1, [Change(1, "Subscription", "s", 1, "create")] * 5)])
    notices.fail("s", "answered 500")
    assert (1, "answered 500") == (notices.subscriber("s").failures, notices.subscriber("s").fault)

    notices.tell(notices.subscriber("s"), 4, "Subscription/s events 1 to 4")
    notices.prune("s", 2)

    told = notices.subscriber("s")
    assert (4, 0, None, 3) == (told.sent, told.failures, told.fault, notices.first("s"))
    last = store.audit()[-1]
    assert ("Practitioner/doc", "TREAT", "notify") == (last.who, last.purpose, last.act)
    store.verify()


def test_the_desk_knows_the_owner_and_how_many_they_have(store: Store):
    seen = []

    class Curious(Open):
        def admit(self, desk: Desk, draft: Draft, id: str) -> Draft:
            seen.append((owner(desk, id), owned(desk, desk.actor.reference)))
            return super().admit(desk, draft, id)

    store.writer._stewards = {"Subscription": Curious()}
    for id in ("a", "b"):
        store.open(DOCTOR, Purpose.TREATMENT).update("Subscription", id, WISH)

    assert [(None, 0), (None, 1)] == seen
