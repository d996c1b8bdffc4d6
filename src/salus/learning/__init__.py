"""Rows, labels, models: from a table or from events to a deployed model in seven steps.

Knows no medicine, no store, no page.

The doors: `learning.task.read_task`, `learning.learn.learn_table` and `learn_task`, `learning.step7_deploy.Registry`.
"""

import os

# Threads of OpenMP that wait spin by default: on a machine with other work, fits take six times as long. It is read
# when the first library with OpenMP is loaded, so it stands before all of them.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
