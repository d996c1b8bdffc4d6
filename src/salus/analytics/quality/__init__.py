"""Is it fit for use? Checks of events and OMOP tables, a report that ends in what to do, cleaning that can be undone.

Kahn's harmonised categories, https://doi.org/10.13063/2327-9214.1244: conformance, completeness, plausibility. A check
is a row of `checks/*.toml`; all checks over one relation are asked in one pass of DuckDB. Knows events, tables and
codes; must not know the store or models.
"""

from salus.analytics.quality.check import Check, Thresholds, read_checks, read_thresholds
from salus.analytics.quality.outcome import Outcome, Result
from salus.analytics.quality.running import check_quality

__all__ = ["Check", "Outcome", "Result", "Thresholds", "check_quality", "read_checks", "read_thresholds"]
