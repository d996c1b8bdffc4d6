"""Cases as quizzes: disclosed step by step, ranked with confidence, marked, and what was missed asked again.

Knows how clinicians learn from a case and how that is kept; must not know of pages, nor of any patient who is not
behind a case that a human released. Read first: `script.py` (a case as a teacher writes it), then `sitting.py`.
"""
