"""The laboratory: from an order over a specimen to a verified report, and the call when a result cannot wait.

Knows orders, specimens, units, intervals and critical limits; must not know prices, the pharmacy or any page.
Read first: `states.py`, `specimens.py`, `results.py`, `verifying.py`, `critical.py`, `calling.py`.
"""
