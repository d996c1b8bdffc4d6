"""The states of a queue ticket and what leads from one to another. This table drives the checks, what becomes of the
Encounter, and the words of refusals.

https://hl7.org/fhir/R4/valueset-task-status.html
"""

from dataclasses import dataclass

from salus.services.moves import Moves

WAITING, CALLED, ASIDE, DONE, GONE = "requested", "in-progress", "on-hold", "completed", "cancelled"
STANDING = frozenset({WAITING, CALLED, ASIDE})
SEATED, BACK, LEFT = "in-progress", "waiting", "cancelled"  # what becomes of the Encounter; None: it stays as it is


@dataclass(frozen=True, slots=True)
class Verb:
    """May be done in the states `of`, leads to `to`. `encounter`: what becomes of that; `why`: Task.businessStatus."""

    of: frozenset[str]
    to: str
    done: str
    encounter: str | None = None
    why: str = ""


VERBS: dict[str, Verb] = {
    "call": Verb(frozenset({WAITING}), CALLED, "called", SEATED),
    "call-again": Verb(frozenset({CALLED}), CALLED, "called again"),
    "undo": Verb(frozenset({CALLED}), WAITING, "put back", BACK),
    "skip": Verb(frozenset({CALLED}), ASIDE, "skipped", BACK, "absent"),
    "send": Verb(frozenset({CALLED}), ASIDE, "sent for tests", None, "sent"),
    "recall": Verb(frozenset({ASIDE}), CALLED, "recalled", SEATED),
    "rejoin": Verb(frozenset({ASIDE}), WAITING, "put in line again", None, "rejoined"),
    "finish": Verb(STANDING, DONE, "finished"),
    "leave": Verb(STANDING, GONE, "noted as gone", LEFT),
    "not-here": Verb(frozenset({WAITING}), GONE, "noted as not here after all", LEFT),
}


SAID = {WAITING: "waiting", CALLED: "called", ASIDE: "set aside", DONE: "finished", GONE: "gone"}
TICKET = Moves(
    {name: (verb.of, verb.to) for name, verb in VERBS.items()},
    {name: verb.done for name, verb in VERBS.items()},
    SAID,
)


def after(verb: str, state: str, what: str) -> Verb:
    """What a verb does. Raises Conflict, naming the states in which it may be done.

    >>> after("skip", "in-progress", "Number 007").to
    'on-hold'
    """
    TICKET.after(verb, state, what)
    return VERBS[verb]
