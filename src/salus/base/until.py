"""How long a process that another one began shall go on."""

import os
from multiprocessing.synchronize import Event
from typing import NamedTuple


class Until(NamedTuple):
    """Set when we were told to stop, or have become an orphan."""

    stop: Event
    parent: int

    def is_set(self) -> bool:
        return self.stop.is_set() or os.getppid() != self.parent

    def wait(self, timeout: float) -> bool:
        return self.stop.wait(timeout)
