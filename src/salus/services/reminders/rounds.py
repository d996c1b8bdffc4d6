"""When the house tells: as soon as it hears, before a visit by the clock, and outside as soon as it may."""

from datetime import timedelta

from salus.services.reminders.coming import remind
from salus.services.reminders.listening import LISTENER
from salus.services.reminders.sending import send_due
from salus.services.rounds import Chore, House


def tell_of_visits(house: House) -> None:
    remind(house)


def post(house: House) -> None:
    send_due(house)


LISTENERS = (LISTENER,)
CHORES = (
    Chore("reminders", timedelta(minutes=5), tell_of_visits),
    Chore("sending notices", timedelta(seconds=20), post),
)
