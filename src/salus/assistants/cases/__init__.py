"""Similar cases: what a case is, which are alike and why, and what they may have. Knows findings, codes and diseases.

Must not know of pages, nor of any patient's record but through the gate.
"""
