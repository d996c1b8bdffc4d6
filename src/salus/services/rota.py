"""Who is on: all listeners and chores of the services. The only module here that knows more than one of them."""

from salus.services.appointments.waiting import rounds as waiting
from salus.services.billing import hearing as charges
from salus.services.billing.payments.waiting import CHORE as PAYMENTS
from salus.services.laboratory.listening import ESCALATION, ORDERS, RESULTS
from salus.services.pharmacy.listening import PRESCRIPTIONS
from salus.services.reception.joining.finishing import CHORE as JOININGS
from salus.services.reception.joining.pairs import CHORE as PAIRS
from salus.services.reception.listening import CHORE as QUEUE_DAYS
from salus.services.reception.listening import LISTENER as QUEUE
from salus.services.reception.missed import CHORE as MISSED
from salus.services.reminders import rounds as reminders
from salus.services.rounds import Chore, Listener

LISTENERS: tuple[Listener, ...] = (
    ORDERS,
    RESULTS,
    PRESCRIPTIONS,
    QUEUE,
    charges.LISTENER,
    waiting.LISTENER,
    *reminders.LISTENERS,
)
CHORES: tuple[Chore, ...] = (
    ESCALATION,
    PAYMENTS,
    JOININGS,
    PAIRS,
    QUEUE_DAYS,
    MISSED,
    charges.CHORE,
    charges.AGAIN,
    *waiting.CHORES,
    *reminders.CHORES,
)
