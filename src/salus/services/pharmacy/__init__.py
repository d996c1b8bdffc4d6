"""The pharmacy: every prescription is looked at by a pharmacist, and only what was let through is handed out.

Knows prescriptions, reviews, amounts and dispensings; must not know prices, the laboratory or any page.
Read first: `states.py`, `reviews.py`, `deciding.py`, `checking.py`, `dispensing.py`.
"""
