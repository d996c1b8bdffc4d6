"""The doctor's pages: the queue, one page for the patient who was called, the signed note.

Knows how a visit is shown and typed; what may be written, ordered and signed is for the services to say.
"""
