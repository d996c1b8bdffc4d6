from datetime import timedelta

import pytest

from salus.api.access import grant, identify_by
from salus.base import clock
from salus.base.errors import Unauthorized
from salus.privacy import Actor, Purpose, Role

SECRET = bytes(range(32))
DOCTOR = Actor("Practitioner/7", Role.CLINICIAN)
HOUR = timedelta(hours=1)


def bearing(token: str) -> dict[bytes, bytes]:
    return {b"authorization": f"Bearer {token}".encode()}


def test_a_token_names_the_actor_and_the_purpose_it_was_granted_for():
    token = grant(SECRET, DOCTOR, Purpose.TREATMENT, HOUR)

    assert (DOCTOR, Purpose.TREATMENT) == identify_by(SECRET)(bearing(token))


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {b"authorization": b"Basic YTpi"},
        bearing("nonsense"),
        bearing(grant(bytes(32), DOCTOR, Purpose.TREATMENT, HOUR)),
        bearing(grant(SECRET, DOCTOR, Purpose.TREATMENT, -HOUR)),
    ],
    ids=["nothing", "another scheme", "not a token", "signed by another", "expired"],
)
def test_a_door_stays_shut_without_a_token_of_ours(headers: dict[bytes, bytes]):
    with pytest.raises(Unauthorized, match="salus token"):
        identify_by(SECRET)(headers)


def test_a_token_known_yesterday_is_refused_once_it_has_expired():
    identify = identify_by(SECRET)
    token = grant(SECRET, DOCTOR, Purpose.TREATMENT, HOUR)
    identify(bearing(token))

    with clock.stopped_at(clock.now() + 2 * HOUR), pytest.raises(Unauthorized, match="expired"):
        identify(bearing(token))
