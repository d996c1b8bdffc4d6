"""The process in which trials are made, started when it is first needed and again after one had to be ended."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Queue
from types import TracebackType
from typing import Literal

import msgspec

from salus.base.errors import Invalid
from salus.learning.attempt import Ask, Told
from salus.learning.models.family import Params

State = Literal["done", "pruned", "stopped"]


@dataclass(frozen=True)
class Outcome:
    """How a trial ended: done, pruned (it did worse than others at the same step), or stopped (its time was over, or
    its process died); the loss at each step, the last one that of a trial that is done."""

    state: State
    steps: dict[int, float]
    seconds: float


class Workbench:
    """Trials over the sample in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._told: Queue[bytes] = Queue()

    def __enter__(self) -> "Workbench":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.end()

    def attempt(self, name: str, params: Params, seconds: float, worse: Callable[[int, float], bool]) -> Outcome:
        """One trial, for so long at most. `worse(step, loss)`: whether it is to be pruned. Raises Invalid for data that
        the family refuses."""
        started, steps = time.monotonic(), dict[int, float]()
        self._say(msgspec.json.encode(Ask(name, params)))
        while told := self._next(started + seconds):
            if told.fault is not None:
                raise Invalid(told.fault)  # carries: what the family said in its own process
            steps[told.step] = told.loss
            stop = not told.last and worse(told.step, told.loss)
            self._say(b"stop" if stop else b"go")
            if stop or told.last:
                return Outcome("pruned" if stop else "done", steps, time.monotonic() - started)
        self.end()
        return Outcome("stopped", steps, time.monotonic() - started)

    def _next(self, deadline: float) -> Told | None:
        """The next thing told; None when the time is over or the process has died."""
        try:
            line = self._told.get(timeout=max(0.0, deadline - time.monotonic()))
        except Empty:
            return None
        return msgspec.json.decode(line, type=Told) if line else None

    def _say(self, line: bytes) -> None:
        pipe = self._running().stdin
        assert pipe is not None
        try:
            pipe.write(line + b"\n")
            pipe.flush()
        except BrokenPipeError:
            self._told.put(b"")

    def _running(self) -> "subprocess.Popen[bytes]":
        if self._process is None:
            self._told = Queue()
            command = [sys.executable, "-W", "ignore", "-m", "salus.learning.attempt", str(self.folder)]
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            threading.Thread(target=listen, args=(self._process, self._told), daemon=True).start()
        return self._process

    def end(self) -> None:
        """End the process, whatever it does."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            if process.stdin:
                process.stdin.close()


def listen(process: "subprocess.Popen[bytes]", told: "Queue[bytes]") -> None:
    """Pass on line after line; an empty one when the process has ended."""
    assert process.stdout is not None
    with process.stdout as lines:
        for line in lines:
            told.put(line)
    told.put(b"")
