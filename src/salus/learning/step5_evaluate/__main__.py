"""This step alone, over a run folder: `python -m salus.learning.step5_evaluate RUN`."""

from salus.learning.alone import run_alone
from salus.learning.step5_evaluate import evaluate

run_alone(evaluate)
