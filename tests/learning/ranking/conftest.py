"""Lets the tests of this folder share `ward.py`, and learns its ranking once."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def learned(tmp_path_factory):
    """The folder of models, and what came of learning the ward's habits."""
    from ward import TASK, written

    from salus.learning.ranking.learning import learn_ranking
    from salus.learning.task import task_of

    folder = tmp_path_factory.mktemp("ranking")
    return folder / "models", learn_ranking(task_of(TASK), written(folder), folder / "models", secret=b"s" * 32)
