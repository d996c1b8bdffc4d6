"""CDS Hooks 2.0: the assistants' door for other systems. https://cds-hooks.hl7.org/2.0/

    GET  /cds-services                      what there is, and which data to send along (open: no patient in it)
    POST /cds-services/{service}            cards on one patient
    POST /cds-services/{service}/feedback   what the clinician did with a card

Prefetched data are read when all of it is there; otherwise the patient is looked up in the store.
"""

from salus.api.hooks.serving import Service, door

__all__ = ["Service", "door"]
