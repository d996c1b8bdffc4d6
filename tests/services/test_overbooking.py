"""Places on top: the outlook is that of a plain simulation, and a place is given where it is worth most, or nowhere."""

import math
from itertools import combinations
from random import Random
from statistics import fmean

import pytest

from salus.services.appointments.finding import Service
from salus.services.appointments.noshow import Chance
from salus.services.appointments.overbooking import Weights, on_top, outlook, with_one
from salus.services.appointments.sessions import Booked, session

SPREAD = 0.4


def simulated(places: list[list[float]], rng: Random) -> tuple[float, float]:
    """(waiting of all, work after the end) of one session, in places."""
    sigma = math.sqrt(math.log(1 + SPREAD**2))
    free = waited = 0.0
    for at, chances in enumerate(places):
        for chance in chances:
            if rng.random() < chance:
                begins = max(free, float(at))
                waited += begins - at
                free = begins + rng.lognormvariate(-(sigma**2) / 2, sigma)
    return waited, max(0.0, free - len(places))


@pytest.mark.parametrize("seed", range(3))
def test_what_is_expected_is_the_mean_of_many_simulated_sessions(seed):
    rng = Random(seed)
    places = [[rng.uniform(0.5, 1) for _ in range(rng.choice([1, 1, 2]))] for _ in range(8)]
    found = outlook(places, SPREAD)
    waited, over = zip(*(simulated(places, rng) for _ in range(20_000)), strict=True)

    assert found.seen == pytest.approx(sum(map(sum, places)))
    assert found.waiting == pytest.approx(fmean(waited), rel=0.05, abs=0.05)
    assert found.overtime == pytest.approx(fmean(over), rel=0.05, abs=0.05)


def test_nobody_is_put_on_top_of_people_who_surely_come():
    assert [] == on_top([[1.0]] * 8, 1.0)


def test_the_one_who_hardly_comes_has_someone_beside_them():
    places = [[0.98]] * 8
    places[3] = [0.2]

    assert [3] == [one.place for one in on_top(places, 0.95, most=1)]


def test_one_after_the_other_is_as_good_as_the_best_pair():
    rng = Random(5)
    places, weights = [[rng.uniform(0.4, 1)] for _ in range(7)], Weights(overtime=0.8)
    given = on_top(places, 0.8, weights, most=2)
    pairs = [with_one(with_one(places, a, 0.8), b, 0.8) for a, b in combinations(range(7), 2)]

    assert 2 == len(given)
    assert given[-1].outlook.worth(weights) == pytest.approx(
        max(outlook(one).worth(weights) for one in pairs), rel=0.01
    )


def test_a_place_on_top_is_given_only_where_one_is_booked_and_says_when():
    service = Service(15, 15, ())
    low = 1_800_000_000
    with_them = ("PractitionerRole/3", "Location/1")
    said = [(0, Chance(0.05)), *[(at, Chance(0.9, "no-show/1")) for at in (900, 900, 1800)]]
    booked = [Booked(low + at, with_them, chance) for at, chance in said]
    found = session(service, booked, (low, low + 4 * 900))

    assert (4, pytest.approx(2.75), "no-show/1") == (found.booked, found.missed, found.model)
    assert found.on_top and {low, low + 1800} >= {int(one.offer.start.timestamp()) for one in found.on_top}
    assert {with_them} == {one.offer.actors for one in found.on_top}


def test_a_session_that_nobody_booked_has_no_place_on_top():
    found = session(Service(15, 15, ()), [], (0, 3600))

    assert ((), 0, 0.0) == (found.on_top, found.booked, found.expected.seen)
