"""In and out: bundles, NDJSON, archives, CSV. Knows formats and the doors of records; must not know models or pages."""

from salus.exchange.mapping import Mapping, read_mapping
from salus.exchange.report import Report
from salus.exchange.taking import take_in

__all__ = ["Mapping", "Report", "read_mapping", "take_in"]
