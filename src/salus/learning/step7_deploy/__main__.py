"""This step alone: `python -m salus.learning.step7_deploy RUN REGISTRY`."""

import sys
from pathlib import Path

from salus.learning.alone import run_alone
from salus.learning.step7_deploy.deploy import deploy
from salus.learning.step7_deploy.registry import Registry

run_alone(lambda run: deploy(run, Registry(Path(sys.argv[2]))))
