"""What holds in this laboratory, as tables."""

from datetime import timedelta

ADULT = 18  # years; the intervals of salus.codes are of adults
RECENT = timedelta(hours=24)  # a critical result that comes from elsewhere later than this is history, not news
LONGEST = 500  # characters of a reason
MOST_TOGETHER = 20  # orders on one specimen

# why a specimen is rejected; words: `specimen.<code>`
REJECTIONS = ("haemolysed", "clotted", "too-little", "wrong-tube", "mislabelled", "too-old", "lost", "other")
# results that are no numbers; words: `finding.<code>`; codes of SNOMED CT where there is one
FINDINGS = {"negative": "260385009", "positive": "10828004", "trace": "", "1+": "", "2+": "", "3+": ""}
POSITIVE = frozenset({"positive", "1+", "2+", "3+"})
