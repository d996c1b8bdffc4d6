"""The gate: how a case leaves the chart. Drafts without those they are about, a human who looks, a release as a record.

Knows what a case is and what a record looks like; what names people is for `privacy.deidentify` to say. Must not know
of pages. docs/decisions/0069-the-gate.md.
"""

from salus.assistants.cases.gate.keeping import Gate, gate_of, swept, swept_by
from salus.assistants.cases.gate.shapes import Draft, Part

__all__ = ["Draft", "Gate", "Part", "gate_of", "swept", "swept_by"]
