"""Which condition is likely to be present or to come, and what is it: put to models, told as suggestions."""

from salus.assistants.answers import Said, answer, undo
from salus.assistants.diagnosis.suggest import suggest, suggest_all
from salus.assistants.monitor import monitor

__all__ = ["Said", "answer", "monitor", "suggest", "suggest_all", "undo"]
