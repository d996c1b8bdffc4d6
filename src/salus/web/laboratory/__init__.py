"""The laboratory's pages: what to draw, what has come, results and their verification, and the calls that cannot wait.

Knows how it is told and asked for; what may be done is for `services.laboratory` to say.
"""
