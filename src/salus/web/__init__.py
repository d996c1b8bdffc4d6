"""Doors for people: sign-in, patients, the chart, models, the audit, preferences.

Knows how the ward's records are told to a reader; holds no rule about access (that is `privacy`), stores nothing.
Read first: `door.py` (what every page goes through), then `chart.py`.
"""

from salus.web.door import pages

__all__ = ["pages"]
