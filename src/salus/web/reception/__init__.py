"""The front desk's pages: who has come and who is due, who is known here, whose turn it is, and the screen on the wall.

Knows how the desk speaks; what may be done with a booking or a number is for the services to say.
"""
