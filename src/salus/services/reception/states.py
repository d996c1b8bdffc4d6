"""The states of a queue ticket and what leads from one to another. This table drives the checks, what becomes of the
Encounter, and the words of refusals.

https://hl7.org/fhir/R4/valueset-task-status.html
"""

from dataclasses import dataclass

from salus.base.errors import Conflict

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
}


def after(verb: str, state: str, what: str) -> Verb:
    """What a verb does. Raises Conflict, naming the states in which it may be done.

    >>> after("skip", "in-progress", "Number 007").to
    'on-hold'
    """
    found = VERBS[verb]
    if state not in found.of:
        allowed = " or ".join(SAID[one] for one in sorted(found.of))
        raise Conflict(f"{what} is {SAID[state]}: only what is {allowed} can be {found.done}", path="status")
    return found


SAID = {WAITING: "waiting", CALLED: "called", ASIDE: "set aside", DONE: "finished", GONE: "gone"}


def diagram() -> str:
    """The table as a Mermaid state diagram, for the docs. https://mermaid.js.org/syntax/stateDiagram.html"""
    arrows = [
        f"    {one.replace('-', '_')} --> {verb.to.replace('-', '_')}: {name}"
        for name, verb in VERBS.items()
        for one in sorted(verb.of)
    ]
    return "\n".join(["stateDiagram-v2", *arrows])
