"""Code systems, value sets and concept maps, and the questions that are asked of them.

Knows R4's own terminology, our tables and what a site has loaded; must not know of any store, request or page.
"""

from salus.codes.terminology.expanding import Expansion, expand, holds
from salus.codes.terminology.mapping import ConceptMap, Match, concept_map_of, translate
from salus.codes.terminology.packages import Package
from salus.codes.terminology.reading import system_of, value_set_of
from salus.codes.terminology.shapes import System, ValueSet
from salus.codes.terminology.site import Site
from salus.codes.terminology.sources import OURS, R4, Source, Terminology

__all__ = [
    "OURS",
    "R4",
    "ConceptMap",
    "Expansion",
    "Match",
    "Package",
    "Site",
    "Source",
    "System",
    "Terminology",
    "ValueSet",
    "concept_map_of",
    "expand",
    "holds",
    "system_of",
    "translate",
    "value_set_of",
]
