"""Events from other databases: OMOP, MIMIC, eICU, MEDS, challenge series, or any tables that a layout describes.

Knows layouts and DuckDB; must not know the store or models. What comes out is of `events.EVENT_SCHEMA`, each row with
the table and key that it came from, and nothing is left out uncounted.
"""

from salus.analytics.sources.bringing import bring
from salus.analytics.sources.layout import Layout, layouts, read_layout
from salus.analytics.sources.meds import write_meds
from salus.analytics.sources.report import Brought, TableCount
from salus.analytics.sources.tables import Place, Server, place_at

__all__ = [
    "Brought",
    "Layout",
    "Place",
    "Server",
    "TableCount",
    "bring",
    "layouts",
    "place_at",
    "read_layout",
    "write_meds",
]
