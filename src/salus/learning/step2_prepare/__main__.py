"""This step alone, over a run folder: `python -m salus.learning.step2_prepare RUN`."""

from salus.learning.alone import run_alone
from salus.learning.step2_prepare import prepare

run_alone(prepare)
