"""Is this person known here already? Knows how people write names, dates and numbers and how they slip; must not know
why somebody comes. Read first: `people.py`, `comparing.py`, `weighing.py`.
"""
