"""Notices to people: what happened to their bookings, bills and results, and what is coming. Each is a Communication in
their language, told once; nothing leaves the house unless the site says where to, and then no word of medicine.

Read first: `occasions.py` (the one table), `notices.py`, `listening.py`, `sending.py`.
"""
