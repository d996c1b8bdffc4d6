"""What doctors prescribed to patients like this one: behaviour, never called benefit, shown apart from both.

Knows patients, ranking models and how an answer is said; must not know how a model is fitted, nor any page.

    shape.py        what is said: medicines by their share, the last visit, the disease alone; or a refusal
"""

from salus.assistants.treatment.behaviour.shape import Behaviour, Row

__all__ = ["Behaviour", "Row"]
