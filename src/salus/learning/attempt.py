"""Trials in a process of their own, so that one that overruns can be ended: `python -m salus.learning.attempt SAMPLE`.

A line of JSON a trial comes in (`Ask`). For every look at the loss so far a line goes out (`Told`), and "go" or "stop"
comes back: within the first fold each quarter of a model that grows by rounds, then each fold.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import msgspec
import numpy as np

from salus.base.errors import SalusError
from salus.learning.models.family import Look, Matrix, Params, family
from salus.learning.sample import Sample, load_sample
from salus.learning.step4_train.folds import width
from salus.learning.step4_train.score import loss

QUARTERS = 4  # looks into the first fold; the last one is the fold itself


class Ask(msgspec.Struct):
    """What to try."""

    family: str
    params: Params


class Told(msgspec.Struct):
    """The loss at a step: 0 to 2 within the first fold, 3 after it, 4 after the second, ... `last`: after all folds."""

    step: int = 0
    loss: float = 0.0
    last: bool = False
    fault: str | None = None


class Stopped(Exception):
    """The trial is not worth going on with."""


class Attempt:
    """One trial over the folds of a sample. `told` gets each loss and says whether to go on."""

    def __init__(self, sample: Sample, ask: Ask, told: Any) -> None:
        self.sample, self.ask, self.told = sample, ask, told

    def run(self) -> None:
        """Raises Stopped."""
        rows = self.sample
        margins, answered = np.zeros((len(rows.y), width(rows.setting))), np.zeros(len(rows.y), dtype=bool)
        folds = np.unique(rows.fold)
        for i, one in enumerate(folds):
            inside = rows.fold == one
            margins[inside] = self._answers(inside, first=i == 0)
            answered |= inside
            self._tell(QUARTERS - 1 + i, margins[answered], rows.y[answered], i == len(folds) - 1)

    def _answers(self, inside: Any, first: bool) -> Matrix:
        name = self.ask.family
        x, y, _ = self.sample.part(name, inside)
        given = self.sample.part(name, ~inside, self._look(x, y) if first else None)
        return family(name).fit(*given, dict(self.ask.params)).margins(x)

    def _look(self, x: Matrix, y: Any) -> Look:
        """A look at each quarter but the last."""
        due = self._quarters()
        following = next(due)

        def look(share: float, margins: Any) -> None:
            nonlocal following
            if share >= (following + 1) / QUARTERS:
                step, following = following, next(due)
                self._tell(step, margins(x), y)

        return look

    @staticmethod
    def _quarters() -> Iterator[float]:
        yield from range(QUARTERS - 1)
        while True:
            yield float("inf")

    def _tell(self, step: float, margins: Matrix, y: Any, last: bool = False) -> None:
        if not self.told(Told(int(step), loss(margins, y, self.sample.setting), last)):
            raise Stopped


def serve(folder: Path, asks: IO[str], tells: IO[bytes]) -> None:
    """Trials until there are no more lines."""
    sample = load_sample(folder)

    def told(one: Told) -> bool:
        tells.write(msgspec.json.encode(one) + b"\n")
        tells.flush()
        return one.fault is not None or asks.readline().strip() == "go"

    while line := asks.readline():
        try:
            Attempt(sample, msgspec.json.decode(line, type=Ask), told).run()
        except Stopped:
            continue
        except SalusError as error:
            told(Told(fault=error.issues[0].text))


if __name__ == "__main__":
    with os.fdopen(os.dup(1), "wb") as out:
        os.dup2(2, 1)  # what a library prints is not taken for an answer
        serve(Path(sys.argv[1]), sys.stdin, out)
