"""Groups of stays in hospital that are paid alike (diagnosis-related groups), as a table with dates and sources.

Knows law, codes and money; must not know of any patient, store or page. `Grouper` is the port: a city's own grouping
program, or the table that is shipped as an example (`TableGrouper`).
"""

from salus.places.drg.grouping import Grouped, Grouper, Stay, TableGrouper
from salus.places.drg.paying import Payment, payment
from salus.places.drg.tables import Table, shipped, table_of

__all__ = [
    "Grouped",
    "Grouper",
    "Payment",
    "Stay",
    "Table",
    "TableGrouper",
    "payment",
    "shipped",
    "table_of",
]
