"""Pure decisions about access: actor, purpose, policy. Stores nothing and reads nothing."""

from salus.privacy.actor import SYSTEM, Actor, Guardian, Purpose, Role
from salus.privacy.policy import check_may, check_may_be_advised, check_may_enter, check_may_release, may

__all__ = [
    "SYSTEM",
    "Actor",
    "Guardian",
    "Purpose",
    "Role",
    "check_may",
    "check_may_be_advised",
    "check_may_enter",
    "check_may_release",
    "may",
]
