"""This step alone, over a run folder: `python -m salus.learning.step3_features RUN`."""

from salus.learning.alone import run_alone
from salus.learning.step3_features import features

run_alone(features)
