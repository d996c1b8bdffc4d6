"""What holds for prescriptions here, as tables."""

from datetime import timedelta

# How long a prescription without a `validityPeriod` of its own may be dispensed, from the day it was written:
# 处方管理办法 (Ministry of Health order 53, 2007), article 18: the same day, at most three.
VALID = timedelta(days=3)
LONGEST = 500  # characters of a reason or an advice
LONGEST_KEY = 200

# why a prescription goes back; words: `refusal.<code>`
REFUSALS = (
    "dose",
    "interaction",
    "allergy",
    "kidney",
    "duplicate",
    "indication",
    "incomplete",
    "not-in-stock",
    "other",
)
# why what was handed out comes back; words: `return.<code>`
RETURNS = ("quality", "reaction", "stopped", "not-taken", "wrong-medicine", "other")
