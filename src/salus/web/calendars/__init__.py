"""Calendars for the phone, the door of video visits, and free times for everybody.

Knows addresses, headers and words; what may be seen by whom is for `services.appointments` to say.
"""
