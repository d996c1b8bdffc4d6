"""What an insurer pays of a visit, as rules with dates and sources, one engine for all, and every line explained.

Knows law, money and dates; must not know of any patient, store or page.
"""

from salus.places.settlement.coordinating import left
from salus.places.settlement.groups import group_of
from salus.places.settlement.reading import Chapter, built_in, chapter_of, rules_of, shipped
from salus.places.settlement.rulebook import Rulebook, bound
from salus.places.settlement.rules import Rule, the_rule
from salus.places.settlement.settling import Claim, Item, Line, Payer, Settlement, Visit, Year, all_own, settle
from salus.places.settlement.telling import told

__all__ = [
    "Chapter",
    "Claim",
    "Item",
    "Line",
    "Payer",
    "Rule",
    "Rulebook",
    "Settlement",
    "Visit",
    "Year",
    "all_own",
    "bound",
    "built_in",
    "chapter_of",
    "group_of",
    "left",
    "rules_of",
    "settle",
    "shipped",
    "the_rule",
    "told",
]
