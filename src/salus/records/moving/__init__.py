"""A store moves to another engine, or is brought to today's layout. Knows the tables as they are laid, not what they
mean; must not know the engines' own words beyond how a new store comes to be.

docs/how-to/scale.md
"""

from salus.records.moving.copying import OnProgress, silent
from salus.records.moving.upgrading import Upgraded, upgrade_in_place
from salus.records.moving.verbs import Moved, move

__all__ = ["Moved", "OnProgress", "Upgraded", "move", "silent", "upgrade_in_place"]
