"""Rows, labels, models: from a table or from events to a deployed model in seven steps.

Knows no medicine, no store, no page.

The doors: `learning.task.read_task`, `learning.learn.learn_table` and `learn_task`, `learning.step7_deploy.Registry`.
"""
