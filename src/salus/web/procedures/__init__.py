"""The pages of procedures: found and ordered in a stay or a visit, and the rooms that carry them out.

Knows how it is told and asked for; what may be done is for `services.procedures` to say.
"""
