"""What an insurer pays of a visit, as rules with dates and sources, one engine for all, and every line explained.

Knows law, money and dates; must not know of any patient, store or page.
"""

from salus.places.settlement.rules import Rule, rules_of, shipped, the_rule
from salus.places.settlement.settling import Claim, Item, Line, Settlement, Visit, Year, settle
from salus.places.settlement.telling import told

__all__ = [
    "Claim",
    "Item",
    "Line",
    "Rule",
    "Settlement",
    "Visit",
    "Year",
    "rules_of",
    "settle",
    "shipped",
    "the_rule",
    "told",
]
