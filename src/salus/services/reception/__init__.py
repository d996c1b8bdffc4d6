"""The front desk: who has come, how urgent it is, whose turn it is, how long it takes; who is known here already.

Knows Encounters, queue tickets and how likely two people are one; must not know what is found or done in the room.
Read first: `arriving.py`, `queue.py`, `order.py`.
"""
