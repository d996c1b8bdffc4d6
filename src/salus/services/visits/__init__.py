"""The outpatient visit: its note, its diagnoses and orders, signed together. Knows what a doctor writes and who may
sign it; must not know of queues, bills or pages.
"""
