"""This step alone, over a run folder: `python -m salus.learning.step6_optimise RUN`."""

from salus.learning.alone import run_alone
from salus.learning.step6_optimise import optimise

run_alone(optimise)
