"""One step alone over a run folder, from the terminal."""

import sys
from collections.abc import Callable
from pathlib import Path

from salus.base.errors import SalusError
from salus.learning.run import Run


def run_alone(step: Callable[[Run], object]) -> None:
    """Run the step over the folder named first; faults as plain lines and their exit code."""
    try:
        step(Run(Path(sys.argv[1])))
    except SalusError as error:
        print(*(issue.text for issue in error.issues), sep="\n", file=sys.stderr)
        sys.exit(error.exit_code)
