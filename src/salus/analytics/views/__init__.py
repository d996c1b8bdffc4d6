"""Views: FHIR resources as tables, by ViewDefinitions of SQL on FHIR v2. Knows resources and the store's outbox;
must not know whose question it is.

https://sql-on-fhir.org/ig/latest/
"""

from salus.analytics.views.definition import Definition, read_definition
from salus.analytics.views.view import View, read_view

__all__ = ["Definition", "View", "read_definition", "read_view"]
