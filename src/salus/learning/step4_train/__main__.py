"""This step alone, over a run folder: `python -m salus.learning.step4_train RUN`."""

from salus.learning.alone import run_alone
from salus.learning.step4_train import train

run_alone(train)
