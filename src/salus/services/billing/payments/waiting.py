"""Payments that wait for a provider: each is looked up until it is settled or let go, so that none waits for ever."""

import logging
from datetime import timedelta

from salus.assistants.answers import every
from salus.base import clock
from salus.base.errors import Busy, SalusError
from salus.privacy import SYSTEM, Purpose
from salus.records import Store
from salus.services.billing.payments import asking, desk
from salus.services.billing.payments.port import Provider, State, Told
from salus.services.billing.payments.providers import providers_of
from salus.services.billing.payments.shapes import TYPE, Payment, Status, is_payment, payment_of
from salus.services.rounds import Chore, House

log = logging.getLogger(__name__)
LOOKED = timedelta(minutes=1)  # after which what a provider has not told is looked up
CLOSED = timedelta(minutes=30)  # after which what was not paid is closed
GIVEN_UP = timedelta(hours=24)  # after which what a provider does not answer at all is let go
EVERY = timedelta(seconds=20)


def look_up(house: House) -> None:
    """Fetch what waits to be fetched, and look up what was not told."""
    providers = providers_of(house.settings)
    for provider in providers.values():
        fetch(house.store, provider)
    for payment in pending(house.store):
        if payment.provider in providers:
            settle_or_let_go(house.store, payment, providers[payment.provider])


def fetch(store: Store, provider: Provider) -> None:
    for notice in provider.fetch():
        try:
            desk.noticed(store, provider, notice)
        except Busy:
            raise
        except SalusError as fault:  # it was laid before the clerk
            log.warning("a notice of %s was refused: %s", provider.name, type(fault).__name__)


def pending(store: Store) -> list[Payment]:
    """The payments that wait, those first that wait longest."""
    found = every(store.open(SYSTEM, Purpose.PAYMENT), TYPE, [("status", Status.PENDING), ("_count", "200")])
    return sorted((payment_of(told) for told in found if is_payment(told)), key=lambda one: one.at)


def settle_or_let_go(store: Store, payment: Payment, provider: Provider) -> None:
    """Ask what became of a payment that has waited long enough."""
    waited = clock.now() - payment.at
    if waited < LOOKED:
        return
    try:
        told = provider.look(payment.id) if waited < CLOSED else provider.close(payment.id)
    except (Busy, OSError):
        if waited < GIVEN_UP:
            return
        told = Told(payment.id, State.UNKNOWN, payment.amount, payment.currency, clock.now())
    try:
        asking.heard(store, provider, told)
    except Busy:
        raise
    except SalusError as fault:
        log.warning("%s cannot be settled: %s", payment.key, type(fault).__name__)


CHORE = Chore("payments", EVERY, look_up)
