"""This step alone, over a run folder: `python -m salus.learning.step1_collect RUN`."""

from salus.learning.alone import run_alone
from salus.learning.step1_collect import collect

run_alone(collect)
