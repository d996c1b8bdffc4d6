"""Other databases' tables as resources in the store, and the store's resources as their tables again.

Knows layouts (tables, columns, FHIR elements) and DuckDB; must not know how the store keeps anything.
"""

from salus.exchange.databases.giving import Given, Wanted, give_database
from salus.exchange.databases.layout import Layout, layouts, read_layout
from salus.exchange.databases.taking import Told, take_database

__all__ = ["Given", "Layout", "Told", "Wanted", "give_database", "layouts", "read_layout", "take_database"]
