"""A table of states and of what leads from one to another: the checks, the words of refusals and the diagram in the
docs come from the one table.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from salus.base.errors import Conflict

NOTHING = ""  # the state of what is not there yet


@dataclass(frozen=True, slots=True)
class Moves:
    """verb -> (the states it may be done in, the state afterwards); `done`: how a verb is said of what it was done to;
    `said`: how a state is, where its name is not what people say.

    >>> doors = Moves({"shut": (frozenset({"open"}), "closed")}, {"shut": "shut"})
    >>> doors.after("shut", "open", "The door"), doors.verbs("closed")
    ('closed', ())
    """

    table: Mapping[str, tuple[frozenset[str], str]]
    done: Mapping[str, str]
    said: Mapping[str, str] = field(default_factory=dict)

    def after(self, verb: str, state: str, what: str) -> str:
        """The state that a verb leads to. Raises Conflict, naming the states in which it may be done."""
        allowed, found = self.table[verb]
        if state not in allowed:
            which = " or ".join(self.told(one) for one in sorted(allowed))
            # told: Number {0}
            raise Conflict(
                f"{what} is {self.told(state)}: only what is {which} can be {self.done[verb]}", path="status"
            )
        return found

    def told(self, state: str) -> str:
        return self.said.get(state, state) or "not there"

    def can(self, verb: str, state: str) -> bool:
        return state in self.table[verb][0]

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
