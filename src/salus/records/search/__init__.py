"""Search: the words of a query to SQL, the SQL to pages. https://hl7.org/fhir/R4/search.html"""

from salus.records.search.explaining import Explanation, explain
from salus.records.search.finding import Search, find
from salus.records.search.matching import served
from salus.records.search.query import Query, lenient, parse

__all__ = ["Explanation", "Query", "Search", "explain", "find", "lenient", "parse", "served"]
