"""What is local to a country, as tables: numbers to call when it cannot wait, rules of insurers. Knows no patient."""

from salus.places.emergency import Number, numbers

__all__ = ["Number", "numbers"]
