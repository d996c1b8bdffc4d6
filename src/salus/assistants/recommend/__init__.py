"""Where to turn to: what cannot wait, which department, which doctor; with why, and never from sensitive inference.

Knows medicine as tables (red flags, departments, what people say); must not know how a model is fitted.
"""

from salus.assistants.recommend.departments import Department, departments
from salus.assistants.recommend.redflags import RedFlag, red_flags
from salus.assistants.recommend.routing import Chance, Routing, route

__all__ = ["Chance", "Department", "RedFlag", "Routing", "departments", "red_flags", "route"]
