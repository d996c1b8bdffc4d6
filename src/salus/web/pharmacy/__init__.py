"""The pharmacist's pages: prescriptions to look at, what is let through or sent back, dispensing, labels, returns.

Knows how it is told and asked for; what may be done is for `services.pharmacy` to say.
"""
