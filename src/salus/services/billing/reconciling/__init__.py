"""Reconciliation (对账): what a bank or an insurer says of a day against the books. Every difference is found, and
repaired by a posting or reversal of its own; nothing is edited, and nothing repaired twice. Read first: `faults.py`,
`comparing.py`, `running.py`; the formats of the files stand in `bank.py` and `insurer.py`.
"""

from salus.services.billing.reconciling.bank import bank
from salus.services.billing.reconciling.faults import Difference, Fault
from salus.services.billing.reconciling.insurer import insurer
from salus.services.billing.reconciling.keeping import Reconciled, reconciled, reconciliations
from salus.services.billing.reconciling.reading import Bad
from salus.services.billing.reconciling.running import reconcile

__all__ = [
    "Bad",
    "Difference",
    "Fault",
    "Reconciled",
    "bank",
    "insurer",
    "reconcile",
    "reconciled",
    "reconciliations",
]
