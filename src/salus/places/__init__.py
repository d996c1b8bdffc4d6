"""What is local to a country, as tables: so far the numbers to call when it cannot wait. Knows no patient."""

from salus.places.emergency import Number, numbers

__all__ = ["Number", "numbers"]
