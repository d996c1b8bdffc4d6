"""trials.jsonl: every trial as it ended, a line each, so that a search that was broken off goes on."""

import os
from pathlib import Path
from typing import Any

import msgspec

from salus.learning.step6_optimise.workbench import Outcome, State
from salus.learning.task import Strict


class Head(Strict):
    """The first line: what the trials were made on. Another sample or other weights begin a new search."""

    sample: str
    weights: str


class Line(Strict):
    """One trial: its parameters, how it ended, the loss at each step, how long it took in seconds."""

    family: str
    params: dict[str, Any]
    state: State
    steps: dict[int, float]
    seconds: float

    @property
    def loss(self) -> float:
        """After the last step there was."""
        return self.steps[max(self.steps)] if self.steps else float("inf")


class Journal:
    """The lines of one search, those of an earlier attempt at it among them."""

    def __init__(self, path: Path, head: Head) -> None:
        self.path, self.lines = path, list[Line]()
        first = msgspec.json.encode(head) + b"\n"
        kept = path.read_bytes().splitlines(keepends=True) if path.is_file() else []
        if kept[:1] == [first]:
            self.lines = [msgspec.json.decode(line, type=Line) for line in kept[1:] if line.endswith(b"\n")]
        path.write_bytes(first + b"".join(msgspec.json.encode(line) + b"\n" for line in self.lines))

    def of(self, name: str) -> list[Line]:
        """The trials of one family."""
        return [line for line in self.lines if line.family == name]

    def seconds(self, name: str | None = None) -> float:
        """What the trials took, of one family or of all."""
        return sum(line.seconds for line in self.lines if name in (None, line.family))

    def add(self, name: str, params: dict[str, Any], outcome: Outcome) -> Line:
        """Keep a trial; it is on the disk when this returns."""
        line = Line(family=name, params=params, state=outcome.state, steps=outcome.steps, seconds=outcome.seconds)
        self.lines.append(line)
        with self.path.open("ab") as file:
            file.write(msgspec.json.encode(line) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        return line
