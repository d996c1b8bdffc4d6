"""A provider for development, with the faults of real ones: on demand, and the same for the same seed.

Each order is a file in its folder, so that the pages, the services and the tests see one bank. An order's fate is drawn
when it is asked for; without `faults` each is paid at once, and its notice comes soon after.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import msgspec

from salus.base import clock
from salus.base.errors import Busy, Conflict, Invalid
from salus.services.billing.payments import signing
from salus.services.billing.payments.port import Notice, Order, Row, State, Told

LATE = timedelta(hours=2)
SOON = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of an order. `answers`: what is said to who asks (None: nothing); `pays`: whether money moves;
    `notices`: when after it each is sent; `altered`: by somebody on the way; `looks`: whether looking it up helps."""

    answers: State | None = State.PAID
    pays: bool = True
    notices: tuple[timedelta, ...] = (SOON,)
    altered: bool = False
    looks: bool = True


FATES: dict[str, Fate] = {
    "prompt": Fate(),
    "duplicated": Fate(notices=(SOON, SOON, LATE)),
    "late": Fate(answers=State.PENDING, notices=(LATE,)),
    "lost": Fate(answers=State.PENDING, notices=()),
    "altered": Fate(answers=State.PENDING, altered=True),
    "refused": Fate(answers=State.REFUSED, pays=False, notices=()),
    "unanswered": Fate(answers=None),
    "left": Fate(answers=State.PENDING, pays=False, notices=()),
    "silent": Fate(answers=None, pays=False, notices=(), looks=False),
}


class Kept(msgspec.Struct, frozen=True):
    """An order as the folder keeps it. `sent`: how many of its notices have been taken."""

    order: Order
    kind: str
    fate: str
    state: State
    sent: int = 0


@dataclass
class Simulated:
    """`faults`: how often each fate is drawn, such as `{"late": 0.1}`; `chosen`: fates of the next orders instead."""

    folder: Path
    secret: bytes
    faults: Mapping[str, float] = field(default_factory=dict)
    seed: int = 0
    name: str = "simulated"
    at_hand: bool = False
    chosen: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Raises Invalid for a fate that is none."""
        for name in self.faults:
            if name not in FATES:
                raise Invalid(f"'{name}' is no fate of a payment: {', '.join(FATES)}", path="payments")
        self.folder.mkdir(parents=True, exist_ok=True)

    # --- the port ---

    def request(self, order: Order) -> Told:
        return self._asked(order, "payment")

    def refund(self, order: Order) -> Told:
        return self._asked(order, "refund")

    def look(self, order: str) -> Told:
        kept = self._read(order)
        if kept is None:
            return Told(order, State.UNKNOWN, 0, "XXX", clock.now())
        if not FATES[kept.fate].looks:
            raise Busy(f"{self.name} does not answer: try again later")
        return told(kept)

    def close(self, order: str) -> Told:
        said = self.look(order)
        kept = self._read(order)
        if kept is None or said.state is not State.PENDING:
            return said
        return told(self._write(replace_state(kept, State.CLOSED)))

    def read(self, notice: Notice) -> Told:
        return signing.opened(self.secret, notice)

    def fetch(self) -> Iterator[Notice]:
        """The notices that are due; each is sent once, but those of an order that has several."""
        for kept in self._all():
            fate = FATES[kept.fate]
            due = [wait for wait in fate.notices if kept.order.at + wait <= clock.now()]
            for _ in due[kept.sent :]:
                yield self._notice(kept)
            if due[kept.sent :]:
                self._write(msgspec.structs.replace(kept, sent=len(due)))

    def statement(self, begin: datetime, end: datetime) -> Iterable[Row]:
        for kept in self._all():
            if begin <= kept.order.at < end and kept.state is State.PAID:
                one = kept.order
                yield Row(one.id, reference(one.id), kept.kind, one.amount, one.currency, one.at, kept.state)

    # --- behind it ---

    def _asked(self, order: Order, kind: str) -> Told:
        """Raises Busy where nobody answers, Conflict for another order under an id that was used."""
        kept = self._read(order.id)
        if kept is None:
            name = self.chosen.pop(0) if self.chosen else self._drawn(order.id)
            state = State.PAID if FATES[name].pays else FATES[name].answers or State.PENDING
            kept = self._write(Kept(order, kind, name, state))
        elif (kept.order.amount, kept.order.currency) != (order.amount, order.currency):
            raise Conflict(f"{self.name} has another order under {order.id}", path="order")
        answer = FATES[kept.fate].answers
        if answer is None:
            raise Busy(f"{self.name} does not answer: look it up later")
        return replace(told(kept), state=answer)

    def _drawn(self, order: str) -> str:
        chance = Random(f"{self.seed}/{order}").random()
        for name, share in self.faults.items():
            if (chance := chance - share) < 0:
                return name
        return "prompt"

    def _notice(self, kept: Kept) -> Notice:
        true = signing.signed(self.secret, told(kept))
        if not FATES[kept.fate].altered:
            return true
        false = replace(told(kept), amount=kept.order.amount * 2)
        return Notice(msgspec.json.encode(false), true.signature)

    def _path(self, order: str) -> Path:
        """Raises Invalid for what is no id: it would be a path."""
        if not order or not order.replace("-", "").isalnum():
            raise Invalid(f"{order[:64]!r} is no id of an order", path="order")
        return self.folder / f"{order}.json"

    def _read(self, order: str) -> Kept | None:
        try:
            return msgspec.json.decode(self._path(order).read_bytes(), type=Kept)
        except FileNotFoundError:
            return None

    def _write(self, kept: Kept) -> Kept:
        path = self._path(kept.order.id)
        beside = path.with_suffix(f".{os.getpid()}.part")
        beside.write_bytes(msgspec.json.encode(kept))
        beside.replace(path)
        return kept

    def _all(self) -> Iterator[Kept]:
        for path in sorted(self.folder.glob("*.json")):
            yield msgspec.json.decode(path.read_bytes(), type=Kept)


def replace_state(kept: Kept, state: State) -> Kept:
    return msgspec.structs.replace(kept, state=state)


def told(kept: Kept) -> Told:
    one = kept.order
    named = reference(one.id) if kept.state is State.PAID else ""
    return Told(one.id, kept.state, one.amount, one.currency, one.at, named)


def reference(order: str) -> str:
    """The provider's own name for what moved."""
    return f"S{order.replace('-', '')[:24].upper()}"
