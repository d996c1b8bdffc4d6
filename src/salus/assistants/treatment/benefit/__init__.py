"""What a treatment can be expected to do for one patient, or why nobody can tell.

Knows patients, effect models and how an answer is said; must not know how a model is fitted, nor any page.

    shape.py        what is said of one option: risks with and without it, overlap, harms, drivers, or a refusal
    service.py      every effect model whose people a patient is one of, asked at the bedside
    telling.py      what a model found, in words of both languages
"""

from salus.assistants.treatment.benefit.service import Benefits, benefits
from salus.assistants.treatment.benefit.shape import Benefit, Driver, Evidence, Harm, Option, Overlap, Risk

__all__ = ["Benefit", "Benefits", "Driver", "Evidence", "Harm", "Option", "Overlap", "Risk", "benefits"]
