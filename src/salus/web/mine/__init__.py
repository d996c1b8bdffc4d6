"""The patient's own pages, for a phone: what comes next, finding and booking a time, bills, the own record, notices.

Knows how it is told to a person about themselves; what may be done is for the services to say, and every page opens the
records as this patient alone, so that what is another's is not there at all.
"""
