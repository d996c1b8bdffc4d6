"""Two records of one person become one, and two again. Knows which of two Patients stands, what moves and what was
moved at which version; must not know how likely they are one (that is `matching`) nor what any of it means for health.
Read first: `joining.py`, `moving.py`, `parting.py`. docs/decisions/0093
"""
