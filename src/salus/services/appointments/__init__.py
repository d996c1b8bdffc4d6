"""Appointments: when people can come, and the booking of a time with all the actors that it needs together.

Knows hours, holidays, offers and the states of a booking; that no time is sold twice is for `records` to see to.
Read first: `hours.py`, `finding.py`, `booking.py`.
"""
