"""The waiting list: who waits for what, whose turn it is, and the time that is held for them until they answer.

A place in the list is an Appointment from the day it is asked for to the visit: `waitlist`, then `pending` while a time
is held for it, then `booked`. Read first: `terms.py`, `turns.py`, `places.py`, `offers.py`.
"""
