"""What doctors prescribed to patients like this one: behaviour, never called benefit, shown apart from both.

Knows patients, ranking models and how an answer is said; must not know how a model is fitted, nor any page.

    shape.py        what is said: medicines by their share, the last visit, the disease alone; or a refusal
    ranked.py       the promoted rankings asked of one patient; every medicine held to the safety screen
"""

from salus.assistants.treatment.behaviour.ranked import Behaviours, ranked
from salus.assistants.treatment.behaviour.shape import Behaviour, Row

__all__ = ["Behaviour", "Behaviours", "Row", "ranked"]
