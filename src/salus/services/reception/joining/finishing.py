"""The rounds go on with what somebody was interrupted in: a process that was killed leaves no half of a joining."""

from datetime import timedelta

from salus.services.acting import of_house
from salus.services.reception.joining import joining, parting
from salus.services.reception.joining.kept import JOINING, PARTING, joinings
from salus.services.rounds import Chore, House

GOING_ON = {JOINING: joining.carry_on, PARTING: parting.carry_on}


def finish(house: House) -> None:
    """Whoever is at it at the same time loses nothing by it: each takes what is left."""
    for one in joinings(house.store, tuple(GOING_ON))[0]:
        GOING_ON[one.stage](of_house(house.store), one)


CHORE = Chore("joinings", timedelta(minutes=1), finish)
