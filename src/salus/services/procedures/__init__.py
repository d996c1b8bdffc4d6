"""Operations, endoscopies, imaging and treatments: ordered, carried out or not and why, and taken back.

Knows orders, what each code asks for, and who carried it out; must not know prices, groups of stays, notes or any page.
Read first: `catalogue.py`, `orders.py`, `states.py`, `doing.py`.
"""
