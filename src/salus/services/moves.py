"""A table of states and of what leads from one to another: the checks, the words of refusals and the diagram in the
docs come from the one table.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from salus.base.errors import Conflict

NOTHING = ""  # the state of what is not there yet


@dataclass(frozen=True, slots=True)
class Moves:
    """verb -> (the states it may be done in, the state afterwards); `done`: how a verb is said of what it was done to.

    >>> doors = Moves({"shut": (frozenset({"open"}), "closed")}, {"shut": "shut"})
    >>> doors.after("shut", "open", "The door"), doors.verbs("closed")
    ('closed', ())
    """

    table: Mapping[str, tuple[frozenset[str], str]]
    done: Mapping[str, str]

    def after(self, verb: str, state: str, what: str) -> str:
        """The state that a verb leads to. Raises Conflict, naming the states in which it may be done."""
        allowed, found = self.table[verb]
        if state not in allowed:
            raise Conflict(
                f"{what} is {state or 'not there'}: only what is {' or '.join(sorted(allowed))} can be "
                f"{self.done[verb]}",
                path="status",
            )
        return found

    def verbs(self, state: str) -> tuple[str, ...]:
        """What may be done in a state."""
        return tuple(verb for verb, (states, _) in self.table.items() if state in states)

    def diagram(self) -> str:
        """The table as a Mermaid state diagram. https://mermaid.js.org/syntax/stateDiagram.html"""
        arrows = [
            f"    {named(one)} --> {named(to)}: {verb}"
            for verb, (states, to) in self.table.items()
            for one in sorted(states)
        ]
        return "\n".join(["stateDiagram-v2", *arrows])


def named(state: str) -> str:
    return state.replace("-", "_") or "[*]"
